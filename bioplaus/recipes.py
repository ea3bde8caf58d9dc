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


#: Defaults that hold for every rule, applied before the rule's own.
COMMON = (
    Recipe({"neuron": "relu"}, "published code of the autoencoder", network=("autoencoder",)),
    _by_data([256] * 3, "digits"),
    _by_data([64] * 3, "synthetic"),
    _by_data([256] * 5, "mnist", "fashion_mnist"),
    _by_data([1024] * 3, "cifar10", "cifar100"),
)
