"""Targets sent down in place of errors, beside backprop."""

from __future__ import annotations

from bioplaus.experiments.studies import study

__all__ = ["CLAIM"]

CLAIM = study(
    "compare_targets",
    "Targets sent down in place of errors",
    {
        "digits, 64-256x3-10": {"rules": "dtp,drl,ldrl,fwdtp", "data": "digits", "seeds": 10, "published": False},
    },
    source="Lee et al. 2015; Meulemans et al. 2020; Ernoult et al. 2022; Shibuya et al. 2023",
    cost="7 min on one core",
    few="dtp,fwdtp",
)
