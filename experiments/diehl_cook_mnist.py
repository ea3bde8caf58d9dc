"""Diehl & Cook's network on MNIST: unsupervised STDP, one pass over the 60,000 training images, labels from the last 10,000 responses."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Report
from bioplaus.pictures import Mosaic

__all__ = ["CLAIM"]

#: neurons, seeds, bar in % test accuracy
ROWS = ((100, 3, 80.0), (400, 1, 85.0))
QUICK = ((25, 1, 0.0),)


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.rows import accuracy_row

    rows, settings = [], {}
    for neurons, seeds, low in QUICK if quick else ROWS:
        settings = {
            "rule": "stdp",
            "network": "diehl_cook",
            "data": "mnist",
            "data.validation": 0,
            "network.neurons": neurons,
        }
        settings |= {
            "seeds": seeds,
            "threads": 1,
            **({"data.limit": 1000, "network.theta_plus": 0.05} if quick else {}),
        }
        rows.append(accuracy_row(f"N={neurons}, one pass", settings, folder, f"{low:g} or more", low=low))
    remarks = (
        "theta_plus = 0.05 N/400 mV (0.05 from N = 400 up): at the published 0.05 a network of 100 neurons is shown its images again and again.",
        "labels: responses to the last 10,000 images, while learning; test: learning off, every image from rest.",
        "the figure is of the last row, first seed.",
    )
    return Report("% test accuracy", tuple(rows), picture=_fields(settings, folder), remarks=remarks)


def _fields(settings: dict[str, Any], folder: str) -> Mosaic:
    """Return the receptive fields that a run has learned."""
    from bioplaus import api, config, kept

    store = kept.found(config.resolve({**settings, "run.root": folder, "run.figures": False}))
    assert store is not None  # it has just been measured
    return next(picture for picture in api.load(store.path).findings.pictures if isinstance(picture, Mosaic))


CLAIM = Claim(
    name="diehl_cook_mnist",
    title="STDP and lateral inhibition on MNIST without labels, 784-N",
    source="Diehl & Cook 2015 (three passes and more, up to 95.0 % with N = 6400); bars of our own for one pass",
    target="80 % with N = 100, 85 % with N = 400, after one pass",
    cost="35 min on one core",
    quick_cost="30 s",
    run=_run,
)
