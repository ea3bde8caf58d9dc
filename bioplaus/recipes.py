"""Defaults that depend on what a rule is run on: published settings, each with its source.

Precedence: a component's own defaults < recipes, in order < a configuration file < the command line. Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["COMMON", "Recipe"]


@dataclass(frozen=True)
class Recipe:
    """Defaults of a rule on some data and network.

    Parameters
    ----------
    values
        Dotted key -> value, e.g. ``{"rule.lr": 1.0}``.
    source
        Where they come from: a paper and table, published code, or "ours".
    data, network
        Names it applies to; empty means any.
    """

    values: Mapping[str, Any]
    source: str
    data: tuple[str, ...] = ()
    network: tuple[str, ...] = ()

    def applies(self, data: str, network: str) -> bool:
        """Return whether the recipe is meant for this data set and network."""
        return (not self.data or data in self.data) and (not self.network or network in self.network)


def _by_data(hidden: list[int], *data: str) -> Recipe:
    return Recipe({"network.hidden": hidden}, "widths of the published comparison, ours for digits", data=data, network=("mlp",))


def _published(name: str, hidden: list[int], neuron: str = "sigmoid", **network: Any) -> tuple[Recipe, Recipe]:
    """Return the recipes of a network of Pontes-Filho & Liwicki 2018, with biases and without."""
    source = "Pontes-Filho & Liwicki 2018, published code"
    common = {"network.hidden": hidden, "network.init": "truncated", "network.init_scale": 0.1, "neuron": neuron, "data.standardise": "none"}
    common |= {key.replace("__", "."): value for key, value in network.items()}
    norm = {"network.norm": "batch_fixed"} if common.get("network.norm") == "batch" else {}
    return (
        Recipe({**common, "network.bias": True}, source, network=(name,)),
        Recipe({**common, **norm, "network.bias": False}, source, network=(f"{name}_nobias",)),
    )


#: Defaults that hold for every rule, applied before the rule's own.
COMMON = (
    Recipe({"neuron": "relu"}, "published code of the autoencoder", network=("autoencoder",)),
    Recipe({"neuron": "leaky_relu"}, "dendritic networks of Chavlis & Poirazi 2025, from memory", network=("dann",)),
    _by_data([256] * 3, "digits"),
    _by_data([64] * 3, "synthetic"),
    _by_data([256] * 5, "mnist", "fashion_mnist"),
    _by_data([1024] * 3, "cifar10", "cifar100"),
    Recipe({"neuron": "identity"}, "Iyer et al. 2022: the competition is the nonlinearity", network=("active_dendrites",)),
    *_published("fc0", []),
    *_published("fc1", [16]),
    *_published("fc2", [16, 16]),
    *_published("fc4", [200, 100, 60, 30]),
    *_published("cnn3", [200], "relu"),
    *_published("han_fc1", [128], "relu", network__init="truncated_fan_in", network__init_scale=2**0.5),
    *_published(
        "han_cnn2",
        [1024],
        "leaky_relu",
        neuron__leak=0.2,
        network__init_scale=0.02,
        network__norm="batch",
        network__channels=[64, 128],
        network__kernels=[4, 4],
        network__strides=[2, 2],
        network__dense_neuron="relu",
    ),
)
