"""Bidirectional propagation: one set of synapses learns to classify on the way up and to generate its inputs on the way down.

Each batch makes two steps on the same W, with an optimiser each (see `rules.two_way` for the two directions)::

    classifier    Lc = mean over the batch of the cross-entropy of softmax(z) and the class        changes all W, all b
    generator     Lg = mean over batch and pixels of the cross-entropy of sigmoid(q) and x         changes all W, all c

The generator's code is the class alone, so it can learn no more than the mean input of each class, and all samples of a class pass through it
as one row. The second step reads W as the first one left it. ``rule.variant=local`` is for one layer of synapses, where both gradients are
products of what a synapse's own two cells carry: one change, ``dW = ((y - softmax(z)) x^T + y (x - sigmoid(q))^T) / B``, summed over the batch.

Source: Pontes-Filho & Liwicki 2018, arXiv:1805.08006, and its published code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from bioplaus.changes import Change, Dense, Outer, Wanted
from bioplaus.errors import ConfigError
from bioplaus.fields import choice, replica
from bioplaus.network import Network, Pass
from bioplaus.passes import downward
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Group, Plausibility, plastic_leaves
from bioplaus.rules.pixels import of_classes, of_samples
from bioplaus.rules.two_way import Done, Half, TwoWay, TwoWayConfig
from bioplaus.view import View

__all__ = ["Bidirectional", "BidirectionalConfig"]


@dataclass
class BidirectionalConfig(TwoWayConfig):
    """Settings of bidirectional propagation."""

    name: str = "bidirectional"
    lr_generator: float | None = replica(None)
    """Rate of the generator's step, >= 0; lr if not given; 0 freezes it."""
    order: str = choice("classifier", "classifier", "generator")
    """Whose step comes first in a batch."""
    variant: str = choice("gradient", "gradient", "local")
    """gradient (two steps of exact gradients) | local (one layer of synapses: one step of both delta rules, nothing is sent through W^T)."""


_SHARED = "one set of synapses serves both directions: no second copy of the weights for the way down"
_BIASES = "biases and norms are local to their direction"
_CODE = "Pontes-Filho & Liwicki 2018, published code"
_ADAM: dict[str, Any] = {"plasticity": "adam", "batch_size": 100, "data.standardise": "none"}
_IMAGES = ("mnist", "fashion_mnist", "cifar10", "cifar100")


def _named(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}{kind}" for name in names for kind in ("", "_nobias"))


