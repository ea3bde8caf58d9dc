"""What a rule is tried on: every network small, three clouds of samples or patterns to recall, and what single rules need beside.

Rules that came with the program have entries by name; another's needs none.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from bioplaus.data import patterns
from bioplaus.data.base import DataConfig, Raw, Splits
from bioplaus.data.splitting import split

__all__ = ["NETWORKS", "NO_NORM", "OWN", "PATTERNS", "PIXELS", "PLAIN", "SHAPES", "SHOWN", "STRIDED", "WIRED", "toy"]

CLASSES, ROWS = 3, 40
NETWORKS: dict[str, dict[str, Any]] = {
    "mlp": {"network.hidden": [7, 5], "network.bias": True},
    "cnn5": {"network.channels": [3, 4]},
    "autoencoder": {"network.channels": [3, 4], "network.bias": True},
    # strides in place of pooling: every map has a way back over its own synapses
    "cnn3": {"network.channels": [3, 4], "network.kernels": [3, 3], "network.strides": [1, 2], "network.hidden": [5], "network.bias": True},
    "memory": {},
    "recurrent": {},
    # few neurons that fire a lot, and images that are not shown for long
    "diehl_cook": {
        "network.neurons": 9,
        "network.theta_plus": 0.1,
        "network.tau_theta": 4e4,
        "network.rate_post": 0.05,
        "network.total": 3.0,
        "network.intensity": 16.0,
        "network.image_time": 100.0,
        "network.rest_time": 50.0,
        "network.gate_e": 10.0,
        "network.most_tries": 3,
        "network.window": 200,
    },
    # cells that fire once, few synapses each, so that a coarse grid will do; a low threshold makes of a rate a quick one
    "spike_times": {
        "network.hidden": [7, 5],
        "network.delays": 4,
        "network.delay_step": 3.0,
        "network.dt": 1.0,
        "network.threshold": 1.0,
        "network.init_scale": 10.0,
        "network.span": 12.0,
        "network.early": 14.0,
        "network.late": 20.0,
        "rule.lr": 0.1,
    },
    # devices of many levels, whose pulses change sides within a few images
    "neurosim": {"network.device": "epiram", "network.units": 12, "network.pulses": 400},
    # dendrites with a few inputs each
    "dann": {"network.somas": [12], "network.branches": 3, "network.inputs": 4},
    # a network that grows, as it stands before the first unit
    "cascade": {},
    # an mlp whose units have time
    "spiking": {"network": "mlp", "network.hidden": [7, 5], "network.bias": True, "neuron": "lif", "neuron.beta": 0.9, "neuron.steps": 8},
}
#: (rule, network) -> what it needs beside: changes by signs learn within a few steps on weights of any size; test_crossbar.py has pulses
SIGNS: dict[str, Any] = {"plasticity": "sgd", "rule.lr": 0.05, "rule.gain_hidden": 6.0, "rule.gain_output": 10.0, "rule.active": 0.01}
OWN: dict[tuple[str, str], dict[str, Any]] = {("memristor", network): SIGNS for network in ("mlp", "cnn5")}
#: (rule, network) -> what a card needs beside: an error of few levels shows what it depends on only where its dead zone ends at the answers
SHOWN: dict[tuple[str, str], dict[str, Any]] = {("memristor", network): {"rule__theta_output": 0.5} for network in ("mlp", "cnn5")}
#: rules that refuse normalisation
NO_NORM = ("memristor", "microcircuit", "vcl_binary")
#: patterns to recall: as many as rows that the tests want, of a length at which they barely disturb each other
PATTERNS: dict[str, Any] = {"data": "patterns", "data.N": 200, "data.K": 12}
IMAGES = (2, 8, 8)
SHAPES = {"mlp": (6,), "cnn5": IMAGES, "cnn3": IMAGES, "autoencoder": IMAGES}
SHAPES |= {"cascade": (6,), "dann": (6,), "spiking": (6,), "diehl_cook": (12,), "spike_times": (12,), "neurosim": (12,)}
#: networks that stand without normalisation
PLAIN = ("memory", "recurrent", "spiking", "diehl_cook", "spike_times", "neurosim", "cascade", "dann")

#: rules that take inputs as pixels, in [0, 1]; and the rules that are tried on strides, the others having cnn5
PIXELS, STRIDED = ("bidirectional", "han"), ("bp", "bidirectional", "han")
#: rules that are tried on units with inputs of their own, the others having the mlp
WIRED = ("bp", "dfa", "kp")


@cache
def toy(network: str, seeds: tuple[int, ...] = (3,), *, pixels: bool = False) -> Splits:
    """Three well-separated clouds around orthogonal centres: a hyperplane divides any two of them; or patterns, for networks that recall.

    As pixels the same clouds lie in [0, 1].
    """
    if network not in SHAPES:
        return patterns.draw(patterns.Config(N=PATTERNS["data.N"], K=PATTERNS["data.K"]), seeds)
    shape, draw = SHAPES[network], np.random.default_rng(7)
    size = int(np.prod(shape))
    centres = 1.5 * np.linalg.qr(draw.standard_normal((size, size)))[0][:CLASSES] * np.sqrt(size / CLASSES)
    y = np.arange(ROWS) % CLASSES
    if network in ("diehl_cook", "spike_times", "neurosim"):  # light where the class's third of the pixels is
        centres = np.kron(np.eye(CLASSES), np.full(size // CLASSES, 0.8))
        draw = np.random.default_rng(7)
        x = np.clip(centres[y] + 0.1 * draw.standard_normal((ROWS, size)), 0, 1).astype(np.float32)
        return split(Raw(x, y, x[:6], y[:6], CLASSES, shape, mean=(0.0,), std=(1.0,)), DataConfig("toy", validation=0.1))
    x = (centres[y] + 0.2 * draw.standard_normal((ROWS, size))).astype(np.float32).reshape(ROWS, *shape)
    if pixels:
        x = (x - x.min()) / (x.max() - x.min())
    raw = Raw(x, y, x[:6], y[:6], CLASSES, shape, mean=(0.0,), std=(1.0,))
    return split(raw, DataConfig("toy", validation=0.1))
