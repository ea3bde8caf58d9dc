"""Spiking units: forward in time, beside backprop through time."""

from __future__ import annotations

from bioplaus.experiments.studies import study

__all__ = ["CLAIM"]

CLAIM = study(
    "compare_spiking",
    "Spiking units: forward in time, beside backprop through time",
    {
        "digits over time, lif": {"rules": "eprop,decolle,dfa", "data": "digits", "seeds": 3, "epochs": 10},
    },
    source="Bellec et al. 2020; Kaiser, Mostafa & Neftci 2020; Neftci, Mostafa & Zenke 2019",
    cost="4 min on one core",
    few="eprop",
)
