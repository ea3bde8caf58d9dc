"""Spiking networks as NIR graphs: an Euler simulation in NumPy, from the file alone, fires as the run does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bioplaus import api, load
from bioplaus.errors import ConfigError
from bioplaus.export.run import export

nir = pytest.importorskip("nir")
SMALL = {
    "rule": "surrogate", "data": "digits", "data.limit": 100, "data.standardise": "none", "probes": [], "epochs": 1, "run.figures": False,
    "network": "mlp", "network.hidden": [14], "network.init_scale": 4.0, "neuron.steps": 20,
}  # fmt: skip


def trained(folder: Path, **settings: Any) -> Path:
    found = api.simulate({**SMALL, "run.root": str(folder), **settings}).run_dir
    assert found is not None
    return found


def simulated(graph: Any, x: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Return membrane ``[steps, N, K]`` of the last units and the number of spikes below them, by explicit Euler steps of NIR's equations."""
    names = [name for name, _ in graph.edges] + ["output"]
    assert all(a == b for (_, b), a in zip(graph.edges, names[1:]))  # a chain
    nodes = [graph.nodes[name] for name in names]
    state: dict[int, dict[str, Any]] = {i: {"v": 0.0, "y": 0.0, "fired": 0.0} for i in range(len(nodes))}
    course, spikes = [], 0.0
    for _ in range(steps):
        value = x
        for i, node in enumerate(nodes):
            kind, s = type(node).__name__, state[i]
            if kind == "Flatten":
                value = value.reshape(len(x), -1)
            elif kind in ("Affine", "Linear"):
                value = value @ node.weight.T + (node.bias if kind == "Affine" else 0.0)
            elif kind in ("LIF", "LI", "CubaLIF", "IF"):
                dt = float(node.metadata["dt"])
                current = value
                if kind == "CubaLIF":
                    s["y"] = s["y"] + dt / node.tau_syn * (-s["y"] + node.w_in * current)
                    current = s["y"]
                tau = getattr(node, "tau", getattr(node, "tau_mem", None))
                v = s["v"] + dt * node.r * current if kind == "IF" else s["v"] + dt / tau * (node.v_leak - s["v"] + node.r * current)
                if kind == "LI":
                    s["v"] = value = v
                else:
                    v = v - s["fired"] * node.v_threshold  # a spike of the step before subtracts, as the metadata says
                    above = v >= node.v_threshold if node.metadata["fires_at_threshold"] else v > node.v_threshold
                    s["v"], s["fired"] = v, above.astype(float)
                    value = s["fired"]
                membrane = s["v"]
                spikes += float(np.sum(s["fired"])) if i < len(nodes) - 3 else 0.0
        course.append(membrane)
    return np.array(course), np.array(spikes)


@pytest.mark.parametrize(
    "units",
    [
        {"neuron": "lif", "neuron.tau_mem": 5.0},
        {"neuron": "lif", "neuron.readout": "leaky", "neuron.learn_tau": True, "network.bias": True},
        {"neuron": "synaptic", "neuron.tau_syn": 3.0},
        {"neuron": "if"},
    ],
    ids=["lif", "leaky output, learned decays, biases", "synaptic", "if"],
)
def test_a_simulation_of_the_file_is_the_run(units: dict[str, Any], tmp_path: Path) -> None:
    run = trained(tmp_path, **units)
    graph = nir.read(export(run, "nir").values["file"])
    again = load(run)
    pixels = np.random.default_rng(1).random((6, 1, 8, 8)).astype(np.float32)
    expected = again.predict(again.scale(pixels))[0]  # membrane [N, T, K]
    course, spikes = simulated(graph, pixels.astype(np.float64), 20)
    assert spikes > 20  # the hidden layer fires: otherwise nothing is shown
    np.testing.assert_allclose(course.transpose(1, 0, 2), expected, rtol=1e-3, atol=1e-4)


def test_what_a_reader_should_know_is_in_the_file(tmp_path: Path) -> None:
    run = trained(tmp_path, **{"neuron": "lif", "neuron.reset": "zero"})
    found = export(run, "nir")
    graph = nir.read(found.values["file"])
    kept = {name: node.metadata["reset"] for name, node in graph.nodes.items() if name.endswith("neurons")}
    assert {str(np.asarray(value).astype(str)) for value in kept.values()} == {"zero"}
    assert found.values["steps"] == 20 and found.values["encode"] == "direct"


def test_what_has_no_node_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"neuron=alif has no node in NIR; those that have: lif, synaptic, if"):
        export(trained(tmp_path, neuron="alif"), "nir")
    with pytest.raises(ConfigError, match="forward/0 has MaxPool"):
        convolution = {key: value for key, value in SMALL.items() if not key.startswith("network")}
        pooled = {**convolution, "neuron": "lif", "network": "cnn5", "network.channels": [2], "network.init_scale": 4.0}
        export(api.simulate({**pooled, "run.root": str(tmp_path)}).run_dir or "", "nir")
    with pytest.raises(ConfigError, match="format=nir is for them"):
        export(trained(tmp_path, neuron="lif"), "torch")
