"""Loss and score of a network on a whole set, per replica."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from bioplaus.feed import Feed
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World, view

__all__ = ["evaluate", "outputs", "predict"]

#: Samples at once, and values of a layer's activity at once (120 MB in single precision), whichever is less.
CHUNK = 2048
VALUES = 30_000_000


@torch.no_grad()
def evaluate(model: Model, world: World, feed: Feed, *, chunk: int | None = None) -> dict[str, Tensor]:
    """Return ``{"loss": [R], "accuracy": [R]}`` in float64, means over the samples; empty for an empty set.

    Accuracy is left out where the task has no score. A chunk is as many samples as memory allows unless it is given.
    """
    if len(feed) == 0:
        return {}
    sums: dict[str, Tensor] = {}
    for batch in feed.chunks(chunk or _chunk(model)):
        out = predict(model, world, batch)
        found = {"loss": model.task.loss(out, batch.y)}
        if model.task.has_score:
            found["accuracy"] = model.task.score(out, batch.y)
        for key, value in found.items():
            part = value.double() * batch.size
            sums[key] = sums[key] + part if key in sums else part
    return {key: value / len(feed) for key, value in sums.items()}


def outputs(model: Model, world: World, feed: Feed) -> Tensor:
    """Return the rule's output for every sample of a set, ``[R, N, ...]``, as many samples at a time as memory allows."""
    return torch.cat([predict(model, world, batch) for batch in feed.chunks(_chunk(model))], 1)


def _chunk(model: Model) -> int:
    """Return how many samples go through the network at once: units with time hold their activity at every step."""
    network = model.networks["forward"]
    steps = max(layer.neuron.config.steps if layer.neuron.spiking else 1 for layer in network.layers)
    return max(1, min(CHUNK, VALUES // (network.widest * steps * len(model.seeds))))


@torch.no_grad()
def predict(model: Model, world: World, batch: Batch, params: Mapping[str, Tensor] | None = None) -> Tensor:
    """Return the rule's output for a batch, ``[R, B, ...]``."""
    seen = view(model, world, batch, Clock(step=world.step))
    return model.rule.predict(seen if params is None else replace(seen, params=params))
