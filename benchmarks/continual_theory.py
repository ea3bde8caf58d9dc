"""One point of the theory of binary weights: the compiled energy term beside the same integrals in NumPy and SciPy, and whole tables.

    python -m benchmarks.continual_theory

Prints seconds and ratios; run it on a quiet machine, one thread.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from scipy.special import log_ndtr

from bioplaus.theory import continual, perceptron
from bioplaus.theory._binary_kernels import energy
from bioplaus.theory.gauss_tail import legendre

POINT = (0.3, 0.4, 20.0)


def in_numpy(w: Any, spread: float, width: float, beta: float, nodes: Any, weights: Any) -> Any:
    """The integrals of `energy`, all fields and nodes at once."""
    root, s = math.sqrt(spread), math.sqrt(width)
    a = np.where(w > 0, beta * root * w / (width + beta * spread), 0.0)[:, None]
    half, middle = (a + 18.0) / 2, -a / 2
    x = middle + half * nodes
    u = (root * x + w[:, None]) / s
    tail = log_ndtr(-u)
    logs = beta * tail - x * x / 2
    most = logs.max(1, keepdims=True)
    p = weights * np.exp(logs - most)
    slope = -p * beta / s * np.exp(-u * u / 2 - 0.5 * math.log(2 * math.pi) - tail)
    total = p.sum(1)
    log = most[:, 0] + np.log(total * half[:, 0]) - 0.5 * math.log(2 * math.pi)
    return np.stack([log, slope.sum(1) / total, (slope * x).sum(1) / total, (slope * (root * x + w[:, None])).sum(1) / total], 1)


def seconds(call: Any, times: int = 1) -> float:
    """Return the least time of some calls."""
    return min(_once(call) for _ in range(times))


def _once(call: Any) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def main() -> None:
    w = np.linspace(-6, 6, 380)
    given = (w, *POINT, *legendre(260))
    print(f"compiling: {_once(lambda: energy(*given)):.1f} s")
    np.testing.assert_allclose(energy(*given), in_numpy(*given), rtol=1e-9, atol=1e-12)
    ours, theirs = seconds(lambda: energy(*given), 9), seconds(lambda: in_numpy(*given), 9)
    print(f"energy term: {1e3 * ours:.1f} ms, NumPy and SciPy {1e3 * theirs:.1f} ms, ratio {theirs / ours:.2f}")
    continual.first_task(2.0), continual.first_task(0.2, branch="poor"), continual.second_task(2, 1, 0, 1)  # compiled, entries known
    continual._checked.cache_clear()
    found = [_once(lambda: continual.first_task(1.3)), _once(lambda: continual.first_task(1.31))]
    print(f"a first task: {found[0]:.2f} s with the end of the other branch to find, the next {found[1]:.2f} s")
    print(f"a second task: {_once(lambda: continual.second_task(2, 2, 0, 1)):.2f} s")
    loads = {"poor": (0.2, 0.5, 0.8, 1.0, 1.2, 1.4, 1.5, 1.6), "good": (1.5, 1.52, 1.6, 1.7, 1.8, 2.0)}
    continual._checked.cache_clear()
    continual._anchors.clear()
    first = _once(lambda: [continual.first_task(alpha, branch=branch) for branch, some in loads.items() for alpha in some])
    cells = [(a, r, g) for g, some in ((1.0, (0.5, 1, 2, 4)), (0.1, (0.5, 1, 2, 5))) for a in some for r in (-0.5, 0, 0.5)]
    second = _once(lambda: [continual.second_task(2, *cell) for cell in cells])
    print(f"14 first tasks on their branches: {first:.1f} s (goal 20); 24 second tasks: {second:.1f} s (goal 120)")
    print(f"9 points, transition, spinodal and capacity of the perceptron: {_once(_perceptron):.2f} s")


def _perceptron() -> None:
    for alpha in (0.1, 0.2, 0.4, 0.5, 0.8, 1.0, 1.2, 1.4, 1.48):
        perceptron.teacher_student(alpha)
    perceptron.transition(), perceptron.spinodal(), perceptron.storage_capacity()


if __name__ == "__main__":
    main()
