"""Backpropagation: the reference that every other rule is put beside.

``D_L = -dL/dz_L``, ``D_l = (D_{l+1} W_{l+1}) * phi'(z_l)``, ``dW_l = D_l^T h_{l-1}`` (Rumelhart, Hinton & Williams 1986), in closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bioplaus.fields import replica
from bioplaus.recipes import Recipe
from bioplaus.rules.base import Plausibility, RuleConfig
from bioplaus.rules.exact import ExactGradient

__all__ = ["Backprop", "BackpropConfig"]


@dataclass
class BackpropConfig(RuleConfig):
    """Settings of backpropagation."""

    name: str = "bp"
    lr: float = replica(0.1)


_OURS: dict[str, Any] = {"plasticity.clip": "per_network", "plasticity.clip_norm": 1.0}


class Backprop(ExactGradient):
    """Exact gradient descent on the task's loss.

    Notes
    -----
    On spiking or recurrent layers the same pass is backpropagation through time, because a neuron's `pull` scans time backwards.
    """

    Config = BackpropConfig
    tasks = ("classification", "decision", "regression", "autoencoding", "spiking", "classification in context")
    reference = "Rumelhart, Hinton & Williams 1986, Nature 323:533"
    plausibility = Plausibility(
        honoured=("each change is a product of what the synapse's two cells carry",),
        violated=(
            "weight transport: the error travels down through the transposed forward weights",
            "backward locking: a layer waits for the error of all layers above it",
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
            {"rule.lr": 0.8, "epochs": 40, "batch_size": 64, **_OURS},
            "ours: lowest validation loss of 0.1 .. 1.6",
            data=("digits",),
            network=("mlp",),
        ),
        Recipe({"rule.lr": 0.2, "epochs": 40, "batch_size": 64, **_OURS}, "as in the reference run of the benchmark", data=("synthetic",)),
        Recipe(
            {"rule.lr": 0.03, "epochs": 40, "batch_size": 64, "plasticity.momentum": 0.9, **_OURS},
            "ours, not tuned",
            network=("cnn5", "lenet"),
        ),
        Recipe(
            {"rule.lr": 1.0, "epochs": 100, "batch_size": 256, **_OURS},
            "Kao & Hariharan 2024, published code; on MNIST also the rate of lowest validation loss",
            data=("mnist", "fashion_mnist", "cifar10", "cifar100"),
            network=("mlp",),
        ),
        Recipe(
            {
                "rule.lr": 0.03,
                "epochs": 100,
                "batch_size": 256,
                "data.augment": "flip_crop",
                "data.standardise": "imagenet",
                "network.norm": "batch_fixed",
                "network.norm_place": "input",
                "plasticity.momentum": 0.5,
                "plasticity.clip": "none",
                "plasticity.weight_decay": 1e-5,
                "plasticity.warmup": 200,
                "plasticity.warmup_on": "change",
                "plasticity.schedule": "cosine",
                "plasticity.schedule_floor": 1e-3 / 0.03,
                "plasticity.centralise": True,
            },
            "Kao & Hariharan 2024, published code, CNN",
            data=("cifar10", "cifar100"),
            network=("cnn5",),
        ),
        Recipe(
            {
                "rule.lr": 0.01,
                "epochs": 50,
                "batch_size": 32,
                "neuron": "relu",
                "plasticity.momentum": 0.9,
                "plasticity.clip": "per_network",
                "plasticity.clip_norm": 0.2,
            },
            "Kao & Hariharan 2024, published code, autoencoder (its schedule left out)",
            network=("autoencoder",),
        ),
    )
