"""Hebbian layers below a trained output, beside backprop."""

from __future__ import annotations

from bioplaus.experiments.studies import study

__all__ = ["CLAIM"]

CLAIM = study(
    "compare_hebbian",
    "Hebbian layers below a trained output",
    {
        "digits, 64-256x3-10": {"rules": "oja,bcm,softhebb,top", "data": "digits", "seeds": 10, "published": False},
    },
    source="Oja 1982; Bienenstock, Cooper & Munro 1982; Moraitis et al. 2022",
    cost="4 min on one core",
    few="oja,top",
)
