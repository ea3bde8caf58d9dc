"""One set of synapses in two directions, beside backprop."""

from __future__ import annotations

from bioplaus.experiments.studies import study

__all__ = ["CLAIM"]

CLAIM = study(
    "compare_two_way",
    "One set of synapses in two directions",
    {
        "digits in 0..1, 64-256x3-10": {
            "rules": "bidirectional,han",
            "data": "digits",
            "data.standardise": "none",
            "seeds": 10,
            "published": False,
        },
    },
    source="Pontes-Filho & Liwicki 2018",
    cost="4 min on one core",
    few="",
)
