package org.hetermoe;

import static java.util.Map.entry;

import java.util.List;
import java.util.Map;
import org.hetermoe.testing.Layering;

class EngineLayeringTest extends Layering {
  EngineLayeringTest() {
    super(
        Map.ofEntries(
            entry("compute", List.of("tensor")),
            entry("compute.host", List.of("compute", "tensor")),
            entry("compute.reference", List.of("compute.host", "compute", "tensor")),
            entry("compute.cpu", List.of("compute.host", "compute", "tensor")),
            entry("nn", List.of("compute", "model", "tensor")),
            entry("optim", List.of("nn", "compute", "run", "model", "tensor")),
            entry("data", List.of("run", "model", "tensor")),
            entry("weights", List.of("nn", "model", "tensor")),
            entry("channel", List.of("group", "tensor")),
            entry("channel.memory", List.of("channel", "group", "tensor")),
            entry("channel.direct", List.of("channel", "group", "tensor")),
            entry("channel.kafka", List.of("channel", "run", "group", "tensor")),
            entry("checkpoint", List.of("weights", "tensor")),
            entry("checkpoint.http", List.of("checkpoint", "weights", "api")),
            entry(
                "train.step",
                List.of(
                    "channel",
                    "nn",
                    "optim",
                    "data",
                    "compute",
                    "run",
                    "schedule",
                    "group",
                    "model",
                    "tensor")),
            entry(
                "train.attention",
                List.of(
                    "train.step",
                    "channel",
                    "nn",
                    "data",
                    "compute",
                    "run",
                    "schedule",
                    "group",
                    "model",
                    "tensor")),
            entry(
                "train.expert",
                List.of(
                    "train.step",
                    "channel",
                    "nn",
                    "optim",
                    "compute",
                    "run",
                    "schedule",
                    "group",
                    "model",
                    "tensor")),
            entry(
                "train",
                List.of(
                    "train.attention",
                    "train.expert",
                    "train.step",
                    "checkpoint",
                    "channel",
                    "nn",
                    "optim",
                    "data",
                    "compute",
                    "run",
                    "schedule",
                    "group",
                    "model",
                    "tensor")),
            entry("emulate", List.of("train.step", "device", "run", "schedule", "model")),
            entry("profile", List.of("device", "nn", "model", "compute", "tensor")),
            entry(
                "generate",
                List.of(
                    "train",
                    "train.step",
                    "checkpoint",
                    "data",
                    "nn",
                    "run",
                    "group",
                    "model",
                    "compute",
                    "schedule",
                    "tensor")),
            entry(
                "parity",
                List.of(
                    "train",
                    "train.step",
                    "weights",
                    "data",
                    "channel",
                    "channel.memory",
                    "run",
                    "schedule",
                    "group",
                    "optim",
                    "nn",
                    "model",
                    "compute",
                    "tensor"))),
        Map.of(
            "channel.kafka",
            List.of("org.apache.kafka.."),
            "compute.cpu",
            List.of("org.bytedeco..", "jdk.incubator.vector.."),
            "data",
            List.of("ai.djl..")));
  }
}
