"""The compiled loop beside a plain one, written from the equations: forward, backward and pulses of images in sequence, noise off."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bioplaus.neurosim.network import Constants, Pulses, alike, new_state, respond, train

Array = np.ndarray[Any, Any]
LAYER = {  # P up and down, labels, on/off ratio, a = 1/u of the labels from the published table (0.01 steps) where it has them
    "ag_asi": (97, 100, 0.499181, -0.200303, 12.5),
    "hzo-like": (32, 32, 0.7, 0.85, 45.0),
    "slow both ways": (50, 40, -0.6, 0.4, 1.5),
}


def pulse(g: float, up: bool, P: float, a: float) -> float:
    """One pulse by way of the real-valued position on the curve, as the manual has it: ``G(p) = B (1 - exp(-p/A))``."""
    A = a * P
    B = 1 / (1 - math.exp(-P / A))
    position = -A * math.log(1 - g / B)
    return B * (1 - math.exp(-(position + (1 if up else -1)) / A))


def affine(up: bool, P: float, a: float) -> tuple[float, float]:
    """Constants of ``g + alpha + beta g``, from two points of the curve."""
    low, high = pulse(0.0, up, P, a), pulse(0.5, up, P, a)
    beta = (high - low) / 0.5 - 1
    return low, beta


class Plain:
    """One network in plain Python."""

    def __init__(self, g_1: Array, g_2: Array, device: tuple[float, ...], rates: tuple[float, float], bits: int) -> None:
        self.g, self.rates, self.steps = [g_1.copy(), g_2.copy()], rates, 2**bits - 1
        self.P_up, self.P_down, self.a_up, self.a_down, self.on_off = device
        self.pulses = np.zeros((2, 2), int)
        self.load = np.zeros((2, 2))

    def column(self, layer: int, x: Array) -> Array:
        """In real conductances: Gmax = on_off, Gmin = 1."""
        G = 1 + self.g[layer] * (self.on_off - 1)
        N, span = len(x), self.on_off - 1
        current, reference = x @ G, x.sum() * (self.on_off + 1) / 2
        if self.steps == 0:
            return (current - reference) / span
        digits = np.floor(self.steps * current / (N * span)) - np.floor(self.steps * reference / (N * span))
        return digits / self.steps * N

    def learn(self, x: Array, label: int) -> Array:
        z_1 = self.column(0, x)
        a_1 = 1 / (1 + np.exp(-z_1))
        z_2 = self.column(1, (a_1 >= 0.5).astype(float))
        a_2 = 1 / (1 + np.exp(-z_2))
        t = np.eye(len(a_2))[label]
        s_2 = -2 * a_2 * (1 - a_2) * (t - a_2)
        s_1 = a_1 * (1 - a_1) * ((2 * self.g[1] - 1) @ s_2)
        changes = [-self.rates[0] * np.outer(x, s_1), -self.rates[1] * np.outer(a_1, s_2)]
        for layer, change in enumerate(changes):
            for i, j in np.ndindex(change.shape):
                self.write(layer, i, j, change[i, j])
        return z_2

    def write(self, layer: int, i: int, j: int, change: float) -> None:
        up = change > 0
        P, a = (self.P_up, self.a_up) if up else (self.P_down, self.a_down)
        exact = abs(change) / 2 * P
        n = int(exact) + (1 if exact - int(exact) >= 0.5 else 0)
        g = before = self.g[layer][i, j]
        for _ in range(n):
            g = min(max(pulse(g, up, P, a), 0.0), 1.0)
        self.g[layer][i, j] = g
        self.pulses[layer, 0 if up else 1] += n
        self.load[layer, 0 if up else 1] += n * (before + g) / 2


@pytest.mark.parametrize("bits", [8, 0])
@pytest.mark.parametrize("name", LAYER)
def test_images_in_sequence(name: str, bits: int) -> None:
    device = LAYER[name]
    P_up, P_down, a_up, a_down, on_off = device
    rng = np.random.default_rng(3)
    N, H, K, rates = 23, 11, 4, (1.7, 0.9)  # rates that write several pulses at once
    g_1, g_2 = rng.random((N, H)), rng.random((H, K))
    images, labels = (rng.random((12, N)) < 0.5).astype(np.uint8), rng.integers(0, K, 12)
    plain = Plain(g_1, g_2, device, rates, bits)
    c = Constants(*rates, P_up, P_down, 0.0, 0.0, 1 / (on_off - 1), 2**bits - 1)
    d = alike(affine(True, P_up, a_up), affine(False, P_down, a_down))
    apart = Pulses(*(np.full((N, H), float(a[0, 0])) for a in d)), Pulses(*(np.full((H, K), float(a[0, 0])) for a in d))
    state, single = new_state(g_1, g_2, 0), new_state(g_1, g_2, 0)
    for x, label in zip(images, labels):
        np.testing.assert_allclose(respond(state, x[None], c)[0], plain.column(1, (plain.column(0, x) >= 0).astype(float)), atol=1e-12)
        out = train(state, x[None], np.array([label]), c, (d, d))[0]
        train(single, x[None], np.array([label]), c, apart)
        np.testing.assert_allclose(out, plain.learn(x.astype(float), label), atol=1e-12)
        for found in (state, single):
            np.testing.assert_allclose(found.g_1, plain.g[0], atol=1e-12)
            np.testing.assert_allclose(found.g_2, plain.g[1], atol=1e-12)
            assert np.array_equal(found.pulses, plain.pulses)
            np.testing.assert_allclose(found.load, plain.load, rtol=1e-12)
    assert (plain.pulses > 10).all() and (plain.g[0] != g_1).mean() > 0.3
