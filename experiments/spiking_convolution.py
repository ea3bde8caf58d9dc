"""A spiking convolutional network on MNIST: 12C5-MP2-64C5-MP2-10, 50 steps (after snnTorch's tutorial 6)."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Report

__all__ = ["CLAIM"]

SETTINGS: dict[str, Any] = {
    "rule": "surrogate",
    "data": "mnist",
    "network": "lenet",
    "network.channels": [12, 64],
    "network.hidden": [],
    "network.padding": "none",
    "neuron.beta": 0.5,
    "neuron.surrogate": "fast_sigmoid",
    "neuron.slope": 25.0,
    "neuron.steps": 50,
    "neuron.loss": "rate",
    "rule.lr": 1e-2,
    "batch_size": 128,
    "epochs": 1,
    "seeds": 1,
    "probes": [],
    "threads": 1,
}


def _run(quick: bool, folder: str) -> Report:
    from bioplaus import api
    from bioplaus.experiments.rows import accuracy_row, measure

    small: dict[str, Any] = {"data.limit": 300, "network.channels": [4, 8], "neuron.steps": 10} if quick else {}
    settings = {**SETTINGS, **small}
    row = accuracy_row("1 epoch", settings, folder, "none published")
    raster = api.load(measure(settings, folder)["run_dir"]).findings.pictures[0]
    remark = "Units spike before they are pooled here, and are pooled before they spike in the tutorial, which prints no accuracy."
    return Report("% test accuracy", (row,), raster, (remark,))


CLAIM = Claim(
    name="spiking_convolution",
    title="Spiking convolutional network on MNIST, 12C5-MP2-64C5-MP2-10, T=50",
    source="snnTorch 1.0, tutorial 6 (no accuracy printed)",
    target="that it trains; no figure is published",
    cost="60 min on one core",
    quick_cost="10 s",
    run=_run,
)
