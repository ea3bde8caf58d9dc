"""One spike per pixel, the brighter the earlier: 784-100-10 units with synaptic currents, read out by the largest membrane (SpyTorch)."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report

__all__ = ["CLAIM"]

SETTINGS: dict[str, Any] = {
    "rule": "surrogate",
    "network.hidden": [100],
    "network.bias": False,
    "network.init": "normal",
    "network.init_scale": 0.666,
    "neuron": "synaptic",
    "neuron.order": "old",
    "neuron.reset": "zero",
    "neuron.beta": None,
    "neuron.tau_mem": 10.0,
    "neuron.tau_syn": 5.0,
    "neuron.surrogate": "fast_sigmoid",
    "neuron.slope": 100.0,
    "neuron.readout": "leaky",
    "neuron.loss": "max_membrane",
    "neuron.steps": 100,
    "data.encode": "latency",
    "data.encode_tau": 20.0,
    "data.encode_threshold": 0.2,
    "rule.lr": 2e-4,
    "batch_size": 256,
    "epochs": 30,
    "seeds": 1,
    "probes": [],
    "threads": 1,
}
PUBLISHED = "86.3 (training 91.2), one published run"


#: Epochs that an afternoon allows; the published run had 30.
SHORT = 5


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.errors import DataError
    from bioplaus.experiments.curves_of_runs import accuracy_curves
    from bioplaus.experiments.rows import accuracy_row, measure

    small: dict[str, Any] = {"data.limit": 500, "epochs": 2, "neuron.steps": 30} if quick else {}
    fashion, digits = {**SETTINGS, "data": "fashion_mnist", **small}, {**SETTINGS, "data": "mnist", "epochs": SHORT, **small}
    rows = []
    try:
        rows.append(accuracy_row("Fashion-MNIST, 30 epochs", fashion, folder, PUBLISHED))
    except DataError:
        note = "not run: Fashion-MNIST is not in the data folder; data.download=true fetches it"
        rows.append(Measurement("Fashion-MNIST, 30 epochs", PUBLISHED, None, settings=fashion, note=note))
    rows.append(accuracy_row(f"MNIST, {digits['epochs']} epochs", digits, folder, "none published"))
    whole = {**digits, "epochs": 30}
    rows.append(Measurement("MNIST, 30 epochs", "none published", None, settings=whole, note="not run: 2 h on one core, settings in the JSON"))
    picture = accuracy_curves([("MNIST", measure(digits, folder)["run_dir"])], f"Latency code, 784-100-10, T = {digits['neuron.steps']}")
    return Report("% test accuracy", tuple(rows), picture)


CLAIM = Claim(
    name="spiking_latency",
    title="Latency code and surrogate gradients, 784-100-10 with synaptic currents, T=100",
    source="SpyTorch (Neftci, Mostafa & Zenke 2019, IEEE Signal Process. Mag. 36:51; published notebook)",
    target="86.3 % on Fashion-MNIST after 30 epochs",
    cost="25 min on one core; 2 h more with Fashion-MNIST",
    quick_cost="10 s",
    run=_run,
)
