package org.hetermoe.api;

import java.util.List;
import org.hetermoe.run.WorkerProfile;

/** Profiles of devices, by device. */
public record ProfileList(List<WorkerProfile> profiles) {
  public ProfileList {
    profiles = List.copyOf(profiles);
  }
}
