"""What a step of the target rules costs, counted by torch, against closed forms; W: all weights, H: those above the first layer."""

from __future__ import annotations

import itertools

import pytest

from bioplaus.experiments.ccl_flops import count


def expected(rule: str, widths: list[int], steps: int = 5) -> float:
    """Return FLOPs per sample, 2 per multiply-add."""
    weights = [a * b for a, b in itertools.pairwise(widths)]
    total, above = sum(weights), sum(weights[1:])
    forward = 4 * total + 4 * above  # activity, changes; g(t) and g(h)
    whole_way = sum(4 * sum(weights[i:]) for i in range(1, len(weights)))  # up to the output and back, from each layer
    feedback = {
        "fwdtp": 0,
        "dtp": 6 * above,  # f(q), g(f(q)), change
        "ldrl": 12 * above,  # f(q), g at three places, two changes
        "drl": whole_way + 4 * above,  # g(h), change
    }
    return forward + steps * feedback[rule]


@pytest.mark.parametrize("rule", ["fwdtp", "dtp", "ldrl", "drl"])
def test_cost_is_the_closed_form(rule: str) -> None:
    assert count(rule, (9,), [6, 5, 7], batch=4) == expected(rule, [9, 6, 5, 7, 10])


def test_order_on_the_published_mnist_network() -> None:
    """Table 2 of Kao & Hariharan 2024 has the same order, at 4 to 6 times these numbers; how it counts is not published."""
    costs = [expected(rule, [784, *[256] * 5, 10]) for rule in ("fwdtp", "dtp", "ldrl", "drl")]
    assert costs == [2920448, 10861568, 18802688, 21577728]
