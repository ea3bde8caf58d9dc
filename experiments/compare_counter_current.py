"""Counter-current learning and its controls, beside backprop."""

from __future__ import annotations

from bioplaus.experiments.studies import study

__all__ = ["CLAIM"]

CLAIM = study(
    "compare_counter_current",
    "Counter-current learning and its controls",
    {
        "digits, 64-256x3-10": {"rules": "ccl,readout,top", "data": "digits", "seeds": 10, "published": False},
    },
    source="Kao & Hariharan 2024",
    cost="2 min on one core",
    few="ccl,top",
)
