"""Settings of the target rules, published and ours."""

from __future__ import annotations

from typing import Any

from bioplaus.recipes import Recipe

__all__ = ["FIXED", "recipes"]

_SMALL: dict[str, Any] = {"neuron": "tanh", "network.init": "orthogonal", "epochs": 40, "batch_size": 64}
_SYNTHETIC = Recipe({"rule.lr": 1.0, "rule.beta": 0.3, "neuron": "tanh", "epochs": 40, "batch_size": 64}, "ours, not tuned", data=("synthetic",))
_CONV = Recipe({"rule.lr": 1.0, "rule.beta": 0.1, **_SMALL}, "ours, not tuned", network=("cnn5", "lenet"))
_AUTOENCODER = Recipe(
    {"rule.lr": 1.0, "rule.beta": 0.1, "epochs": 50, "batch_size": 32}, "ours, not tuned", network=("autoencoder",)
)


def recipes() -> tuple[Recipe, ...]:
    return (_SYNTHETIC, _CONV, _AUTOENCODER)


FIXED: tuple[Recipe, ...] = (_SYNTHETIC, _CONV, _AUTOENCODER)
