"""The two-sided squared error and the Hamiltonian differ by a constant: exact at small N, and along a descent."""

from __future__ import annotations

import numpy as np
import pytest

from bioplaus.disorder import draw_examples, draw_patterns
from bioplaus.errors import ConfigError
from bioplaus.theory.loss import energy, two_sided_loss

N, K, M, D, R = 60, 3, 7, 0.3, 0.5


def cases() -> dict[str, tuple[np.ndarray, float]]:
    """Return the vectors and the coupling of each way of learning."""
    xi = draw_patterns(3, K, N, D)
    eta = draw_examples(3, xi, M, R)
    g, power = 1 / (1 - D), R**2 + (1 - R**2) / M
    return {
        "storing": (xi, g),
        "supervised": (eta.mean(1), g / power),
        "unsupervised": (eta.reshape(K * M, N), g / (power * M)),
    }


@pytest.mark.parametrize("learning", ["storing", "supervised", "unsupervised"])
def test_identity_along_a_descent(learning: str) -> None:
    vectors, coupling = cases()[learning]
    w = vectors.astype(float)
    J = coupling / N * w.T @ w
    s = np.random.default_rng(1).choice([-1, 1], N).astype(np.int8)
    energies, losses, constants = [], [], set()
    for _ in range(2):
        for i in range(N):
            loss, constant = two_sided_loss(vectors, s)
            energies.append(energy(vectors, s, coupling))
            losses.append(loss)
            constants.add(constant)
            assert energies[-1] == pytest.approx(-0.5 * s @ J @ s, abs=1e-11)
            assert energies[-1] == pytest.approx(coupling * N / 2 * (loss - constant), abs=1e-12 * N * len(vectors))
            s[i] = 1 if J[i] @ s - J[i, i] * s[i] >= 0 else -1
    assert len(constants) == 1
    assert energies[-1] < energies[0] - 1
    assert np.corrcoef(energies, losses)[0, 1] == pytest.approx(1, abs=1e-12)
    assert np.all(np.diff(energies) <= 1e-10)


def test_losses_by_their_definition() -> None:
    vectors, _ = cases()["supervised"]
    s = np.random.default_rng(2).choice([-1, 1], N)
    plus = [sum((x + y) ** 2 for x, y in zip(w, s)) / (2 * N) for w in vectors]
    minus = [sum((x - y) ** 2 for x, y in zip(w, s)) / (2 * N) for w in vectors]
    assert two_sided_loss(vectors, s)[0] == pytest.approx(np.dot(plus, minus), abs=1e-12)


def test_constant_of_diluted_patterns() -> None:
    """c = ((1 + (1-d)) / 2)^2 where every pattern has N (1-d) entries."""
    vectors = np.array([[1, -1, 0, 1], [0, 1, 1, -1]], dtype=np.int8)
    assert two_sided_loss(vectors, np.ones(4, dtype=np.int8))[1] == pytest.approx(2 * (1 - 0.25 / 2) ** 2, abs=1e-14)


def test_small_integers_do_not_overflow() -> None:
    vectors = np.ones((1, 1000), dtype=np.int8)
    state = np.ones(1000, dtype=np.int8)
    assert energy(vectors, state, 1.0) == -500
    assert two_sided_loss(vectors, state) == (0.0, 1.0)


@pytest.mark.parametrize("shape", [(4,), (3, 5)])
def test_shapes_that_do_not_fit(shape: tuple[int, ...]) -> None:
    for call in (lambda: energy(np.ones(shape), np.ones(4), 1.0), lambda: two_sided_loss(np.ones(shape), np.ones(4))):
        with pytest.raises(ConfigError, match=r"vectors .* and state .*\[P, N\]"):
            call()
