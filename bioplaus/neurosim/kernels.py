"""Compiled loops over images: read the crossbars, compare, write pulses."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from bioplaus.dynamics.normal import normal, normals
from bioplaus.dynamics.random import seeded, seeded_by

__all__ = ["respond", "train", "write"]

inner = numba.njit(cache=True, nogil=True, error_model="numpy")


@inner
def read(g: Any, rows: Any, count: int, c: Any, words: Any, currents: Any, squares: Any, net: Any) -> None:
    """Fill net inputs ``[n_out]``: the current of each column, less that of a column of middle conductance, as the ADC gives it.

    Currents are in units of what one fully open device adds; of the N rows of g those listed in rows, count of them, are driven.
    """
    N, M = g.shape
    shift, scale = count * c.offset, c.steps / N
    reference = 0.5 * count + shift
    currents[:] = 0
    for i in range(count):
        row = g[rows[i]]
        for j in range(M):
            currents[j] += row[j]
    if c.read_noise > 0:  # the sum of independent Gaussian numbers is one
        squares[:] = 0
        for i in range(count):
            row = g[rows[i]]
            for j in range(M):
                squares[j] += (row[j] + c.offset) ** 2
        for j in range(M):
            currents[j] += c.read_noise * math.sqrt(squares[j]) * normal(words)
    if c.steps > 0:
        zero = math.floor(reference * scale)
        for j in range(M):
            net[j] = (math.floor((currents[j] + shift) * scale) - zero) / scale
    else:
        for j in range(M):
            net[j] = currents[j] + shift - reference


@inner
def lit(image: Any, rows: Any) -> int:
    """List the rows that an image drives; return their number."""
    count = 0
    for i in range(image.shape[0]):
        if image[i]:
            rows[count] = i
            count += 1
    return count


@inner
def firing(net: Any, rows: Any) -> int:
    """List the hidden units that send a 1: those whose activity is at least a half; return their number."""
    count = 0
    for j in range(net.shape[0]):
        if net[j] >= 0:
            rows[count] = j
            count += 1
    return count


@inner
def number_of(change: float, c: Any) -> Any:
    """Return the pulses for a wanted change of a weight, signed: ``|change|/2`` of the range, rounded half up."""
    P = c.pulses_up if change > 0 else c.pulses_down
    n = math.floor(abs(change) / 2 * P + 0.5)
    return n if change > 0 else -n


@inner
def series(b: float, n: float) -> float:
    """Return ``1 + (1 + b) + ... + (1 + b)^(n - 1)``: n pulses move g by ``(a + b g)`` times it."""
    total = 0.0
    for _ in range(int(n)):
        total = total * (1 + b) + 1
    return total


@inner
def moved(g: float, a: float, b: float, sum_n: float, noise: float, low: float, high: float) -> float:
    """Return a conductance after pulses at once, with noise, clipped; a multiple of 2^-52, so that 2 g - 1 keeps all of it."""
    g += (a + b * g) * sum_n
    g += noise
    return (1.0 + min(max(g, low), high)) - 1.0


@inner
def write(
    g: Any, rows: Any, count: int, scale: Any, wanted: Any, d: Any, c: Any, words: Any, noise: Any, pulses: Any, load: Any
) -> None:
    """Write ``change_ij = scale_i wanted_j``, 0 <= scale <= 1, to the listed rows i of a layer's devices, pulses of each device at once.

    Noise ``[n_in n_out]`` is space for what is drawn.
    """
    apart, M = d.up_a.shape[0] > 1, g.shape[1]
    columns, active = np.empty(M, np.int64), 0
    for j in range(M):
        if number_of(wanted[j], c) != 0:  # where the whole of it makes no pulse, no part of it does
            columns[active] = j
            active += 1
    which, numbers, many = np.empty(count * active, np.int64), np.empty(count * active, np.int64), 0
    for i in range(count):
        for k in range(active):
            n = number_of(scale[rows[i]] * wanted[columns[k]], c)
            if n != 0:
                which[many], numbers[many] = rows[i] * M + columns[k], n
                many += 1
    noise[:many] = 0
    if c.cycle_noise > 0:
        normals(words, noise[:many])
    for m in range(many):
        i, j, n = which[m] // M, which[m] % M, numbers[m]
        at, to = (i, j) if apart else (0, 0)
        a, b = (d.up_a[at, to], d.up_b[at, to]) if n > 0 else (d.down_a[at, to], d.down_b[at, to])
        old, size, side = g[i, j], abs(n), 0 if n > 0 else 1
        g[i, j] = moved(old, a, b, series(b, size), c.cycle_noise * math.sqrt(size) * noise[m], d.low[at, to], d.high[at, to])
        pulses[side] += size
        load[side] += size * 0.5 * (old + g[i, j])


@inner
def write_alike(g: Any, rows: Any, count: int, wanted: Any, d: Any, c: Any, words: Any, noise: Any, pulses: Any, load: Any) -> None:
    """Do what `write` does where all rows want the same and all devices are alike: what a column's pulses do is worked out once."""
    M = g.shape[1]
    columns, sizes, spread = np.empty(M, np.int64), np.empty(M), np.empty(M)
    a, b, sums, sums_of = np.empty(M), np.empty(M), np.empty(M), np.zeros(M)
    active, low, high = 0, d.low[0, 0], d.high[0, 0]
    for j in range(M):
        n = number_of(wanted[j], c)
        if n != 0:
            up, size = n > 0, abs(n)
            columns[active], sizes[active] = j, n
            a[active], b[active] = (d.up_a[0, 0], d.up_b[0, 0]) if up else (d.down_a[0, 0], d.down_b[0, 0])
            sums[active], spread[active] = series(b[active], size), c.cycle_noise * math.sqrt(size)
            pulses[0 if up else 1] += size * count
            active += 1
    noise[: count * active] = 0
    if c.cycle_noise > 0:
        normals(words, noise[: count * active])
    for i in range(count):
        row = g[rows[i]]
        for k in range(active):
            old = row[columns[k]]
            new = moved(old, a[k], b[k], sums[k], spread[k] * noise[i * active + k], low, high)
            row[columns[k]] = new
            sums_of[k] += old + new
    for k in range(active):
        load[0 if sizes[k] > 0 else 1] += abs(sizes[k]) * 0.5 * sums_of[k]


