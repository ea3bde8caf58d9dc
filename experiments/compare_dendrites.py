"""Errors in dendrites, beside backprop."""

from __future__ import annotations

from bioplaus.experiments.studies import study

__all__ = ["CLAIM"]

CLAIM = study(
    "compare_dendrites",
    "Errors in dendrites",
    {
        "digits, 64-256x3-10, five seeds": {"rules": "microcircuit", "data": "digits", "seeds": 5, "published": False},
        "digits, 64-4-10": {
            "rules": "perforated,fa",
            "data": "digits",
            "seeds": 10,
            "network.hidden": [4],
            "epochs": 660,
            "tune_epochs": 120,
            "published": False,
        },
    },
    source="Sacramento et al. 2018; Brenner & Itti 2025",
    cost="10 min on one core",
    few="",
)
