"""Errors sent down through other weights than the transposed ones, beside backprop."""

from __future__ import annotations

from bioplaus.experiments.studies import study

__all__ = ["CLAIM"]

CLAIM = study(
    "compare_alignment",
    "Errors sent down through other weights than the transposed ones",
    {
        "digits, 64-256x3-10": {"rules": "fa,dfa,usf,frsf,brsf,drtp,kp,mirror", "data": "digits", "seeds": 10, "published": False},
    },
    source="Lillicrap et al. 2016; Nokland 2016; Liao et al. 2016; Frenkel et al. 2021; Akrout et al. 2019",
    cost="4 min on one core",
    few="fa,dfa",
)
