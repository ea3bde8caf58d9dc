"""The control `readout`: every hidden layer has a linear readout of the classes, whose error teaches that layer and no other.

::

    s_l = R_l h_l,   e_l = -d loss(s_l, y) / d s_l          h_l flattened
    change of R_l = e_l^T h_l                               l = 1..L-1
    change of W_l = [ (e_l R_l) * phi'(z_l) ]^T h_{l-1}     the chain ends here: h_{l-1} counts as given
    change of W_L = (-dL/dz_L)^T h_{L-1}                    the output layer is its own readout

With ``loss=squared`` this is the pair loss of counter-current learning without its chain: there ``E = a b^T - T`` compares a layer with the
codes b that come from the label through all feedback layers above, here b is a matrix of the layer's own, learned by nobody else. At width d and
weight lambda the published pair loss is `gain` = lambda 256 / d times this one.

Local classifiers of this kind: Mostafa, Ramesh & Cauwenberghs 2018, Front. Neurosci. 12:608; Belilovsky et al. 2019, ICML (learned
readouts); Nokland & Eidnes 2019, ICML ("pred" loss).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bioplaus.changes import Change, Wanted
from bioplaus.connections import DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged, replica
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.networks.base import flat_size
from bioplaus.neurons.smooth import Identity
from bioplaus.operations import Flatten, Scope
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Group, Learned, Learning, Plausibility, Rule, RuleConfig, plastic_leaves
from bioplaus.view import View

__all__ = ["Readout", "ReadoutConfig"]


@dataclass
class ReadoutConfig(RuleConfig):
    """Settings of the control."""

    name: str = "readout"
    lr: float = replica(0.5)
    lr_readout: float | None = replica(None)
    """Base rate of the readouts, >= 0; lr if not given; 0 freezes them, which makes them random feedback of local errors."""
    loss: str = choice("cross_entropy", "cross_entropy", "squared")
    """Local loss: cross_entropy (that of the task) | squared (mean square of scores minus one-hot)."""
    gain: float = ranged(1.0, above=0)
    """Factor on every local loss, > 0; the output layer's loss keeps factor 1."""


_OURS: dict[str, Any] = {"plasticity.clip": "per_network", "plasticity.clip_norm": 1.0}
_IMAGES = ("mnist", "fashion_mnist", "cifar10", "cifar100")


class Readout(Rule):
    """One linear readout per hidden layer; its gradient goes down to that layer and stops."""

    Config = ReadoutConfig
    reference = "control; Mostafa, Ramesh & Cauwenberghs 2018, Front. Neurosci. 12:608; Nokland & Eidnes 2019, ICML"
    plausibility = Plausibility(
        honoured=(
            "local losses: nothing crosses layers, no forward weight is read by another layer",
            "no locking: a layer's error is there as soon as its own activity is",
            "one phase",
        ),
        violated=(
            "within a layer the error comes back through the transposed weights of its own readout",
            "every hidden layer is told the label",
        ),
        modulators=("label",),
    )
    recipes = (
        Recipe({"rule.lr": 0.5, **_OURS}, "ours, not tuned"),
        Recipe({"rule.lr": 0.8, "epochs": 40, "batch_size": 64}, "ours: as for bp on digits", data=("digits",), network=("mlp",)),
        Recipe({"epochs": 40, "batch_size": 64}, "ours, not tuned", data=("synthetic",)),
        Recipe({"rule.lr": 1.0, "epochs": 100, "batch_size": 256}, "as for ccl and bp", data=_IMAGES, network=("mlp",)),
        Recipe(
            {"rule.lr": 0.03, "epochs": 40, "batch_size": 64, "plasticity.momentum": 0.9},
            "as for bp",
            network=("cnn5", "lenet"),
        ),
    )

    def build(self, network: Network) -> dict[str, Network]:
        if len(network.out_shape) != 1:
            raise ConfigError(
                f"rule.name=readout reads classes from every layer, and this network returns samples of shape {network.out_shape}; "
                "choose network=mlp, cnn5 or lenet, or rule=ccl rule.loss=maps, which compares layers with images"
            )
        classes = network.out_shape[0]
        layers = [_reader(f"readout/{i}", layer, classes) for i, layer in enumerate(network.layers[:-1])]
        return {"forward": network, **({"readout": Network("readout", network.in_shape, layers)} if layers else {})}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        readout = self.config.lr if self.config.lr_readout is None else self.config.lr_readout
        rates = {"forward": self.config.lr, "readout": readout}
        return {name: Group(plastic_leaves(network), rates[name]) for name, network in networks.items()}

    def learn(self, view: View) -> Learning:
        network = view.networks["forward"]
        readers = view.networks["readout"].layers if "readout" in view.networks else ()
        run = network.forward(view.params, view.batch.x, view.buffers, train=True)
        changes: dict[str, dict[str, Change]] = {"forward": {}, "readout": {}}
        scope = Scope(view.params)
        total = torch.zeros(run.out.shape[0], dtype=run.out.dtype, device=run.out.device)
        for layer, trace, reader in zip(network.layers, run.traces, readers):
            read = reader.forward(scope, trace.out)
            loss, error = self._local(view, read.out)
            total += loss
            at_scores, found = reader.wanted(read, error)
            changes["readout"] |= found
            at_layer, _ = reader.give_back(read, at_scores, view.params[reader.weight])
            changes["forward"] |= layer.wanted(trace, at_layer)[1]
        error = view.task.error(run.out, view.batch.y)
        changes["forward"] |= network.layers[-1].wanted(run.traces[-1], error)[1]
        for name, wanted in changes.items():
            if wanted:
                yield Wanted(name, wanted)
        metrics = {"loss": view.task.loss(run.out, view.batch.y), "local_loss": total}
        return Learned(metrics, running=run.running)

    def _local(self, view: View, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Return a readout's loss ``[R]`` and the error at its scores, ``[R, B, K]``."""
        gain, y = self.config.gain, view.batch.y
        if self.config.loss == "cross_entropy":
            return view.task.loss(scores, y) * gain, view.task.error(scores, y) * gain
        _, match = view.task.codes(y, scores.dtype)
        if match is None:
            raise ConfigError("rule.loss=squared compares scores with one-hot classes; this task has none")
        off = scores - match
        return off.square().flatten(1).mean(1) * gain, off * (-2 * gain / off[0].numel())


def _reader(name: str, layer: Layer, classes: int) -> Layer:
    shape = layer.out_shape
    before = [Flatten(shape)] if len(shape) > 1 else []
    return Layer(
        name, DenseConnection((flat_size(shape),), (classes,)), Identity(), bias=layer.bias is not None, before=before, init=layer.init
    )