class Bidirectional(TwoWay):
    """One set of synapses classifies on the way up and generates its inputs on the way down."""

    Config = BidirectionalConfig
    aliases = {key: f"rule.{key}" for key in ("schedule", "order", "variant")}  # noqa: RUF012
    reference = "Pontes-Filho & Liwicki 2018, arXiv:1805.08006"
    plausibility = Plausibility(
        honoured=(_SHARED, _BIASES),
        violated=(
            "weight transport: in both directions the error travels through the transposed weights",
            "symmetric synapses: what goes up through a synapse and what goes down uses one weight",
            "backward locking: a layer waits for the error of all layers above it, and of all below it on the way down",
            "two directions, each with an error signal separate from activity",
            "global losses at the scores and at the pixels",
        ),
        weight_transport=True,
        backward_locking=True,
        update_locking=True,
        phases=3,
    )
    recipes = (
        Recipe({**_ADAM, "epochs": 40}, "ours: the published rate of small networks"),
        Recipe({"iterations": 50_001}, _CODE, data=_IMAGES, network=_named("fc0", "fc1", "fc2", "fc4", "cnn3")),
        Recipe({"rule.lr": 0.05}, _CODE, data=("mnist",), network=_named("fc2")),
        Recipe({"rule.lr": 0.03, "rule.lr_generator": 0.01}, _CODE, data=("mnist",), network=_named("fc4")),
        Recipe(
            {"plasticity.schedule": "relaxing", "plasticity.schedule_floor": 1 / 30, "plasticity.schedule_tau": 2000.0},
            _CODE,
            network=_named("cnn3"),
        ),
        Recipe({"rule.lr_generator": 0.03}, _CODE, data=("mnist",), network=_named("cnn3")),
    )

    @classmethod
    def home(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        return {"network": "fc2"}

    def statement(self) -> Plausibility:
        if self.config.variant == "gradient":
            phases = 2 if self.config.schedule == "bp" else 3
            return replace(self.plausibility, phases=phases)
        return Plausibility(
            honoured=(_SHARED, _BIASES, "local: a change is a product of what the synapse's own two cells carry; nothing is sent through W^T"),
            violated=("symmetric synapses: what goes up through a synapse and what goes down uses one weight", "two directions"),
            needs_labels=False,
        )

    def build(self, network: Network) -> dict[str, Network]:
        if self.config.variant == "local" and (len(network.layers) > 1 or network.layers[0].norms):
            raise ConfigError(f"rule.variant=local is for one layer of synapses, this network has {len(network.layers)}; use network=fc0")
        if self.config.variant == "local" and self.config.schedule != "bl":
            raise ConfigError(f"rule.variant=local learns both directions at once; rule.schedule={self.config.schedule} has no meaning there")
        return super().build(network)

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        if self.config.variant == "gradient":
            return super().groups(networks)
        leaves = dict.fromkeys(key for network in networks.values() for key in plastic_leaves(network))
        return {"forward": Group(tuple(leaves), self.config.lr)}

    def steps(self, view: View) -> Sequence[Callable[[View], Half]]:
        if self.config.variant == "local":
            return (self.local,)
        found = (self.classify, self.generate)
        return found if self.config.order == "classifier" else found[::-1]

    def generate(self, view: View) -> Half:
        """One step of the generator's loss."""
        network = view.networks["generator"]
        run, loss, error = _regression(view)
        yield Wanted("generator", downward(network, view.params, run, error))
        return Done({"generator_loss": loss}, run.running)

    def local(self, view: View) -> Half:
        """Both delta rules of one layer of synapses in one change; the generator's is a sum over pixels, as the classifier's is over classes."""
        up, down = view.networks["forward"].layers[0], view.networks["generator"].layers[0]
        run = view.networks["forward"].forward(view.params, view.batch.x, view.buffers, train=True)
        loss, error = view.task.loss_and_error(run.out, view.batch.y)
        back, generator_loss, missing = _regression(view)
        _, changes = up.wanted(run.traces[0], error)
        _, other = down.wanted(back.traces[0], missing * missing[0, 0].numel())
        yield Wanted("forward", _added(changes, other))
        return Done({"loss": loss, "generator_loss": generator_loss}, {})


def _regression(view: View) -> tuple[Pass, Tensor, Tensor]:
    """Return the way down from the classes, its loss, and the error at its logits."""
    network, batch = view.networks["generator"], view.batch
    rows, match = view.task.codes(batch.y, batch.x.dtype)
    assert match is not None  # `tasks` admits classes only
    if any(layer.norms for layer in network.layers):  # statistics are those of the samples, not of the classes
        run = network.forward(view.params, match, view.buffers, train=True)
        return run, *of_samples(run.out, batch.x)
    run = network.forward(view.params, rows, view.buffers, train=True)
    return run, *of_classes(run.out, batch.x, match)


def _added(one: Mapping[str, Change], other: Mapping[str, Change]) -> dict[str, Change]:
    """Return the sum of two sets of changes; products over one weight stay factored where both are sent by one connection."""
    found = {**one, **other}
    for key in one.keys() & other.keys():
        a, b = one[key], other[key]
        if isinstance(a, Outer) and isinstance(b, Outer):
            found[key] = Outer(a.connection, (*a.pairs, *((post, pre) for pre, post in b.pairs)))
        else:
            found[key] = Dense(a.dense() + b.dense())
    return found
