"""One rule of each family on MNIST, beside backprop."""

from __future__ import annotations

from bioplaus.experiments.studies import study

__all__ = ["CLAIM"]

CLAIM = study(
    "compare_mnist",
    "Rules of every family on MNIST",
    {
        "MNIST, 784-128x2-10": {
            "rules": "fa,dfa,ccl,readout,top,dtp,pc,softhebb",
            "data": "mnist",
            "network.hidden": [128, 128],
            "epochs": 10,
            "tune_epochs": 2,
            "seeds": 3,
            "published": False,
        },
    },
    source="the papers of the rules, see the comparisons on digits",
    cost="10 min on one core",
    few="fa,ccl",
)
