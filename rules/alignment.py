"""What the rules share that send the error down layer by layer, through a matrix that need not be the forward weight.

``D_L = -dL/dz_L``, ``D_l = (D_{l+1} B_{l+1}) * phi'(z_l)``, change of ``W_l`` = ``D_l^T h_{l-1}``. The rules differ in B alone.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from bioplaus.changes import Change, Wanted
from bioplaus.layer import Layer
from bioplaus.network import Network, Pass
from bioplaus.passes import downward, lowest_sent_down
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Group, Learned, Learning, Rate, Rule
from bioplaus.view import View

__all__ = ["LOCKED", "SIGNS", "Aligned", "Twin", "backward_weight", "recipes"]

#: what every rule of this kind still does as backpropagation does
LOCKED = (
    "backward locking: a layer waits for the error of all layers above it",
    "two phases, and an error signal separate from activity",
    "a global loss",
)
#: what every rule that copies signs violates beside
SIGNS = "weight transport of signs: each feedback synapse copies the sign of its forward twin at every step"
_CLIP: dict[str, Any] = {"plasticity.clip": "per_network", "plasticity.clip_norm": 1.0}


class Aligned(Rule):
    """A rule that sends the error down past layer l through a matrix B_l of the shape of its weight."""

    tasks = ("classification", "regression", "autoencoding", "spiking", "classification in context")

    @abstractmethod
    def matrix(self, view: View, layer: Layer) -> Tensor:
        """Return B ``[R, *weight_shape]``, as it is used for this batch."""

    def feedback(self, view: View) -> dict[str, Tensor]:
        network = view.networks["forward"]
        return {layer.weight: self.matrix(view, layer) for layer in network.layers[lowest_sent_down(network) :]}

    def learn(self, view: View) -> Learning:
        network = view.networks["forward"]
        run = network.forward(view.params, view.batch.x, view.buffers, train=True)
        yield Wanted("forward", self.changes(view, run, view.task.error(run.out, view.batch.y)))
        return Learned({"loss": view.task.loss(run.out, view.batch.y)}, running=run.running)

    def changes(self, view: View, run: Pass, error: Tensor) -> dict[str, Change]:
        """Return the changes that go with an error ``-dL/d out`` at the output."""
        return downward(view.networks["forward"], view.params, run, error, lambda layer: self.matrix(view, layer))


class Twin(Aligned):
    """A rule whose feedback goes through a twin of the network: synapses of the same shapes that run back along it."""

    def build(self, network: Network) -> dict[str, Network]:
        first = lowest_sent_down(network)
        return {"forward": network} | ({"backward": network.twin("backward", first)} if first < len(network.layers) else {})

    def groups(self, networks: Mapping[str, Network]) -> dict[str, Group]:
        back = {"backward": Group(tuple(networks["backward"].leaves), self.feedback_rate())} if "backward" in networks else {}
        return super().groups(networks) | back

    def feedback_rate(self) -> Rate | None:
        """Return the rate of the twin's synapses; None, the default, keeps them as they start."""
        return None

    def matrix(self, view: View, layer: Layer) -> Tensor:
        return view.params[backward_weight(layer)]


def backward_weight(layer: Layer) -> str:
    """Return the key of the twin synapse of a forward layer's weight."""
    return layer.weight.replace("forward/", "backward/", 1)


def recipes(
    digits: float, synthetic: float, images: float, conv: float, *, source: str = "ours, rate of lowest validation loss", **common: Any
) -> tuple[Recipe, ...]:
    """Return recipes that differ from backprop's in the rate alone: on digits, synthetic data, image sets and small CNNs.

    ``common`` are further settings of all of them, ``plasticity__momentum`` for ``plasticity.momentum``.
    """
    more = _CLIP | {key.replace("__", "."): value for key, value in common.items()}
    small: dict[str, Any] = {"epochs": 40, "batch_size": 64, **more}
    return (
        Recipe({"rule.lr": digits, **small}, source, data=("digits",), network=("mlp",)),
        Recipe({"rule.lr": synthetic, **small}, "as in the reference run of the benchmark", data=("synthetic",)),
        Recipe({"rule.lr": conv, **small, "plasticity.momentum": 0.9}, "ours, not tuned", network=("cnn5", "lenet")),
        Recipe(
            {"rule.lr": images, **more, "epochs": 100, "batch_size": 256},
            source,
            data=("mnist", "fashion_mnist", "cifar10", "cifar100"),
            network=("mlp",),
        ),
        Recipe({"rule.lr": 0.01, **more, "epochs": 50, "batch_size": 32, "plasticity.momentum": 0.9}, "as for bp", network=("autoencoder",)),
    )
