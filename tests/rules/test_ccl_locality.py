"""Counter-current learning: which change may read what (locality, weight transport, locking)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from ccl_reference import wanted
from torch import Tensor

from bioplaus.layer import Trace
from bioplaus.network import Network, Pass
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Elu
from bioplaus.operations import Scope
from bioplaus.rules.base import Rule
from bioplaus.rules.bp import Backprop
from bioplaus.rules.ccl import CounterCurrent, CounterCurrentConfig
from bioplaus.tasks import Classification

WIDTHS, CLASSES, BATCH = (6, 5, 7, 4, 3), 3, 8
DEPTH = len(WIDTHS) - 1
TASK = Classification(CLASSES)
NAN = float("nan")


def make(rule: Rule) -> tuple[dict[str, Network], dict[str, Tensor], Tensor, Tensor]:
    networks = rule.build(Mlp.build(MlpConfig(hidden=list(WIDTHS[1:-1])), WIDTHS[:1], (CLASSES,), Elu()))
    generator = torch.Generator().manual_seed(1)
    params = {
        key: torch.randn(1, *leaf.shape, dtype=torch.float64, generator=generator) / leaf.fan_in**0.5
        for network in networks.values()
        for key, leaf in network.leaves.items()
    }
    x = torch.randn(1, BATCH, WIDTHS[0], dtype=torch.float64, generator=generator)
    return networks, params, x, torch.randint(CLASSES, (1, BATCH), generator=generator)


def loss_of(name: str) -> CounterCurrent:
    return CounterCurrent(CounterCurrentConfig(loss=name, lambda_self=0.5 if name == "normalised" else 0.0))


def u(level: int) -> str:
    return f"forward/{level - 1}/weight"


def v(level: int) -> str:
    return f"feedback/{DEPTH - level}/weight"


class Replayed(Network):
    """A network whose pass lies in the past: whatever it is given, it returns the recorded activity."""

    def __init__(self, network: Network, run: Pass) -> None:
        super().__init__(network.name, network.in_shape, network.layers)
        self.run = run

    def forward(self, *args: Any, **kwargs: Any) -> Pass:
        return self.run


class Forgetful(Network):
    """A network that fills its weights with NaN, in place, once its pass is over."""

    def __init__(self, network: Network) -> None:
        super().__init__(network.name, network.in_shape, network.layers)

    def forward(self, params: Mapping[str, Tensor], *args: Any, **kwargs: Any) -> Pass:
        run = super().forward(params, *args, **kwargs)
        for key in self.leaves:
            params[key].fill_(NAN)
        return run


@pytest.mark.parametrize("loss", ["raw", "normalised"])
def test_no_weight_is_read_except_by_sending_activity(loss: str) -> None:
    for rule, clean in ((loss_of(loss), True), (Backprop(), False)):
        networks, params, x, y = make(rule)
        expected, _ = wanted(rule, networks, params, x, y, TASK)
        forgetful = {name: Forgetful(network) for name, network in networks.items()}
        found, _ = wanted(rule, forgetful, {key: value.clone() for key, value in params.items()}, x, y, TASK)
        same = [torch.equal(found[key], expected[key]) for key in expected]
        # backprop shows that the poison works: all but its output layer read weights a second time
        assert all(same) if clean else sum(same) == 1


def poisoned(value: Any) -> Any:
    if isinstance(value, Tensor):
        return torch.full_like(value, NAN)
    return type(value)(poisoned(part) for part in value) if isinstance(value, (tuple, list)) else value


def only(trace: Trace, *kept: str) -> Trace:
    """Return a trace of which nothing but some fields is left."""
    return replace(trace, **{f.name: poisoned(getattr(trace, f.name)) for f in fields(trace) if f.name not in kept})


@pytest.mark.parametrize("loss", ["raw", "normalised"])
@pytest.mark.parametrize("level", range(DEPTH + 1))
def test_a_change_needs_its_own_pair_only(loss: str, level: int) -> None:
    """dU_l from a_{l-1}, a_l, b_l, T and a slope; dV_{l+1} from b_{l+1}, b_l, a_l, T and a slope; everything else is NaN."""
    rule = loss_of(loss)
    networks, params, x, y = make(rule)
    expected, _ = wanted(rule, networks, params, x, y, TASK)
    up = networks["forward"].forward(params, x)
    down = networks["feedback"].forward(params, TASK.codes(y, x.dtype)[0])
    a_at, b_at = level - 1, DEPTH - 1 - level

    def learn(own: tuple[str, int], pair: tuple[str, int]) -> dict[str, Tensor]:
        runs = {}
        for name, run in (("forward", up), ("feedback", down)):
            traces = [
                trace if (name, i) == own else only(trace, "out") if (name, i) == pair else only(trace)
                for i, trace in enumerate(run.traces)
            ]
            runs[name] = Replayed(networks[name], Pass(tuple(traces), {}))
        poisoned_x = x if level == 0 else torch.full_like(x, NAN)
        return wanted(rule, runs, {}, poisoned_x, y, TASK)[0]  # no weight at all

    if level:
        found = learn(("forward", a_at), ("feedback", b_at))
        assert torch.equal(found[u(level)], expected[u(level)]) and torch.isfinite(expected[u(level)]).all()
    if level < DEPTH:
        found = learn(("feedback", b_at), ("forward", a_at))
        assert torch.equal(found[v(level + 1)], expected[v(level + 1)])
        assert level == DEPTH - 1 or not torch.isfinite(found[v(DEPTH)]).any()


def pair_loss(level: int, a: Tensor, b: Tensor, y: Tensor) -> Tensor:
    if level == DEPTH:
        return F.cross_entropy(a, y)
    return 0.5 * 256 / a.shape[1] * (a @ b.T - F.one_hot(y, CLASSES)).square().mean()


@pytest.mark.parametrize("level", range(DEPTH + 1))
def test_each_pair_loss_moves_two_matrices(level: int) -> None:
    """Central differences with the recorded layer inputs held still: minus the wanted change for the pair, 0 for all others."""
    rule = loss_of("raw")
    networks, params, x, y = make(rule)
    changes, _ = wanted(rule, networks, params, x, y, TASK)
    up = networks["forward"].forward(params, x)
    down = networks["feedback"].forward(params, TASK.codes(y, x.dtype)[0])

    def loss(at: Mapping[str, Tensor]) -> Tensor:
        a, b = x, TASK.codes(y, x.dtype)[0]
        if level:
            a = networks["forward"].layers[level - 1].forward(Scope(at), up.traces[level - 1].pre).out
        if level < DEPTH:
            i = DEPTH - 1 - level
            b = networks["feedback"].layers[i].forward(Scope(at), down.traces[i].pre).out
        return pair_loss(level, a[0], b[0], y[0])

    generator, step = torch.Generator().manual_seed(2), 1e-5
    for key, weight in params.items():
        direction = torch.randn(weight.shape, dtype=torch.float64, generator=generator)
        above, below = (loss({**params, key: weight + sign * step * direction}) for sign in (1, -1))
        slope = (above - below) / (2 * step)
        if key in (u(level), v(level + 1)):
            assert slope.item() == pytest.approx(-(changes[key] * direction).sum().item(), rel=1e-6)
            assert abs(slope) > 1e-6
        else:
            assert slope == 0


def test_feedback_weights_leave_the_forward_pass_alone() -> None:
    networks, params, x, y = make(CounterCurrent())
    expected = networks["forward"].forward(params, x)
    changed = {key: value * NAN if key.startswith("feedback") else value for key, value in params.items()}
    found = networks["forward"].forward(changed, x)
    for one, other in zip(found.traces, expected.traces):
        assert torch.equal(one.current, other.current) and torch.equal(one.out, other.out)
    moved, _ = wanted(CounterCurrent(), networks, changed, x, y, TASK)
    kept, _ = wanted(CounterCurrent(), networks, params, x, y, TASK)
    assert torch.equal(moved[u(DEPTH)], kept[u(DEPTH)]), "the output layer has no pair"
    assert torch.isnan(moved[u(1)]).any()


def test_codes_come_before_the_input_is_seen() -> None:
    rule = CounterCurrent()
    networks, params, x, y = make(rule)
    blind = {key: value * NAN if key.startswith("forward") else value for key, value in params.items()}
    codes = networks["feedback"].forward(blind, torch.eye(CLASSES, dtype=torch.float64).unsqueeze(0))
    assert all(trace.out.shape == (1, CLASSES, width) for trace, width in zip(codes.traces, reversed(WIDTHS[:-1])))
    after = networks["forward"].forward(params, x)
    swapped = {
        "forward": Replayed(networks["forward"], after),
        "feedback": Replayed(networks["feedback"], codes),
    }
    found, _ = wanted(rule, swapped, {}, x, y, TASK)
    expected, _ = wanted(rule, networks, params, x, y, TASK)
    assert all(torch.equal(found[key], expected[key]) for key in expected)


def test_one_code_per_class() -> None:
    """Codes computed sample by sample, by hand, are rows of the code book: at most K of them, equal for equal labels."""
    rule = CounterCurrent()
    networks, params, x, y = make(rule)
    rows, match = TASK.codes(y, x.dtype)
    book = networks["feedback"].forward(params, rows)
    assert match is not None and torch.equal(match.argmax(-1), y) and torch.equal(match.sum(-1), torch.ones(1, BATCH).double())
    b = F.one_hot(y[0], CLASSES).double()
    for i, trace in enumerate(book.traces):
        b = b @ params[f"feedback/{i}/weight"][0].T
        b = b if i == DEPTH - 1 else F.elu(b)
        torch.testing.assert_close((match @ trace.out)[0], b)
        assert torch.unique(trace.out[0][y[0]], dim=0).shape[0] <= CLASSES < BATCH
