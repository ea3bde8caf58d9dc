"""The perceptron with binary weights against published points, thermodynamics, bounds, and message passing on finite networks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate
from scipy.special import log_ndtr

from bioplaus.errors import ConfigError, SolverError
from bioplaus.theory import perceptron

#: alpha -> q, q_hat, entropy, errors of Gibbs and Bayes, of a solver of our own that came before this one (converged to six digits)
LEARNT = {
    0.1: (0.062324, 0.066303, 0.624845, 0.480149, 0.419685),
    0.2: (0.122394, 0.138182, 0.558569, 0.460943, 0.386233),
    0.4: (0.237484, 0.301045, 0.432178, 0.423677, 0.337973),
    0.5: (0.293089, 0.393670, 0.372133, 0.405317, 0.317903),
    0.8: (0.454821, 0.732179, 0.205307, 0.349703, 0.264401),
    1.0: (0.560715, 1.033042, 0.106108, 0.310526, 0.230626),
    1.2: (0.668661, 1.446122, 0.017965, 0.266868, 0.195239),
    1.4: (0.789699, 2.148135, -0.056427, 0.210237, 0.151644),
    1.48: (0.861077, 2.817101, -0.080570, 0.169791, 0.121576),
}
STORED = {
    0.2: (0.126865, 0.164930, 0.550120),
    0.5: (0.322385, 0.668035, 0.314390),
    0.8: (0.537942, 2.215316, 0.035306),
    1.0: (0.706729, 6.604423, -0.204226),
}


@pytest.mark.parametrize("alpha", LEARNT)
def test_learning_from_a_teacher(alpha: float) -> None:
    state = perceptron.teacher_student(alpha)
    assert (state.q, state.q_hat, state.entropy, state.error_gibbs, state.error_bayes) == pytest.approx(LEARNT[alpha], abs=1.5e-6)


@pytest.mark.parametrize("alpha", STORED)
def test_storing_random_labels(alpha: float) -> None:
    state = perceptron.storage(alpha)
    assert (state.q, state.q_hat, state.entropy) == pytest.approx(STORED[alpha], abs=1.5e-6)


def test_published_points() -> None:
    """1.245 (Gyorgyi 1990), 1.493 (Barbier et al. 2019), .833 (Krauth & Mezard 1989), and six digits of a solver of ours."""
    turn, end, full = perceptron.transition(), perceptron.spinodal(), perceptron.storage_capacity()
    assert round(turn.alpha, 3) == 1.245 and round(end.alpha, 3) == 1.493 and round(full.alpha, 3) == 0.833
    assert (turn.alpha, turn.q, turn.q_hat, turn.error_gibbs, turn.error_bayes) == pytest.approx(
        (1.244684, 0.693760, 1.564900, 0.255953, 0.186666), abs=1.5e-6
    )
    assert (end.alpha, end.q, end.q_hat) == pytest.approx((1.492632, 0.893661, 3.259481), abs=2e-5)
    assert (full.alpha, full.q, full.q_hat) == pytest.approx((0.833079, 0.563949, 2.576351), abs=1.5e-6)


def average(q: float, power: bool) -> float:
    """``2 E H ln H`` or ``E ln H`` of a z, a = sqrt(q/(1-q)), by adaptive quadrature."""
    a = math.sqrt(q / (1 - q))

    def integrand(z: float) -> float:
        log = float(log_ndtr(-a * z))
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (2 * math.exp(log) * log if power else log)

    return float(integrate.quad(integrand, -10, 10, points=[0.0], limit=400)[0])


@pytest.mark.parametrize("alpha", [0.3, 0.9, 1.4])
def test_entropy_falls_with_load_as_thermodynamics_says(alpha: float) -> None:
    """ds/dalpha is its explicit derivative: order parameters are where s is stationary."""
    for solve, power in ((perceptron.teacher_student, True), (perceptron.storage, False)):
        if not power and alpha > 1.2:
            continue
        h = 1e-4
        slope = (solve(alpha + h).entropy - solve(alpha - h).entropy) / (2 * h)
        assert slope == pytest.approx(average(solve(alpha).q, power), abs=1e-6)


def test_limits_and_bounds() -> None:
    assert perceptron.teacher_student(0.001).q / 0.001 == pytest.approx(0.636473, abs=1e-6)  # 2/pi in the limit
    for alpha in (0.1, 0.6, 1.0):
        assert perceptron.storage(alpha).entropy <= math.log(2) * (1 - alpha)  # annealed
        assert perceptron.teacher_student(alpha).entropy >= perceptron.storage(alpha).entropy
    assert perceptron.storage(1.27).q > 0.99


def passed(N: int, alpha: float, seed: int) -> float:
    """Bayes-optimal message passing: overlap of the mean with the teacher after it settles."""
    rng = np.random.default_rng(seed)
    x = rng.choice([-1.0, 1.0], (round(alpha * N), N)) / math.sqrt(N)
    teacher = rng.choice([-1.0, 1.0], N)
    y = np.sign(x @ teacher)
    m, g = np.zeros(N), np.zeros(len(y))
    for _ in range(300):
        variance = max(1 - float(m @ m) / N, 1e-12)
        omega = x @ m - variance * g
        u = -y * omega / math.sqrt(variance)
        g = y * np.exp(-u * u / 2 - 0.5 * math.log(2 * math.pi) - log_ndtr(-u)) / math.sqrt(variance)
        stiffness = float(np.sum(g * (g + omega / variance))) / N
        then = np.tanh(x.T @ g + stiffness * m)
        change, m = float(np.abs(then - m).max()), 0.3 * m + 0.7 * then
        if change < 1e-4 or abs(m @ teacher) / N > 1 - 1e-6:
            break
    return abs(float(np.sign(m) @ teacher if alpha > 1.5 else m @ teacher)) / N


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.2])
def test_message_passing_reaches_the_overlap(alpha: float) -> None:
    found = [passed(1500, alpha, seed) for seed in range(3)]
    assert np.mean(found) == pytest.approx(perceptron.teacher_student(alpha).q, abs=0.03)


def test_message_passing_finds_the_teacher_beyond_the_spinodal() -> None:
    assert all(passed(1500, 1.65, seed) == 1 for seed in range(3))
    assert perceptron.teacher_student(1.65, "stable") == perceptron.TeacherStudent(1.0, math.inf, 0.0, 0.0, 0.0)


def test_the_stable_state_is_the_one_of_larger_entropy() -> None:
    turn = perceptron.transition().alpha
    before, after = (perceptron.teacher_student(turn + d, "stable") for d in (-1e-3, 1e-3))
    assert before.q < 0.7 and before.entropy > 0 and after.q == 1
    assert perceptron.teacher_student(turn + 1e-3).entropy < 0


def test_there_is_no_state_beyond_the_end_of_a_branch() -> None:
    with pytest.raises(SolverError, match=r"ends at the spinodal, alpha=1\.492632; branch=stable has q = 1"):
        perceptron.teacher_student(1.6)
    with pytest.raises(SolverError, match="below 4/pi"):
        perceptron.storage(1.3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: perceptron.teacher_student(0), "alpha=0 must be above 0"),
        (lambda: perceptron.teacher_student(-1), "alpha=-1 must be"),
        (lambda: perceptron.teacher_student(math.nan), "alpha=nan must be"),
        (lambda: perceptron.teacher_student(1, "best"), "branch=best is not one of"),
    ],
)
def test_refused_in_one_line(call: object, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        call()  # type: ignore[operator]
    assert words in str(caught.value) and "\n" not in str(caught.value)
