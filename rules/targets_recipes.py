"""Settings of the target rules, published and ours."""

from __future__ import annotations

from typing import Any

from bioplaus.recipes import Recipe

__all__ = ["FIXED", "recipes"]

_IMAGES = ("mnist", "fashion_mnist", "cifar10", "cifar100")
_TANH: dict[str, Any] = {"neuron": "tanh", "network.init": "orthogonal"}
_SMALL = (
    Recipe({"rule.lr": 1.0, "rule.beta": 0.3, "neuron": "tanh", "epochs": 40, "batch_size": 64}, "ours, not tuned", data=("synthetic",)),
    Recipe({"rule.lr": 1.0, "rule.beta": 0.1, "epochs": 40, "batch_size": 64, **_TANH}, "ours, not tuned", network=("cnn5", "lenet")),
    Recipe({"rule.lr": 1.0, "rule.beta": 0.1, "epochs": 50, "batch_size": 32}, "ours, not tuned", network=("autoencoder",)),
)


def _digits(lr: float, beta: float, source: str, **own: float) -> Recipe:
    values = {"rule.lr": lr, "rule.beta": beta, **{f"rule.{key}": value for key, value in own.items()}}
    return Recipe({**values, "epochs": 20, "batch_size": 64, **_TANH}, source, data=("digits",), network=("mlp",))


def recipes(lr: float, beta: float, sigma: float, lr_feedback: float) -> tuple[Recipe, ...]:
    """Return the recipes of a rule with learned feedback, given its settings on digits."""
    published = {
        "rule.lr": 1.0,
        "rule.beta": 0.03,
        "rule.sigma": 0.01,
        "rule.lr_feedback": 1e-3,
        "rule.feedback_bound": 0.01,
        "rule.feedback_steps": 5,
        "rule.pretrain_epochs": 5,
        "epochs": 105,
        "batch_size": 256,
        **_TANH,
    }
    source = "Kao & Hariharan 2024: middle of the published grid, not tuned; 5 epochs of feedback alone, then 100"
    tuned = "ours: lowest validation loss of 3 (drl) to 9 settings, 1 seed, 8 to 10 epochs; a coarse search"
    return (
        *_SMALL,
        _digits(lr, beta, tuned, sigma=sigma, lr_feedback=lr_feedback),
        Recipe(published, source, data=_IMAGES, network=("mlp",)),
    )


FIXED = (
    *_SMALL,
    _digits(3.0, 0.3, "ours: lowest validation loss of 19 settings of the plain form, 20 epochs", feedback_bound=0.02),
    Recipe(
        {
            "rule.form": "batch",
            "rule.lr": 0.1,
            "rule.beta": 0.04,
            "rule.feedback_bound": 1e-3,
            "epochs": 100,
            "batch_size": 256,
            **_TANH,
        },
        "Shibuya et al. 2023, published example for MNIST",
        data=_IMAGES,
        network=("mlp",),
    ),
)
