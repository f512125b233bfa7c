package org.hetermoe.coordinator.planning;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.coordinator.profile.LinkRegistry;
import org.hetermoe.coordinator.profile.ProfileRegistry;
import org.hetermoe.run.RunSpec;

/** Plans as ever, but takes its time for runs whose names say so: {@code slow 3000} takes 3 s. */
public final class SlowPlans extends RunPlans {
  private static final String SLOW = "slow ";

  /** Plans that go by the same as the coordinator's own. */
  public SlowPlans(ProfileRegistry profiles, LinkRegistry links, CoordinatorConfig config) {
    super(profiles, links, config);
  }

  @Override
  public RunPlanner planner(RunSpec spec, GroupDevices devices) {
    if (spec.name().startsWith(SLOW)) {
      try {
        Thread.sleep(Duration.ofMillis(Long.parseLong(spec.name().substring(SLOW.length()))));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CancellationException("planning was given up");
      }
    }
    return super.planner(spec, devices);
  }
}
