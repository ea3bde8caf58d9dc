"""Two phases, energies and goodness, beside backprop."""

from __future__ import annotations

from bioplaus.experiments.studies import study

__all__ = ["CLAIM"]

CLAIM = study(
    "compare_energy",
    "Two phases, energies and goodness",
    {
        "digits, 64-256x3-10": {"rules": "ff,pc,ep", "data": "digits", "seeds": 10, "published": False},
    },
    source="Hinton 2022; Whittington & Bogacz 2017; Scellier & Bengio 2017",
    cost="8 min on one core",
    few="ff,pc",
)
