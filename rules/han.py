"""Hybrid adversarial networks: the classifier's own synapses, run downwards, generate inputs from noise against a discriminator.

Each batch makes three steps with an optimiser each; z and z' are drawn afresh from U(-1, 1), as many numbers as there are classes, no label::

    classifier       Lc = mean cross-entropy of softmax(scores) and the class                     changes W, b
    discriminator    Ld = mean softplus(-D(x)) + mean softplus(D(sigmoid(q(z))))                  changes D alone
    generator        Lg = mean softplus(-D(sigmoid(q(z'))))                                       changes W, c

where W is shared by classifier and generator, b and c are the biases and norms of either direction (`rules.two_way`), D(.) is one logit for "a
true sample", and each step reads what the last one left.

Source: Pontes-Filho & Liwicki 2018, arXiv:1805.08006, and its published code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from bioplaus.changes import Change, Dense, Outer, Wanted
from bioplaus.connections import DenseConnection
from bioplaus.fields import choice, replica
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.neurons.rectified import Relu
from bioplaus.neurons.smooth import Identity
from bioplaus.norm import BatchNorm
from bioplaus.passes import downward, to_input
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Group, Plausibility, plastic_leaves
from bioplaus.rules.two_way import Done, Half, TwoWay, TwoWayConfig
from bioplaus.view import View

__all__ = ["HybridAdversarial", "HybridAdversarialConfig"]


@dataclass
class HybridAdversarialConfig(TwoWayConfig):
    """Settings of hybrid adversarial networks."""

    name: str = "han"
    lr: float = replica(0.0002)
    lr_generator: float | None = replica(0.001)
    """Rate of the generator's step, >= 0; lr if null; 0 freezes it."""
    lr_discriminator: float | None = replica(None)
    """Rate of the discriminator's step, >= 0; lr if not given; 0 freezes it."""
    generator_neuron: str = choice("same", "same", "relu")
    """Hidden units of the generator: same (those of the classifier) | relu."""
    generator_norm: str = choice("same", "same", "dense")
    """Which of its populations are normalised: same (as in the classifier) | dense (all that a dense layer lands on)."""


_CODE = "Pontes-Filho & Liwicki 2018, published code"
_ADAM: dict[str, Any] = {"plasticity": "adam", "plasticity.beta1": 0.5, "batch_size": 100, "data.standardise": "none"}
_FC1, _CNN2 = (tuple(f"{name}{kind}" for kind in ("", "_nobias")) for name in ("han_fc1", "han_cnn2"))
_IMAGES = ("mnist", "fashion_mnist", "cifar10", "cifar100")