@inner
def sigmoid(x: float) -> float:
    """Return ``1 / (1 + exp(-x))``."""
    return 1.0 / (1.0 + math.exp(-x))


@inner
def train(s: Any, c: Any, d_1: Any, d_2: Any, images: Any, labels: Any, out: Any) -> None:
    """Learn images, uint8 ``[n, P]`` of 0 and 1, one after the other; fill the net inputs of the outputs before each update, ``[n, K]``."""
    (P, H), K = s.g_1.shape, s.g_2.shape[1]
    inputs, hidden, everyone = np.empty(P, np.int64), np.empty(H, np.int64), np.arange(H)
    currents, squares, ones = np.empty(max(H, K)), np.empty(max(H, K)), np.ones(P)
    net, activity, change_1, change_2, noise = np.empty(H), np.empty(H), np.empty(H), np.empty(K), np.empty(H * max(P, K))
    alike = d_1.up_a.shape[0] == 1
    for m in range(images.shape[0]):
        count = lit(images[m], inputs)
        read(s.g_1, inputs, count, c, s.words, currents[:H], squares[:H], net)
        read(s.g_2, hidden, firing(net, hidden), c, s.words, currents[:K], squares[:K], out[m])
        for k in range(K):
            y = sigmoid(out[m, k])
            target = 1.0 if k == labels[m] else 0.0
            change_2[k] = -2 * y * (1 - y) * (target - y)  # s2, the slope of the squared error
        for j in range(H):
            back = 0.0
            for k in range(K):
                back += (2 * s.g_2[j, k] - 1) * change_2[k]
            activity[j] = sigmoid(net[j])
            change_1[j] = -c.rate_1 * activity[j] * (1 - activity[j]) * back
        for k in range(K):
            change_2[k] *= -c.rate_2
        if alike:
            write_alike(s.g_1, inputs, count, change_1, d_1, c, s.words, noise, s.pulses[0], s.load[0])
        else:
            write(s.g_1, inputs, count, ones, change_1, d_1, c, s.words, noise, s.pulses[0], s.load[0])
        write(s.g_2, everyone, H, activity, change_2, d_2, c, s.words, noise, s.pulses[1], s.load[1])


@inner
def respond(g_1: Any, g_2: Any, c: Any, seed: Any, images: Any, out: Any) -> None:
    """Read images, uint8 ``[n, P]``, nothing learned; fill the net inputs of the outputs, ``[n, K]``. Noise follows from seed and image."""
    (P, H), K = g_1.shape, g_2.shape[1]
    inputs, hidden = np.empty(P, np.int64), np.empty(H, np.int64)
    currents, squares, net = np.empty(max(H, K)), np.empty(max(H, K)), np.empty(H)
    words = seeded(seed)
    for m in range(images.shape[0]):
        if c.read_noise > 0:
            words[:] = seeded_by(seed, images[m])
        read(g_1, inputs, lit(images[m], inputs), c, words, currents[:H], squares[:H], net)
        read(g_2, hidden, firing(net, hidden), c, words, currents[:K], squares[:K], out[m])
