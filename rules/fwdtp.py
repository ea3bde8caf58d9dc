"""Fixed-weight difference target propagation: targets through random feedback maps that never learn.

Targets and forward changes as in `rules.targets`, V fixed: no feedback updates and no noise. In the batch form (FW-DTP-BN) every neuron, in f
and g, is followed by ``std(x) = (x - mean) / (std + 1e-12)`` over the batch, and so is the difference::

    f_l(h) = std(phi(h W_l^T)),   f_L(h) = std(h W_L^T),   g_l(u) = std(phi(u V_l^T)),   t_{l-1} = std(h_{l-1} + g_l(t_l) - g_l(h_l))

The size of V then drops out of the targets, which in the plain form shrink by the gain of V at each layer.

Source: Shibuya et al. 2023, AAAI, arXiv:2212.10352, and its published code.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.fields import choice
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.operations import Scope
from bioplaus.rules.base import Plausibility, Rate
from bioplaus.rules.standardise import Standardise, with_standard
from bioplaus.rules.targets import TargetConfig, TargetRule
from bioplaus.rules.targets_recipes import FIXED
from bioplaus.view import View

__all__ = ["FixedTargets", "FixedTargetsConfig"]


@dataclass
class FixedTargetsConfig(TargetConfig):
    """Settings of fixed-weight difference target propagation."""

    name: str = "fwdtp"
    form: str = choice("plain", "plain", "batch")
    """plain | batch (activities, feedback and differences standardised over the batch: FW-DTP-BN)."""


_HONOURED = (
    "separate feedback weights, random and fixed: no weight transport and nothing to learn",
    "local losses: each layer compares its output with its own target",
)
_VIOLATED = (
    "backward locking: a layer waits for the targets of all layers above it",
    "two phases, and a target beside the activity of each cell",
    "the top target needs the error of a global loss",
)


class FixedTargets(TargetRule):
    """Layer-wise targets through random feedback maps that never learn.

    Notes
    -----
    In the batch form the standardisation is part of the network that `build` returns: prediction, probes and learning see the same function.
    Learning uses the statistics of the batch. Prediction uses their running means (weight of a new batch 0.1), so that the answer to one sample
    does not depend on which others are asked about; the published code uses the statistics of each test batch. On convolutions, which the paper
    does not have, statistics are per channel and taken after pooling.
    """

    Config = FixedTargetsConfig
    reference = "Shibuya et al. 2023, AAAI, arXiv:2212.10352"
    published_neuron = "tanh"
    plausibility = Plausibility(_HONOURED, _VIOLATED, backward_locking=True, update_locking=True, phases=2)
    recipes = FIXED

    def statement(self) -> Plausibility:
        if self.config.form == "plain":
            return self.plausibility
        mixing = "activities and targets are standardised by statistics of the batch: a cell compares samples"
        return Plausibility(_HONOURED, (*_VIOLATED, mixing), backward_locking=True, update_locking=True, phases=2)

    def build(self, network: Network) -> dict[str, Network]:
        networks = super().build(network)
        if self.config.form == "plain":
            return networks
        if len(network.out_shape) > 1:
            raise ConfigError(
                "rule.form=batch standardises every output over the batch, which an image to be reproduced is not; use rule.form=plain"
            )
        return {
            name: Network(name, each.in_shape, [with_standard(layer, running=name == "forward") for layer in each.layers])
            for name, each in networks.items()
        }

    def feedback_rate(self) -> Rate | None:
        return None

    def lowered(self, view: View, scope: Scope, layer: Layer, below: Tensor, here: Tensor, shift: Tensor) -> Tensor:
        moved = super().lowered(view, scope, layer, below, here, shift)
        if self.config.form == "plain":
            return moved
        standard = Standardise("", below.shape[2:], running=False)
        return standard.forward(scope, below + moved)[0] - below
