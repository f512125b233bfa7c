package org.hetermoe.attention;

import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Topics;
import org.hetermoe.worker.PackagedWorker;

class AttentionServiceIT extends PackagedWorker {
  AttentionServiceIT() {
    super(WorkerRank.Role.ATTENTION, Topics.ATTENTION_ACTIVATIONS);
  }
}
