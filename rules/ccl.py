"""Counter-current learning: two networks of mirrored shape run in opposite directions and teach each other layer by layer.

The forward network maps input to scores, ``a_l = phi(a_{l-1} U_l^T)``; the feedback network maps the label to input space,
``b_{l-1} = phi(b_l V_l^T)``, one row per class. Layer l of one is paired with the layer of the same width of the other, and a loss local to the
pair changes exactly two matrices, ``U_l`` through a_l and ``V_{l+1}`` through b_l::

    E_l = a_l b_l^T - T,  c_l = lambda 256 / d_l,  k_l = 2 c_l / (B K)
    change of U_l     = -[ (k_l E_l b_l)   * phi'(z^a_l) ]^T a_{l-1}      l = 1..L-1
    change of V_{l+1} = -[ (k_l E_l^T a_l) * phi'(z^b_l) ]^T b_{l+1}      l = 1..L-1
    change of V_1     = -[ k_0 E_0^T x ]^T b_1
    change of U_L     =  [ (T - softmax(a_L)) / B ]^T a_{L-1}

Source: Kao & Hariharan 2024, NeurIPS, arXiv:2409.19841v2, and its published code (where the two differ, the code is the default).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.changes import Change, Wanted
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged, replica
from bioplaus.network import Network
from bioplaus.neurons.smooth import Identity
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.rules.ccl_recipes import RECIPES
from bioplaus.rules.pairs import Pair, maps_pair, normalised_pair, raw_pair
from bioplaus.view import View

__all__ = ["CounterCurrent", "CounterCurrentConfig"]


@dataclass
class CounterCurrentConfig(RuleConfig):
    """Settings of counter-current learning."""

    name: str = "ccl"
    lr: float = replica(1.0)
    lr_feedback: float | None = replica(None)
    """Base rate of the feedback network, >= 0; lr if not given; 0 freezes it."""
    loss: str = choice("raw", "raw", "normalised", "maps")
    """Pair loss: raw (dot products; published MLP code) | normalised (directions; paper eq. 2) | maps (feature maps; autoencoder)."""
    lambda_cross: float = ranged(0.5, 0)
    """Weight of the comparison: lambda of the raw loss (c_l = lambda 256 / d_l), lambda_C of the normalised one; >= 0."""
    lambda_self: float = ranged(0.0, 0)
    """Weight of the two self terms of the normalised loss, >= 0; 0.5 in the published CNN settings."""
    flooding: float = ranged(0.0, 0, 1)
    """Samples whose true class already has probability above 1 - flooding leave the pair losses; in [0, 1], 0 is off."""


_TRANSPORT = "separate feedback weights, learned: no weight transport"
_LOCAL = "local losses: each pair of layers changes its own two matrices only"
_WAITS = "a layer's change still waits for its own two activations"
#: the statement where each sample is its own target (loss=maps)
_OF_SAMPLES = Plausibility(
    honoured=(
        _TRANSPORT,
        _LOCAL,
        "the feedback pass uses the target, never the forward pass's output or errors: no backward locking between passes",
        "one phase",
    ),
    violated=("the target itself is run through the feedback network", _WAITS),
)


class CounterCurrent(Rule):
    """Dual networks with one local loss per pair of layers.

    Notes
    -----
    A synapse of the forward network reads its presynaptic activity, its own cell's slope and the current ``E_l b_l`` that arrives from
    the paired cells at the same depth; no weight of another layer enters. The feedback pass needs labels only and may run before,
    after or beside the forward pass.
    """

    Config = CounterCurrentConfig
    reference = "Kao & Hariharan 2024, NeurIPS, arXiv:2409.19841"
    plausibility = Plausibility(
        honoured=(
            _TRANSPORT,
            _LOCAL,
            "the feedback pass uses labels, never the forward pass's output or errors: no backward locking between passes",
            "one phase",
        ),
        violated=(
            "the labels of all classes run through the feedback network at each step, and E mixes all B x K products",
            _WAITS,
        ),
        modulators=("label",),
    )
    recipes = RECIPES

    def statement(self) -> Plausibility:
        return _OF_SAMPLES if self.config.loss == "maps" else self.plausibility

    def build(self, network: Network) -> dict[str, Network]:
        return {"forward": network, "feedback": network.mirror("feedback", Identity())}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        feedback = self.config.lr if self.config.lr_feedback is None else self.config.lr_feedback
        rates = {"forward": self.config.lr, "feedback": feedback}
        return {name: Group(plastic_leaves(networks[name]), rate) for name, rate in rates.items()}

    def learn(self, view: View) -> Learning:
        forward, feedback = view.networks["forward"], view.networks["feedback"]
        codes, match = view.task.codes(view.batch.y, view.batch.x.dtype)
        if match is None and self.config.loss != "maps":
            match = torch.eye(codes.shape[1], dtype=codes.dtype, device=codes.device).unsqueeze(0)
        if match is not None and self.config.loss == "maps":
            raise ConfigError("rule.loss=maps pairs samples one by one and needs network=autoencoder; use raw or normalised for classes")
        up = forward.forward(view.params, view.batch.x, view.buffers, train=True)
        down = feedback.forward(view.params, codes, view.buffers, train=True)
        keep = self._keep(up.out, match)
        depth = len(forward.layers)
        height = _height(forward.layers[-1].out_shape) if self.config.loss == "maps" else 1
        top = view.task.error(up.out, view.batch.y)
        _, wanted_up = forward.layers[-1].wanted(up.traces[-1], top * height if height != 1 else top)
        wanted_down: dict[str, Change] = {}
        total = torch.zeros(up.out.shape[0], dtype=up.out.dtype, device=up.out.device)
        for level in range(depth):
            a = up.traces[level - 1].out if level else view.batch.x
            target = depth - 1 - level
            b = down.traces[target].out
            loss, error_a, error_b = self._pair(a, b, match, keep, inner=level > 0)
            if level:
                assert error_a is not None
                total += loss
                _, changes = forward.layers[level - 1].wanted(up.traces[level - 1], error_a.view(a.shape))
                wanted_up |= changes
            _, changes = feedback.layers[target].wanted(down.traces[target], error_b.view(b.shape))
            wanted_down |= changes
        yield Wanted("forward", wanted_up)
        yield Wanted("feedback", wanted_down)
        metrics = {"loss": view.task.loss(up.out, view.batch.y), "pair_loss": total}
        return Learned(metrics, running={**up.running, **down.running})

    def _pair(self, a: Tensor, b: Tensor, match: Tensor | None, keep: Tensor | None, *, inner: bool) -> Pair:
        """Return loss and errors of one pair; at the input (not inner) the error at a is not needed."""
        if match is None:
            return maps_pair(a, b, _height(a.shape[2:]), inner=inner, need_a=inner)
        a, b = a.flatten(2), b.flatten(2)
        if keep is not None:
            a = a * keep
        if self.config.loss == "raw":
            weight = self.config.lambda_cross * 256 / a.shape[-1]
            loss, error_a, error_b = raw_pair(a, b, match, weight, need_a=inner)
        else:
            cross, own = self.config.lambda_cross, self.config.lambda_self
            loss, error_a, error_b = normalised_pair(a, b, match, cross, own, need_a=inner)
        return loss, error_a * keep if keep is not None and error_a is not None else error_a, error_b

    def _keep(self, out: Tensor, match: Tensor | None) -> Tensor | None:
        """Return 1 for the samples still far enough from their class, ``[R, B, 1]``."""
        if not self.config.flooding or match is None:
            return None
        true = (F.softmax(out, -1) * match).sum(-1, keepdim=True)
        return ((1 - true) >= self.config.flooding).to(out.dtype)


def _height(shape: tuple[int, ...] | torch.Size) -> int:
    return shape[-2] if len(shape) == 3 else 1
