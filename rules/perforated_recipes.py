"""Settings of perforated dendrites by data set; all are ours, those of digits and two spirals as in reference runs made beforehand."""

from __future__ import annotations

from typing import Any

from bioplaus.recipes import Recipe

__all__ = ["RECIPES"]

_SOURCE = "ours: the papers' settings could not be read"
#: small sets in one batch under Adam; every validation score counts and every cycle is kept, so that a run shows the whole course
_FULL_BATCH: dict[str, Any] = {
    "plasticity": "adam",
    "neuron": "tanh",
    "network.bias": True,
    "batch_size": 4096,
    "rule.keep_cycles": True,
    "rule.max_dendrites": 3,
    "rule.improvement_threshold": 0.0,
    "rule.improvement_threshold_later": 0.0,
    "rule.improvement_threshold_raw": 0.0,
    "run.checkpoint_every": 200,
}
_FITTING: dict[str, Any] = {
    **_FULL_BATCH,
    "rule.lr": 0.05,
    "rule.lr_dendrites": 0.05,
    "rule.dendrite_init": 0.5,
    "rule.n_epochs_to_switch": 100,
    "rule.n_epochs_max": 1000,
    "rule.improvement_threshold": 1e-4,
    "rule.improvement_threshold_later": 1e-4,
    "rule.p_epochs": 300,
    "epochs": 4900,
}

RECIPES = (
    Recipe(
        {
            "plasticity": "adam",
            "rule.lr": 0.01,
            "rule.lr_dendrites": 0.02,
            "rule.max_dendrites": 3,
            "network.bias": True,
            "epochs": 100,
            "batch_size": 64,
        },
        "ours, not tuned",
    ),
    Recipe(
        {
            **_FULL_BATCH,
            "network.hidden": [4],
            "data.split": "1000_397_400",
            "data.standardise": "none",
            "rule.lr": 0.02,
            "rule.lr_dendrites": 0.05,
            "rule.dendrite_init": 0.1,
            "rule.n_epochs_to_switch": 60,
            "rule.n_epochs_max": 600,
            "rule.p_epochs": 80,
            "epochs": 2640,
        },
        _SOURCE,
        data=("digits",),
        network=("mlp",),
    ),
    Recipe({**_FITTING, "network.hidden": []}, _SOURCE, data=("xor",), network=("mlp",)),
    Recipe({**_FITTING, "network.hidden": [2]}, _SOURCE, data=("parity",), network=("mlp",)),
    Recipe(
        {
            **_FULL_BATCH,
            "network.hidden": [8, 8],
            "rule.dendrite": "tanh",
            "rule.lr": 0.02,
            "rule.lr_dendrites": 0.05,
            "rule.dendrite_init": 0.1,
            "rule.switch_mode": "fixed",
            "rule.fixed_switch_num": 1200,
            "rule.p_epochs": 150,
            "epochs": 5250,
        },
        _SOURCE,
        data=("two_spirals",),
        network=("mlp",),
    ),
    Recipe(
        {
            "network.hidden": [16],
            "neuron": "tanh",
            "rule.lr": 0.002,
            "rule.lr_dendrites": 0.01,
            "rule.dendrite_init": 0.1,
            "rule.keep_cycles": True,
            "rule.max_dendrites": 2,
            "rule.n_epochs_to_switch": 4,
            "rule.n_epochs_max": 20,
            "rule.p_epochs": 5,
            "batch_size": 128,
            "epochs": 70,
        },
        "ours, not tuned",
        data=("mnist", "fashion_mnist", "cifar10", "cifar100"),
        network=("mlp",),
    ),
)
