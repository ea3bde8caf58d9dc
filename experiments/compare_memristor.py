"""Bits and pulses on memristive devices, beside backprop."""

from __future__ import annotations

from bioplaus.experiments.studies import study

__all__ = ["CLAIM"]

CLAIM = study(
    "compare_memristor",
    "Bits and pulses on memristive devices",
    {
        "digits, on the network that the rule is made for": {"rules": "memristor", "data": "digits", "seeds": 10},
    },
    source="after Lim et al. 2019; Chen, Peng & Yu 2018",
    cost="1 min on one core",
    few="",
)
