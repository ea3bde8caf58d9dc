"""Cascade-correlation on small data in float64, driven as a run drives it; and the same equations in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from perforated_kit import Drive

from bioplaus.feed import Feed
from bioplaus.networks.cascade import Cascade, CascadeConfig
from bioplaus.neurons.base import StaticNeuron
from bioplaus.neurons.smooth import SymmetricSigmoid
from bioplaus.plasticity.base import Plasticity
from bioplaus.plasticity.resilient import Rprop
from bioplaus.rules.cascor import CascadeCorrelation, CascorConfig
from bioplaus.streams import Streams
from bioplaus.tasks import SymmetricTargets
from bioplaus.world import Model

Array = np.ndarray[Any, Any]
#: phases of two epochs: the second one brings no improvement that would count
SHORT: dict[str, Any] = {"output_patience": 1, "output_improvement": 1e9, "candidate_patience": 1, "candidate_improvement": 1e9, "pool": 3}
#: phases end after so many epochs each
PHASE = 2
CLASSES, INPUTS, ROWS = 3, 4, 20


def make(
    seeds: Sequence[int] = (0,), plasticity: Plasticity | None = None, neuron: StaticNeuron | None = None, inputs: int = INPUTS,
    classes: int = CLASSES, **keys: Any,
) -> Model:  # fmt: skip
    rule = CascadeCorrelation(CascorConfig(**{**SHORT, **keys}))
    networks = rule.build(Cascade.build(CascadeConfig(), (inputs,), (classes,), neuron or SymmetricSigmoid()))
    groups = rule.groups(networks)
    rates = {name: torch.full((len(seeds),), float(group.rate), dtype=torch.float64) for name, group in groups.items() if not group.frozen}
    return Model(rule, networks, groups, rates, plasticity or Rprop(), SymmetricTargets(classes), Streams(tuple(seeds), dtype=torch.float64))


def data(inputs: int = INPUTS, rows: int = ROWS, classes: int = CLASSES, seed: int = 6) -> Feed:
    g = torch.Generator().manual_seed(seed)
    return Feed(torch.randn(rows, inputs, generator=g, dtype=torch.float64), torch.randint(0, classes, (rows,), generator=g))


def xor() -> Feed:
    x = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float64)
    return Feed(x, torch.tensor([0, 1, 1, 0]))


def drive(model: Model, feed: Feed | None = None, **keys: Any) -> Drive:
    feed = feed or data()
    return Drive(model, feed, size=len(feed), epochs=400, **keys)


# -- the equations once more, in NumPy, one replica


def sig(z: Array) -> Array:
    return 1 / (1 + np.exp(-z)) - 0.5


def net(params: dict[str, Any], x: Array, r: int = 0, K: int | None = None) -> tuple[Array, Array, Array]:
    """Return (units ``[B, K]``, output currents, outputs) of replica r."""
    V, c, q, W, b = (
        np.asarray(params[key][r]) for key in ("forward/0/weight", "forward/0/bias", "forward/0/chain", "forward/1/weight", "forward/1/bias")
    )
    units: list[Array] = []
    for k in range(len(V) if K is None else K):
        units.append(sig(x @ V[k] + c[k] + sum(q[k, j] * units[j] for j in range(k))))
    h = np.stack(units, 1) if units else np.zeros((len(x), 0))
    z = np.concatenate([x, h], 1) @ W[:, : x.shape[1] + h.shape[1]].T + b
    return h, z, sig(z)


def targets(y: Array, classes: int) -> Array:
    return np.where(np.arange(classes) == np.asarray(y)[:, None], 0.5, -0.5)


def errors(z: Array, t: Array, offset: float = 0.1) -> Array:
    """e = (y - t)(f' + offset), f' = exp(-z)/(1 + exp(-z))^2."""
    return (sig(z) - t) * (np.exp(-z) / (1 + np.exp(-z)) ** 2 + offset)


def score(v: Array, c: float, q: Array, x: Array, h: Array, e: Array) -> float:
    """S = sum_o |(1/P) sum_p (h - hbar)(e_o - ebar_o)| of one candidate."""
    out = sig(x @ v + c + h @ q)
    return float(sum(abs(np.mean((out - out.mean()) * (e[:, o] - e[:, o].mean()))) for o in range(e.shape[1])))
