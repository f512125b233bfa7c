package org.hetermoe.emulate;

import org.hetermoe.cluster.DeviceProfile;
import org.hetermoe.cluster.LayerWork;
import org.hetermoe.cluster.Pass;
import org.hetermoe.cluster.SlowedProfile;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;

/** Devices of the catalogue, slowed so that real computing fits into their time. */
public final class EmulatedDevices {
  private EmulatedDevices() {}

  /**
   * A device.
   *
   * @param field where its name stands, for messages
   * @param name in the catalogue
   * @param timeScale how many times slower
   * @throws org.hetermoe.model.InvalidFieldException if the catalogue has none of that name
   */
  public static DeviceProfile of(String field, String name, double timeScale) {
    if (!name.equals("A40") && !name.equals("V100")) {
      throw new InvalidFieldException(field, "PROVISIONAL");
    }
    return new SlowedProfile(new Provisional(name, name.equals("A40") ? 90e12 : 72e12), timeScale);
  }

  private record Provisional(String name, double rate) implements DeviceProfile {
    @Override public boolean attention() { return true; }
    @Override public long memoryBytes() { return 16L << 30; }
    private double both(double work, Pass pass) { return 20e-6 + (pass == Pass.FORWARD ? 1 : 2) * work / rate; }
    @Override public double attentionSeconds(ModelShape m, int s, int l, Pass p) {
      return both(LayerWork.projections(m, (long) s * l) + LayerWork.attention(m, s, l), p);
    }
    @Override public double expertSeconds(ModelShape m, double a, Pass p) { return a == 0 ? 0 : both(LayerWork.expert(m, a), p); }
    @Override public double headSeconds(ModelShape m, int t, Pass p) { return both(LayerWork.head(m, t), p); }
    @Override public double embeddingSeconds(ModelShape m, int t, Pass p) { return 1e-6; }
    @Override public double optimizerSeconds(long p) { return p * 30.0 / 600e9; }
  }
}
