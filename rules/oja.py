"""Oja's rule: hidden layers that find the principal directions of their input.

::

    subspace    dW = y x^T - (y y^T) W            rows converge to an orthonormal basis of the leading subspace
    sanger      dW = y x^T - tril(y y^T) W        rows converge to the leading eigenvectors themselves, in order

with ``y = W x`` and x the input less its running mean, so that "principal" refers to the covariance; ``centre=false`` leaves the mean in it.
A layer of one cell is Oja's original rule, ``dw = y (x - y w)``. A layer with more cells than its input has dimensions converges to
``W^T W = 1`` (subspace), an isometry: it keeps all there is, as random weights nearly do.

Sources: Oja 1982, J. Math. Biol. 15:267, eq. 3; Oja 1989, Int. J. Neural Syst. 1:61 (subspace); Sanger 1989, Neural Networks 2:459, eq. 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bioplaus.connections import SparseConnection
from bioplaus.errors import ConfigError
from bioplaus.fields import choice
from bioplaus.layer import Layer
from bioplaus.network import Network
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Plausibility
from bioplaus.rules.hebbian import HebbianConfig, HebbianRule, Seen, cells

__all__ = ["Oja", "OjaConfig"]


@dataclass
class OjaConfig(HebbianConfig):
    """Settings of Oja's rule."""

    name: str = "oja"
    form: str = choice("subspace", "subspace", "sanger")
    """Which cells' reconstructions are taken out of the input: subspace (of all cells) | sanger (of a cell and those before it)."""


_OURS: dict[str, Any] = {"plasticity.clip": "per_network", "plasticity.clip_norm": 1.0}
_IMAGES = ("mnist", "fashion_mnist", "cifar10", "cifar100")
_CONV = ("cnn5", "lenet")


class Oja(HebbianRule):
    """Principal subspace (Oja) or ordered principal components (Sanger) in every hidden layer, and a trained output layer.

    Notes
    -----
    y is the cell's current, whatever its neuron: with the neuron's output the fixed points would no longer be principal directions. What is
    sent on is the neuron's output. The rate must stay below about 1 / (largest eigenvalue of the second moments) or the decay overshoots.
    """

    Config = OjaConfig
    reference = "Oja 1982, J. Math. Biol. 15:267; Oja 1989, Int. J. Neural Syst. 1:61; Sanger 1989, Neural Networks 2:459"
    plausibility = Plausibility(
        honoured=("no label and no error below the output layer", "no feedback weights and no locking", "one phase"),
        violated=(
            "the reconstruction W^T y that is taken out of the input runs back through the transposed weights of the layer's other cells",
            "credit: hidden layers do not know the task",
        ),
        weight_transport=True,
        needs_labels=False,
    )
    recipes = (
        Recipe({"rule.lr": 0.3, **_OURS}, "ours, not tuned"),
        Recipe(
            {"rule.lr": 0.8, "rule.lr_hidden": 0.1, "epochs": 40, "batch_size": 64},
            "ours: best validation accuracy of a few",
            data=("digits",),
        ),
        Recipe({"rule.lr": 0.3, "epochs": 40, "batch_size": 64}, "ours, not tuned", data=("synthetic",)),
        Recipe({"rule.lr": 0.5, "rule.lr_hidden": 0.03, "epochs": 20, "batch_size": 256}, "ours, not tuned", data=_IMAGES, network=("mlp",)),
        Recipe({"rule.lr": 0.1, "rule.lr_hidden": 0.03, "epochs": 20, "batch_size": 64}, "ours, not tuned", data=_IMAGES, network=_CONV),
    )

    def build(self, network: Network) -> dict[str, Network]:
        if any(isinstance(layer.connection, SparseConnection) for layer in network.layers[:-1]):
            raise ConfigError(
                "rule=oja takes out of a layer's input what all its cells make of it, and here each cell has inputs of its own; "
                "use network=mlp, or rule=bcm or softhebb"
            )
        return super().build(network)

    def hebb(self, layer: Layer, w: Tensor, seen: Seen, state: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        rows = cells(seen.u, layer)
        count = rows.shape[1]
        products = torch.matmul(rows.mT, rows).div_(count)
        if self.config.form == "sanger":
            products = products.tril_()
        change = layer.connection.correlate(seen.pre, seen.u / count)
        return change.sub_(torch.matmul(products, w.flatten(2)).view_as(w)), {}
