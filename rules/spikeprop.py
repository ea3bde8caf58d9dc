"""SpikeProp: gradient descent on the times of spikes.

A cell fires where its membrane ``x_j(t) = sum_{i,k} w_jik eps(t - t_i - d_k)`` first reaches the threshold, once. Where it crosses with slope
x'_j, a membrane that is higher by a little makes it fire earlier by that much over x'_j, so that errors can be sent down through times:

    E = 1/2 sum_j (t_j - t^d_j)^2
    delta_j = (t^d_j - t_j) / x'_j(t_j)                                              output cells
    delta_i = sum_j delta_j sum_k w_jik eps'(t_j - t_i - d_k) / x'_i(t_i)             hidden cells
    change of w_jik = -lr delta_j eps(t_j - t_i - d_k)

The derivative is that of the linearised crossing, exact until a cell stops firing or an earlier hump reaches the threshold: times jump there.
The denominator is held at ``network.slope_floor`` or above, since a membrane that only touches the threshold would make the change infinite.

Source: Bohte, Kok & La Poutre 2002, Neurocomputing 48:17.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from bioplaus.fields import replica
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Plausibility, RuleConfig
from bioplaus.rules.exact import ExactGradient
from bioplaus.rules.unit_range import check_unit_range
from bioplaus.view import View

__all__ = ["SpikeProp", "SpikePropConfig"]

_DIGITS: dict[str, Any] = {
    "network.hidden": [20],
    "network.inhibitory": 4,
    "network.delays": 8,
    "network.delay_step": 2.0,
    "network.span": 12.0,
    "network.silent_zeros": True,
    "network.early": 14.0,
    "network.late": 20.0,
    "network.threshold": 1.0,
    "network.init_scale": 10.0,
    "network.push": 1.0,
    "network.dt": 1.0,
    "dtype": "float32",
    "batch_size": 16,
    "rule.lr": 0.001,
    "epochs": 15,
}


@dataclass
class SpikePropConfig(RuleConfig):
    """Settings of SpikeProp; those of cells and synapses are the network's."""

    name: str = "spikeprop"
    lr: float = replica(0.01)
    """Rate handed to the plasticity, >= 0, weight per (ms^2 / weight); a list gives each seed its own."""


class SpikeProp(ExactGradient):
    """Gradient descent on the times at which cells fire."""

    Config = SpikePropConfig
    tasks = ("spike times",)
    reference = "Bohte, Kok & La Poutre 2002, Neurocomputing 48:17"
    plausibility = Plausibility(
        honoured=(
            "cells send a spike each and nothing else, along delays of their own",
            "each change is a product of what the synapse's two cells carry",
        ),
        violated=(
            "weight transport: the error of a time travels down through the transposed forward weights, each with the slope of its potential",
            "backward locking: a layer waits for the error of all layers above it",
            "two phases, and an error signal separate from activity",
            "a change comes after the last spike of the sample, from potentials as they were when the cell fired",
        ),
        weight_transport=True,
        backward_locking=True,
        update_locking=True,
        phases=2,
    )
    recipes = (
        Recipe(
            {
                "neuron": "identity",
                "plasticity": "sgd",
                "plasticity.clip": "none",
                "data.standardise": "none",
                "dtype": "float64",
                "batch_size": 1,
                "probes": [],
            },
            "published rule, one sample at a time",
        ),
        Recipe({"epochs": 500, "rule.lr": 0.01}, "published rate", data=("xor",)),
        Recipe(_DIGITS, "ours, of highest validation accuracy among a few rates", data=("digits",)),
    )

    @classmethod
    def home(cls, given: Mapping[str, Any]) -> Mapping[str, str]:
        return {"data": "xor", "network": "spike_times"}

    def boundary(self, event: str, view: View, scores: Mapping[str, Tensor], feed: Callable[[], Any]) -> None:
        """Refuse, at the start, inputs that are no latencies.

        Raises
        ------
        ConfigError
            If inputs lie outside [0, 1].
        """
        if event == "start":
            check_unit_range(feed(), "rule=spikeprop turns inputs in 0..1 into spike times")
