"""Compiled inner loop of online backpropagation through dense layers: no Python per sample.

``z_l = W_l h_{l-1}``, ``h_l = phi_l(z_l)``, softmax cross-entropy at the top; then from the top down ``D_l = (W_{l+1}^T D_{l+1}) * phi'_l`` and
``W_l <- W_l + rate D_l h_{l-1}^T`` (D points down the loss). Strict floating point: results depend on no thread count and no flag.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

__all__ = ["ELU", "IDENTITY", "LEAKY_RELU", "RELU", "SIGMOID", "TANH", "train"]

IDENTITY, RELU, LEAKY_RELU, ELU, TANH, SIGMOID = range(6)


@numba.njit(cache=True, fastmath=False)
def _value(code: int, number: float, z: Any) -> Any:
    """Return phi(z); number is the leak or the alpha."""
    if code == RELU:
        return 0.0 if z <= 0 else z  # not a number stays not a number
    if code == LEAKY_RELU:
        return z if z > 0 else z * number
    if code == ELU:
        return z if z > 0 else number * math.expm1(z)
    if code == TANH:
        return math.tanh(z)
    if code == SIGMOID:
        return 1 / (1 + math.exp(-z))
    return z


@numba.njit(cache=True, fastmath=False)
def _slope(code: int, number: float, h: Any) -> Any:
    """Return phi'(z) from h = phi(z); at a kink the slope of the left side."""
    if code == RELU:
        return 0.0 if h <= 0 else 1.0
    if code == LEAKY_RELU:
        return 1.0 if h > 0 else number
    if code == ELU:
        return 1.0 if h > 0 else h + number
    if code == TANH:
        return 1 - h * h
    if code == SIGMOID:
        return h * (1 - h)
    return 1.0


@numba.njit(cache=True, fastmath=False)
def _dot(w: Any, x: Any, zero: Any) -> Any:
    """Return w . x in eight partial sums, which the compiler may run side by side without reordering anything."""
    a, b, c, d, e, f, g, h = zero, zero, zero, zero, zero, zero, zero, zero
    whole = x.shape[0] - x.shape[0] % 8
    for j in range(0, whole, 8):
        a += w[j] * x[j]
        b += w[j + 1] * x[j + 1]
        c += w[j + 2] * x[j + 2]
        d += w[j + 3] * x[j + 3]
        e += w[j + 4] * x[j + 4]
        f += w[j + 5] * x[j + 5]
        g += w[j + 6] * x[j + 6]
        h += w[j + 7] * x[j + 7]
    for j in range(whole, x.shape[0]):
        a += w[j] * x[j]
    return ((a + b) + (c + d)) + ((e + f) + (g + h))


@numba.njit(cache=True, fastmath=False)
def _loss(h: Any, error: Any, label: int) -> Any:
    """Return the cross-entropy of the output h and put ``one-hot - softmax`` into error."""
    top = h.max()
    total = h[0] * 0
    for i in range(h.shape[0]):
        error[i] = math.exp(h[i] - top)
        total += error[i]
    for i in range(h.shape[0]):
        error[i] = -error[i] / total
    error[label] += 1
    return math.log(total) + (top - h[label])


@numba.njit(cache=True, fastmath=False)
def _forward(w: Any, x: Any, h: Any, code: int, number: float) -> None:
    """Put ``phi(x w)`` into h. Silent inputs are skipped: images and rectified layers have many."""
    post = h.shape[0]
    h[:] = 0
    for j in range(x.shape[0]):
        active = x[j]
        if active != 0:
            row = w[j * post : (j + 1) * post]
            for i in range(post):
                h[i] += active * row[i]
    for i in range(post):
        h[i] = _value(code, number, h[i])


@numba.njit(cache=True, fastmath=False)
def _backward(w: Any, x: Any, error: Any, step: Any, down: Any, code: int, number: float) -> None:
    """Put ``(error w^T) * phi'`` of the layer below into down, if it has the size of x, and add ``x step`` to w."""
    post = error.shape[0]
    for j in range(x.shape[0]):
        row = w[j * post : (j + 1) * post]
        if down.shape[0]:
            slope = _slope(code, number, x[j])
            down[j] = _dot(row, error, error[0] * 0) * slope if slope != 0 else 0
        active = x[j]
        if active != 0:
            for i in range(post):
                row[i] += active * step[i]


@numba.njit(cache=True, fastmath=False)
def _sample(flat: Any, sizes: Any, codes: Any, numbers: Any, activity: Any, errors: Any, label: int, rate: Any, learns: bool) -> Any:
    """Learn one sample, whose input stands at the start of activity; return its loss."""
    layers = codes.shape[0]
    weight, below = 0, 0
    for k in range(layers):
        above, end = below + sizes[k], below + sizes[k] + sizes[k + 1]
        size = sizes[k] * sizes[k + 1]
        _forward(flat[weight : weight + size], activity[below:above], activity[above:end], codes[k], numbers[k])
        weight, below = weight + size, above
    out, error = activity[below:], errors[below:]
    loss = _loss(out, error, label)
    if not learns:
        return loss
    for i in range(out.shape[0]):
        error[i] *= _slope(codes[layers - 1], numbers[layers - 1], out[i])
    for k in range(layers - 1, -1, -1):
        size, above = sizes[k] * sizes[k + 1], below
        weight, below = weight - size, below - sizes[k]
        down = errors[below:above] if k > 0 else errors[:0]
        lower = k - 1 if k > 0 else 0
        _backward(flat[weight : weight + size], activity[below:above], error, error * rate, down, codes[lower], numbers[lower])
        error = down
    return loss


@numba.njit(cache=True, fastmath=False)
def train(
    flat: Any, sizes: Any, codes: Any, numbers: Any, rates: Any, learns: Any, x: Any, y: Any, rows: Any, losses: Any
) -> None:
    """Train each replica on its samples, one by one, changing flat and losses in place.

    Parameters
    ----------
    flat
        Weights ``[R, P]``: the layers' matrices, one after the other, each transposed to (pre, post) and row by row: what one input cell does
        then lies together, forwards and in the update.
    sizes, codes, numbers
        Widths ``[L + 1]``; neuron code and its number (leak, alpha), both ``[L]``.
    rates, learns
        Rate and whether it may change, for each replica ``[R]``.
    x, y
        Samples ``[N, sizes[0]]`` and class numbers ``[N]``.
    rows
        Which sample comes at which step, ``[steps, R or 1]``.
    losses
        Where the loss of each step goes, ``[steps, R]``.
    """
    activity = np.zeros(sizes.sum(), flat.dtype)
    errors = np.zeros(sizes.sum(), flat.dtype)
    for r in range(flat.shape[0]):
        for step in range(rows.shape[0]):
            row = rows[step, r if rows.shape[1] > 1 else 0]
            activity[: sizes[0]] = x[row]
            losses[step, r] = _sample(flat[r], sizes, codes, numbers, activity, errors, y[row], rates[r], learns[r])
