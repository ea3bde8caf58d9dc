"""One set of synapses in two directions, beside backprop."""

from __future__ import annotations

from bioplaus.experiments.studies import study

__all__ = ["CLAIM"]

CLAIM = study(
    "compare_two_way",
    "One set of synapses in two directions",
    {
        "digits, 64-256x3-10": {"rules": "bidirectional,han", "data.standardise": "none", "data": "digits", "seeds": 10, "published": False},
    },
    source="Pontes-Filho & Liwicki 2018",
    cost="2 min on one core",
    few="",
)
