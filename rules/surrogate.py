"""Surrogate gradients: backpropagation through time over spiking layers, with a smooth derivative in place of the spike's.

``lambda[t] = g[t] sigma'(U[t] - threshold) + beta lambda[t+1]`` in every layer, ``dW = sum_t lambda[t]^T S_below[t]``; the reset passes nothing
on (Neftci, Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36:51). It is `bp`, whose units happen to scan time: the same pass, other settings.
"""

from __future__ import annotations

from dataclasses import dataclass

from bioplaus.fields import replica
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Plausibility, RuleConfig
from bioplaus.rules.exact import ExactGradient

__all__ = ["Surrogate", "SurrogateConfig"]


@dataclass
class SurrogateConfig(RuleConfig):
    """Settings of surrogate-gradient learning."""

    name: str = "surrogate"
    lr: float = replica(5e-4)
    """Base rate handed to the plasticity, >= 0; a list gives each seed its own."""


class Surrogate(ExactGradient):
    """Backpropagation through time over spiking layers, with a smooth derivative in place of the spike's."""

    Config = SurrogateConfig
    tasks = ("spiking",)
    reference = "Neftci, Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36:51, arXiv:1901.09948"
    aliases = {  # noqa: RUF012
        "steps": "neuron.steps",
        **{key: f"neuron.{key}" for key in ("beta", "surrogate", "loss")},
        "encode": "data.encode",
    }
    plausibility = Plausibility(
        honoured=("each change is a sum over time of products of what the synapse's two cells carry", "cells send spikes alone"),
        violated=(
            "weight transport: the error travels down through the transposed forward weights",
            "backward locking: a layer waits for the error of all layers above it",
            "backward in time: every step's membrane is stored until the last step is over, memory O(T)",
            "two phases, and an error signal separate from activity",
            "a global loss",
        ),
        weight_transport=True,
        backward_locking=True,
        update_locking=True,
        phases=2,
    )
    recipes = (
        Recipe(
            {
                "neuron": "lif",
                "neuron.beta": 0.95,
                "neuron.steps": 25,
                "neuron.surrogate": "atan",
                "neuron.loss": "membrane",
                "data.standardise": "none",
                "network.hidden": [1000],
                "network.bias": True,
                "plasticity": "adam",
                "plasticity.clip": "none",
                "rule.lr": 5e-4,
                "batch_size": 128,
                "epochs": 1,
                "probes": ["angle", "feedback", "spikes"],
            },
            "snnTorch 1.0, tutorial 5",
        ),
        Recipe({"network.hidden": [128], "epochs": 20, "rule.lr": 2e-3}, "ours", data=("digits",)),
        Recipe({"rule.lr": 1e-2}, "ours, not tuned", data=("synthetic",)),
    )
