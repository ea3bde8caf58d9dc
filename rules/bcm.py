"""Bienenstock-Cooper-Munro: each cell compares its activity with a threshold that slides with that activity, and becomes selective.

::

    dw_k    = y_k (y_k - theta_k) phi'(u_k) x                 Intrator & Cooper 1992, eq. 2.7
    theta_k = running mean of y_k^2 / y0

Activity above theta strengthens its synapses, activity below weakens them. For linearly independent input patterns of probability p the
stable fixed points answer to exactly one of them, with ``y = theta = y0 / p``, and to the others with 0 (Bienenstock et al. 1982, section 4).

With inhibition of strength s between K cells, ``u_k <- u_k - s/(K-1) sum_{l != k} u_l`` comes before the neuron, and the gradient of the same
objective sends each cell's change back through the same inhibition (Intrator & Cooper 1992, network with feedforward inhibition).

Sources: Bienenstock, Cooper & Munro 1982, J. Neurosci. 2:32; Intrator & Cooper 1992, Neural Networks 5:3; Law & Cooper 1994, PNAS 91:7797.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from bioplaus.fields import choice, ranged, replica
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Plausibility
from bioplaus.rules.hebbian import HebbianConfig, HebbianRule, Seen, cells, unit_axis
from bioplaus.shapes import per_unit
from bioplaus.streams import Streams

__all__ = ["Bcm", "BcmConfig"]

#: A cell that has long been silent keeps a threshold that can be divided by.
_SMALLEST = 1e-6


@dataclass
class BcmConfig(HebbianConfig):
    """Settings of Bienenstock-Cooper-Munro plasticity."""

    name: str = "bcm"
    lr_hidden: float | None = replica(None)
    """Base rate of the Hebbian layers, >= 0; a tenth of lr if not given; 0 leaves them at their start, which is the control `top`."""
    form: str = choice("intrator_cooper", "intrator_cooper", "law_cooper")
    """intrator_cooper (y (y - theta)) | law_cooper (the same divided by theta: same fixed points, speed independent of their size)."""
    level: float = ranged(1.0, above=0)
    """y0: the mean activity that a cell aims at, > 0; a cell that answers to a share p of the inputs ends at y = y0 / p there."""

    inhibition: float = ranged(0.0, 0)
    """Feedforward inhibition: each cell's current is lowered by this times the mean current of the layer's other cells, >= 0; 0 is none."""


_OURS: dict[str, Any] = {"plasticity.clip": "per_network", "plasticity.clip_norm": 1.0}
_IMAGES = ("mnist", "fashion_mnist", "cifar10", "cifar100")
_CONV = ("cnn5", "lenet")


class Bcm(HebbianRule):
    """BCM plasticity with one sliding threshold per cell in every hidden layer, and a trained output layer.

    Notes
    -----
    y is the neuron's output (before any pooling) and phi' its slope, as in the objective that Intrator & Cooper descend. The thresholds
    are the rule's state, ``theta/<layer>`` of shape ``[R, C]``, and start at y0. Without inhibition between cells nothing keeps two of them
    from choosing the same pattern: diversity comes from the start.
    """

    Config = BcmConfig
    share = 0.1
    reference = "Bienenstock, Cooper & Munro 1982, J. Neurosci. 2:32; Intrator & Cooper 1992, Neural Networks 5:3"
    plausibility = Plausibility(
        honoured=(
            "local: presynaptic activity, the cell's own activity and its own threshold",
            "no label and no error below the output layer",
            "no feedback weights and no locking",
            "one phase",
        ),
        violated=("credit: hidden layers do not know the task",),
        needs_labels=False,
    )
    recipes = (
        Recipe(
            {"rule.lr": 0.2, "rule.form": "law_cooper", "rule.inhibition": 1.0, **_OURS},
            "ours: the form and the inhibition that separate clouds; not tuned further",
        ),
        Recipe(
            {"rule.lr": 0.4, "rule.lr_hidden": 0.003, "epochs": 40, "batch_size": 64},
            "ours: best validation accuracy of a few; faster Hebbian layers do worse",
            data=("digits",),
        ),
        Recipe({"epochs": 40, "batch_size": 64}, "ours, not tuned", data=("synthetic",)),
        Recipe({"rule.level": 0.1}, "ours: at level 1 activity grows faster than the output layer can follow", network=("autoencoder",)),
        Recipe({"rule.lr": 0.5, "rule.lr_hidden": 0.001, "epochs": 20, "batch_size": 256}, "ours, not tuned", data=_IMAGES, network=("mlp",)),
        Recipe({"rule.lr": 0.1, "rule.lr_hidden": 0.001, "epochs": 20, "batch_size": 64}, "ours, not tuned", data=_IMAGES, network=_CONV),
    )

    def statement(self) -> Plausibility:
        if not self.config.inhibition:
            return self.plausibility
        lateral = "inhibition: a cell's change is also lowered by what the layer's other cells learn (symmetric, of one strength, fixed)"
        return replace(self.plausibility, violated=(*self.plausibility.violated, lateral))

    def init(self, networks: Mapping[str, Network], params: Mapping[str, Tensor], streams: Streams) -> dict[str, Tensor]:
        state = super().init(networks, params, streams)
        for layer in networks["forward"].layers[:-1]:
            shape = (len(streams.seeds), layer.connection.out_shape[0])
            state[_key(layer)] = torch.full(shape, self.config.level, dtype=streams.dtype, device=streams.device)
        return state

    def hebb(self, layer: Layer, w: Tensor, seen: Seen, state: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        theta = state[_key(layer)]
        y, cache = layer.neuron.forward(self._inhibited(seen.u, layer))
        threshold = per_unit(theta, y, layer.connection.out_shape)
        phi = y * (y - threshold)
        if self.config.form == "law_cooper":
            phi = phi / threshold.clamp(min=_SMALLEST)
        rows = cells(y, layer)
        power = rows.square().mean(1) / self.config.level
        post = self._inhibited(layer.neuron.pull(cache, phi / rows.shape[1]), layer)
        return layer.connection.correlate(seen.pre, post), {_key(layer): theta.lerp(power, 1 - self.config.memory)}

    def _inhibited(self, x: Tensor, layer: Layer) -> Tensor:
        """Return ``x_k - strength * mean of x over the other cells``; being symmetric, it is its own adjoint."""
        axis = unit_axis(x, layer)
        others = x.shape[axis] - 1
        if not self.config.inhibition or not others:
            return x
        return x - (x.sum(axis, keepdim=True) - x) * (self.config.inhibition / others)


def _key(layer: Layer) -> str:
    return f"theta/{layer.name}"
