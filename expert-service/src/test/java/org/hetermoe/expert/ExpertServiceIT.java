package org.hetermoe.expert;

import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Topics;
import org.hetermoe.worker.PackagedWorker;

class ExpertServiceIT extends PackagedWorker {
  ExpertServiceIT() {
    super(WorkerRank.Role.EXPERT, Topics.EXPERT_ACTIVATIONS);
  }
}
