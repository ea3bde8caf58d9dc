"""BCM: selectivity at its exact fixed points, the sliding threshold, and inhibition, each against its closed form."""

from __future__ import annotations

import pytest
import torch
from hebbian_kit import HIDDEN, conv, dense, patches, randn, settle, start, step

from bioplaus.neurons.smooth import Identity, Tanh
from bioplaus.rules.bcm import Bcm, BcmConfig

PATTERNS = torch.tensor([[1.0, 0.3], [0.4, 1.2]], dtype=torch.float64)


def config(**keys: object) -> BcmConfig:
    return BcmConfig(centre=False, **keys)


@pytest.mark.parametrize("form", ["intrator_cooper", "law_cooper"])
@pytest.mark.parametrize(("counts", "level"), [((1, 1), 1.0), ((1, 3), 1.0), ((2, 3), 0.5)])
def test_each_cell_answers_to_one_pattern_at_level_over_its_probability(form: str, counts: tuple[int, int], level: float) -> None:
    """Linearly independent patterns: y = theta = y0 / p for the chosen one and 0 for the other (Intrator & Cooper 1992)."""
    rule, network = Bcm(config(form=form, level=level, memory=0.5)), dense(2, 12, Identity())
    params, state = start(rule, network)
    params[HIDDEN] = 0.3 * params[HIDDEN].abs() * torch.tensor([[1.0, 1.0]]) + 0.05
    x = PATTERNS.repeat_interleave(torch.tensor(counts), 0).unsqueeze(0)
    settle(rule, network, params, state, x, 0.1, 1200)
    answers = params[HIDDEN][0] @ PATTERNS.T
    shares = torch.tensor(counts, dtype=torch.float64) / sum(counts)
    chosen = answers.argmax(1)
    assert set(chosen.tolist()) <= {0, 1}
    expected = torch.zeros(12, 2, dtype=torch.float64)
    expected[torch.arange(12), chosen] = level / shares[chosen]
    torch.testing.assert_close(answers, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(state["theta/forward/0"][0], level / shares[chosen], rtol=1e-6, atol=0)


def test_the_threshold_is_a_running_mean_of_squared_activity() -> None:
    rule, network, x = Bcm(config(level=2.0, memory=0.75)), conv(Tanh()), randn(1, 3, 2, 9, 9)
    params, state = start(rule, network, (3, 8))
    _, learned = step(rule, network, params, state, x)
    for r in range(2):
        y = torch.tanh(patches(x[0]) @ params[HIDDEN][r].flatten(1).T)
        expected = 0.75 * 2.0 + 0.25 * (y**2).mean(0) / 2.0
        torch.testing.assert_close(learned.state["theta/forward/0"][r], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["dense", "conv"])
@pytest.mark.parametrize("inhibition", [0.0, 1.5])
def test_the_change_descends_the_objective_of_intrator_and_cooper(kind: str, inhibition: float) -> None:
    """Gradient by autograd of ``mean y^3 / 3 - theta y^2 / 2`` summed over cells, theta held, y the inhibited cells' output."""
    rule = Bcm(config(inhibition=inhibition))
    network, x = (dense(4, 5, Tanh()), randn(1, 6, 4)) if kind == "dense" else (conv(Tanh()), randn(1, 3, 2, 9, 9))
    params, state = start(rule, network, (3, 8))
    state["theta/forward/0"] = torch.rand(2, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    change, _ = step(rule, network, params, state, x)
    rows = x[0] if kind == "dense" else patches(x[0])
    mixing = torch.eye(5, dtype=torch.float64) * (1 + inhibition / 4) - inhibition / 4
    for r in range(2):
        w = params[HIDDEN][r].flatten(1).clone().requires_grad_()
        y = torch.tanh(rows @ (mixing @ w).T)
        gain = (y**3 / 3 - state["theta/forward/0"][r] * y**2 / 2).mean(0).sum()
        (grad,) = torch.autograd.grad(gain, w)
        torch.testing.assert_close(change[r].flatten(1), grad, rtol=1e-10, atol=1e-12)


def test_the_form_of_law_and_cooper_divides_by_the_threshold() -> None:
    network, x = dense(4, 3, Tanh()), randn(1, 6, 4)
    theta = torch.tensor([[0.5, 2.0, 4.0]], dtype=torch.float64)
    changes = []
    for form in ("intrator_cooper", "law_cooper"):
        rule = Bcm(config(form=form))
        params, state = start(rule, network)
        changes.append(step(rule, network, params, state | {"theta/forward/0": theta}, x)[0])
    torch.testing.assert_close(changes[1], changes[0] / theta.unsqueeze(-1), rtol=1e-12, atol=1e-15)