class HybridAdversarial(TwoWay):
    """The classifier's own synapses, run downwards, generate inputs from noise against a discriminator."""

    Config = HybridAdversarialConfig
    aliases = {"schedule": "rule.schedule"}  # noqa: RUF012
    reference = "Pontes-Filho & Liwicki 2018, arXiv:1805.08006"
    plausibility = Plausibility(
        honoured=(
            "one set of synapses serves both directions: no second copy of the weights for the way down",
            "biases and norms are local to their direction",
            "the generator needs no labels",
        ),
        violated=(
            "weight transport: in both directions the error travels through the transposed weights, and through those of the discriminator",
            "symmetric synapses: what goes up through a synapse and what goes down uses one weight",
            "backward locking: a layer waits for the error of all layers above it, on the way down for that of a whole other network",
            "a discriminator that sees true samples beside generated ones, each known as such",
        ),
        weight_transport=True,
        backward_locking=True,
        update_locking=True,
        phases=3,
    )
    recipes = (
        Recipe({**_ADAM, "epochs": 40}, "ours: the published rates"),
        Recipe({"rule.lr": 0.003, "rule.lr_generator": 0.003}, "ours, not tuned: few updates", data=("digits",)),
        Recipe({"rule.lr": 0.03}, "ours, not tuned: fewer still", data=("synthetic",)),
        Recipe({"iterations": 500_001}, _CODE, data=_IMAGES, network=(*_FC1, *_CNN2)),
        Recipe({"rule.generator_neuron": "relu", "rule.generator_norm": "dense"}, _CODE, network=_CNN2),
    )

    @classmethod
    def home(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        return {"network": "fc2"}

    def statement(self) -> Plausibility:
        return replace(self.plausibility, phases=2) if self.config.schedule == "bp" else self.plausibility

    def generator_of(self, network: Network) -> Network:
        hidden = Relu() if self.config.generator_neuron == "relu" else None
        return network.transposed("generator", Identity(), hidden, norm_dense=self.config.generator_norm == "dense")

    def build(self, network: Network) -> dict[str, Network]:
        return {**super().build(network), "discriminator": discriminator_like(network)}

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        found = super().groups(networks)
        if self.config.schedule != "bp":
            rate = self.config.lr if self.config.lr_discriminator is None else self.config.lr_discriminator
            found["discriminator"] = Group(plastic_leaves(networks["discriminator"]), rate)
        return found

    def steps(self, view: View) -> Sequence[Callable[[View], Half]]:
        return self.classify, self.discriminate, self.generate

    def discriminate(self, view: View) -> Half:
        """One step of the discriminator on the batch, and on as many generated samples."""
        network = view.networks["discriminator"]
        made = view.networks["generator"].forward(view.params, _noise(view, "discriminator"), view.buffers, train=True)
        true = network.forward(view.params, view.batch.x, view.buffers, train=True)
        loss, error = _verdict(true.out, true_sample=True)
        wanted = downward(network, view.params, true, error)
        # running means of the second pass go on from those of the first
        false = network.forward(view.params, made.out.sigmoid(), {**view.buffers, **true.running}, train=True)
        second, error = _verdict(false.out, true_sample=False)
        wanted = _sum(wanted, downward(network, view.params, false, error))
        yield Wanted("discriminator", wanted)
        return Done({"discriminator_loss": loss + second}, false.running)

    def generate(self, view: View) -> Half:
        """One step of the generator, towards what the discriminator takes for true."""
        network, judge = view.networks["generator"], view.networks["discriminator"]
        run = network.forward(view.params, _noise(view, "generator"), view.buffers, train=True)
        made = run.out.sigmoid()
        seen = judge.forward(view.params, made, view.buffers, train=True)
        loss, error = _verdict(seen.out, true_sample=True)
        at_image = to_input(judge, view.params, seen, error)
        yield Wanted("generator", downward(network, view.params, run, at_image * made * (1 - made)))
        return Done({"generator_loss": loss}, run.running)


def discriminator_like(network: Network) -> Network:
    """Return a network as deep and wide as the classifier, with one output and the units of its first layer, over arrays of its own."""
    layers = []
    for i, layer in enumerate(network.layers):
        name, last = f"discriminator/{i}", layer is network.layers[-1]
        connection = DenseConnection(layer.connection.in_shape, (1,)) if last else copy(layer.connection)
        layers.append(
            Layer(
                name,
                connection,
                Identity() if last else network.layers[0].neuron,
                bias=layer.bias is not None,
                before=layer.before,
                norm=BatchNorm(f"{name}/norm", connection.out_shape, affine=layer.norm.affine) if layer.norm else None,
                init=layer.init,
            )
        )
    return Network("discriminator", network.in_shape, layers)


def _noise(view: View, whose: str) -> Tensor:
    """Return codes U(-1, 1) for as many samples as the batch has, ``[R, B, K]``."""
    return view.streams.uniform(f"han/{whose}", (view.batch.size, view.networks["forward"].out_shape[0]), -1.0, 1.0)


def _verdict(logit: Tensor, *, true_sample: bool) -> tuple[Tensor, Tensor]:
    """Return the mean cross-entropy of a logit ``[R, B, 1]`` with "true" or "generated", ``[R]``, and minus its gradient."""
    sign = 1.0 if true_sample else -1.0
    return F.softplus(-sign * logit).flatten(1).mean(1), (-sign * logit).sigmoid().mul_(sign / logit[0].numel())


def _sum(one: Mapping[str, Change], other: Mapping[str, Change]) -> dict[str, Change]:
    """Return the sum of two sets of changes of the same leaves; products stay factored."""
    found: dict[str, Change] = {}
    for key, a in one.items():
        b = other[key]
        both = isinstance(a, Outer) and isinstance(b, Outer)
        found[key] = Outer(a.connection, (*a.pairs, *b.pairs)) if both else Dense(a.dense() + b.dense())  # type: ignore[attr-defined]
    return found
