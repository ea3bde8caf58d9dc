"""SoftHebb: cells of a layer compete softly, and each moves towards the inputs it wins.

::

    y_k   = exp(u_k / T) / sum_l exp(u_l / T)        posterior of cell k, u = W x, competition per position in a convolution
    dw_ik = y_k (x_i - u_k w_ik)                     Moraitis et al. 2022, eq. 8; Journe et al. 2023, eq. 2

A cell's weights converge to unit length: where ``E[y (x - u w)] = 0``, ``w = E[y x] / E[y u]`` and so ``w . w = 1``.
Journe et al. turn the sign of y for all but the strongest cell ("anti-Hebbian" losers), which drives cells apart, and slow each cell down as its
length approaches 1, ``rate_k = lr |r_k - 1|^q``.

x is the input less its running mean (``centre=false`` leaves it in): without that, cells above the first layer all move towards the common mean.
Where T is large against the currents, y is nearly linear in u and every cell turns to the first principal direction: T must be small.

Sources: Moraitis et al. 2022, Neuromorph. Comput. Eng. 2:044017; Journe et al. 2023, ICLR, arXiv:2209.11883.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.fields import choice, ranged
from bioplaus.layer import Layer
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Plausibility
from bioplaus.rules.hebbian import HebbianConfig, HebbianRule, Seen, cells, decay, unit_axis

__all__ = ["SoftHebb", "SoftHebbConfig"]


@dataclass
class SoftHebbConfig(HebbianConfig):
    """Settings of SoftHebb."""

    name: str = "softhebb"
    temperature: float = ranged(1.0, above=0)
    """T of the competition, > 0, in units of the current: towards 0 the winner takes all, a large one lets every cell learn alike."""
    losers: str = choice("hebbian", "hebbian", "anti_hebbian")
    """What cells other than the strongest do: hebbian (learn by their share; Moraitis 2022) | anti_hebbian (move away; Journe 2023)."""
    slowing: float = ranged(0.0, 0)
    """q of the rate ``lr |r - 1|^q`` of a cell with weights of length r, >= 0; 0 is one rate for all, 0.5 in Journe et al. 2023."""


_OURS: dict[str, Any] = {"plasticity.clip": "per_network", "plasticity.clip_norm": 1.0}
_IMAGES = ("mnist", "fashion_mnist", "cifar10", "cifar100")
_CONV = ("cnn5", "lenet")


class SoftHebb(HebbianRule):
    """Soft winner-take-all in every hidden layer, and a trained output layer.

    Notes
    -----
    The softmax is used in learning only; what is sent on is the network's own neuron, as in Journe et al. 2023, who send a rectified power of
    the current ("triangle") after a batch normalisation of the input: here ``neuron=relu network.norm=batch_fixed network.norm_place=input``
    comes nearest. Their code also divides each change by its largest entry, which no synapse can know; left out. The priors of Moraitis et
    al. 2022 (a bias per cell) are uniform, as in Journe et al.
    """

    Config = SoftHebbConfig
    published_neuron = "relu"
    reference = "Moraitis et al. 2022, Neuromorph. Comput. Eng. 2:044017; Journe et al. 2023, ICLR, arXiv:2209.11883"
    plausibility = Plausibility(
        honoured=(
            "local: presynaptic activity, the cell's own current and its share in the layer's competition",
            "no label and no error below the output layer",
            "no feedback weights and no locking",
            "one phase",
        ),
        violated=(
            "the competition is an exact softmax over the layer's cells (a circuit with lateral inhibition would settle to it)",
            "credit: hidden layers do not know the task",
        ),
        needs_labels=False,
    )
    recipes = (
        Recipe({"rule.lr": 0.2, "rule.temperature": 0.3, **_OURS}, "ours, not tuned"),
        Recipe(
            {"rule.lr": 0.8, "rule.lr_hidden": 0.03, "rule.temperature": 0.1, "epochs": 40, "batch_size": 64},
            "ours: best validation accuracy of a few",
            data=("digits",),
        ),
        Recipe({"epochs": 40, "batch_size": 64}, "ours, not tuned", data=("synthetic",)),
        Recipe({"rule.lr": 0.5, "rule.lr_hidden": 0.03, "epochs": 20, "batch_size": 256}, "ours, not tuned", data=_IMAGES, network=("mlp",)),
        Recipe({"rule.lr": 0.1, "rule.lr_hidden": 0.03, "epochs": 20, "batch_size": 64}, "ours, not tuned", data=_IMAGES, network=_CONV),
    )

    def statement(self) -> Plausibility:
        if not self.config.slowing:
            return self.plausibility
        length = "a synapse's rate depends on the length of all weights of its cell"
        return replace(self.plausibility, violated=(*self.plausibility.violated, length), weight_transport=True)

    def hebb(self, layer: Layer, w: Tensor, seen: Seen, state: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        u, axis = seen.u, unit_axis(seen.u, layer)
        y = F.softmax(u / self.config.temperature, axis)
        if self.config.losers == "anti_hebbian":
            y = torch.where(u == u.amax(axis, keepdim=True), y, -y)
        count = cells(u, layer).shape[1]
        change = layer.connection.correlate(seen.pre, y / count).sub_(decay(cells(y * u, layer).mean(1), w))
        if self.config.slowing:
            length = torch.linalg.vector_norm(w.flatten(2), dim=2)
            change = decay((length - 1).abs() ** self.config.slowing, change)
        return change, {}
