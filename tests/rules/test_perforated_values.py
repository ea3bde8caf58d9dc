"""Numbers of the correlation objective, perforation, insertion and least squares, worked out without this program."""

from __future__ import annotations

import math

import pytest
import torch
from perforated_kit import Drive, data, make, mlp
from torch import Tensor

from bioplaus.connections import Conv2dConnection, DenseConnection
from bioplaus.connections.base import Connection
from bioplaus.dendrites import Dendrites
from bioplaus.evaluation import predict
from bioplaus.layer import Layer
from bioplaus.neurons.base import StaticNeuron
from bioplaus.neurons.rectified import Relu
from bioplaus.neurons.smooth import Identity, Sigmoid, Tanh
from bioplaus.norm import BatchNorm
from bioplaus.operations import Scope
from bioplaus.rules.perforated_candidates import Moments, Sides, ascent
from bioplaus.rules.perforated_findings import _parameters
from bioplaus.rules.perforated_state import averaged, corrected

X = torch.tensor([[-1, 0], [0, 1], [1, 0.5], [0.5, -1]], dtype=torch.float64).unsqueeze(0)
E = torch.tensor([0.2, -0.4, 0.1, 0.3], dtype=torch.float64).view(1, 4, 1)


def one_neuron(neuron: StaticNeuron) -> tuple[Dendrites, dict[str, Tensor]]:
    dendrites = Dendrites("d", DenseConnection((2,), (1,)), neuron=neuron, pool=1)
    V, c = (torch.tensor(numbers, dtype=torch.float64) for numbers in ([0.5, -0.25], [0.1]))
    q = torch.zeros(1, 1, 0, 1, dtype=torch.float64)
    return dendrites, {"d/candidate/V": V.view(1, 1, 1, 2), "d/candidate/c": c.view(1, 1, 1), "d/candidate/q": q}


def objective(
    neuron: StaticNeuron, error: Tensor, normalise: bool = False
) -> tuple[float, float, Tensor, float, list[float]]:
    """Return C, rho, dS/dV, dS/dc and d."""
    dendrites, p = one_neuron(neuron)
    sides, m = Sides(X, [], error, (1,)), Moments(dendrites, p)
    (grown,) = m.add(sides)
    found = ascent(dendrites, p, sides, m.covariance, m.mean_e, m.var_e.sqrt() if normalise else None)
    rho = float(m.covariance / (m.var_d * m.var_e.unsqueeze(1)).sqrt())
    return float(m.covariance), rho, found["d/candidate/V"].flatten(), float(found["d/candidate/c"]), grown.out.flatten().tolist()


def test_t1_sigmoid() -> None:
    C, rho, dV, dc, d = objective(Sigmoid(), E)
    assert d == pytest.approx([0.40131234, 0.46257015, 0.61656650, 0.64565631], abs=1e-8)
    assert pytest.approx(0.011070670792583576, abs=1e-14) == C
    assert rho == pytest.approx(0.40139796904878045, abs=1e-12)
    assert dV.tolist() == pytest.approx([0.00109488, -0.04078883], abs=1e-8)
    assert dc == pytest.approx(-0.0017034421320791474, abs=1e-12)


def test_t1_tanh() -> None:
    C, rho, dV, dc, _ = objective(Tanh(), E)
    assert pytest.approx(0.04159495758600112, abs=1e-14) == C
    assert rho == pytest.approx(0.3989340990965213, abs=1e-12)
    assert dV.tolist() == pytest.approx([0.00020575, -0.14945215], abs=1e-8)
    assert dc == pytest.approx(-0.02339077171869415, abs=1e-12)


def test_t2_scalar_network_with_and_without_perforation() -> None:
    """``h = tanh(w1)``, ``z = w2 h + u sigmoid(v h)``, ``L = (z - 1)^2 / 2``, by the chain rule in 40 digits, rounded once::

        dL/dw1 = (z - 1) w2 (1 - h^2) = 1.7045238544275548...                         errors stop at the dendrite
        dL/dw1 = (z - 1) (w2 + u v d (1 - d)) (1 - h^2) = 1.09827402622528050...      d = sigmoid(v h), errors pass through it
    """
    w1, w2, u, v = 0.5, 2.0, 3.0, -1.0
    values = {"a/weight": w1, "b/weight": w2, "b/dendrites/u": u, "b/dendrites/V": v, "b/dendrites/c": 0.0, "b/dendrites/q": 0.0}
    sides = {"b/dendrites/V": 4, "b/dendrites/q": 4}
    p = {key: torch.full((1,) * sides.get(key, 3), value, dtype=torch.float64) for key, value in values.items()}
    for perforated, expected in ((True, 1.704523854427555), (False, 1.0982740262252805)):
        first = Layer("a", DenseConnection((1,), (1,)), Tanh())
        second = Layer("b", DenseConnection((1,), (1,)), Identity(), dendrites=True)
        second.dendrites = Dendrites("b/dendrites", second.connection, perforated=perforated)
        one = first.forward(Scope(p), torch.ones(1, 1, 1, dtype=torch.float64))
        two = second.forward(Scope(p), one.out)
        z = two.out.item()
        assert z == pytest.approx(2.083685401443838, abs=1e-13)
        assert (z - 1) ** 2 / 2 == pytest.approx(0.5871870246512462, abs=1e-13)
        error, changes = second.wanted(two, 1 - two.out)
        assert -changes["b/weight"].dense().item() == pytest.approx(0.5007896170793991, abs=1e-13)
        assert -changes["b/dendrites/u"].dense().item() == pytest.approx(0.41882673886251093, abs=1e-13)
        assert not {"b/dendrites/V", "b/dendrites/c", "b/dendrites/q"} & changes.keys()
        below, _ = second.give_back(two, error, p["b/weight"])
        _, changes = first.wanted(one, below)
        assert -changes["a/weight"].dense().item() == pytest.approx(expected, abs=1e-12)


def test_t3_insertion_leaves_the_outputs_bit_for_bit_and_adds_the_parameters_of_the_formula() -> None:
    run = Drive(make((0, 1), mlp((64, 4, 10)), classes=10, max_dendrites=3), data((64,), 30, 10), 30).go(3 * 6 + 3)
    switches = [e for e, world in run.after.items() if int(world.state["K"][0]) > int(run.before[e].state["K"][0])]
    assert switches == [6, 12, 18]
    batch = next(run.feed.chunks(30))
    for k, epoch in enumerate(switches, 1):
        before, after = run.before[epoch], run.after[epoch]
        assert torch.equal(predict(run.model, before, batch), predict(run.model, after, batch))
        for layer in run.model.networks["forward"].layers:
            assert layer.dendrites is not None and bool((after.params[layer.dendrites.u][:, k - 1] == 0).all())
            assert bool((after.params[layer.dendrites.v][:, k - 1] != 0).all())
    assert [_parameters(run.seen(), k) for k in range(4)] == [310, 634, 972, 1324]


def test_t4_shift_and_scale_of_the_error() -> None:
    C, rho, dV, dc, _ = objective(Sigmoid(), E)
    shifted, scaled, turned = objective(Sigmoid(), E + 5), objective(Sigmoid(), -3 * E), objective(Sigmoid(), -E)
    assert shifted[0] == pytest.approx(C, abs=1e-10) and torch.allclose(shifted[2], dV, rtol=0, atol=1e-10)
    assert shifted[3] == pytest.approx(dc, abs=1e-12)
    assert scaled[0] == pytest.approx(-3 * C, abs=1e-10) and scaled[1] == pytest.approx(-rho, abs=1e-10)
    assert torch.allclose(scaled[2], 3 * dV, rtol=1e-10, atol=1e-13) and scaled[3] == pytest.approx(3 * dc, rel=1e-10)
    assert turned[0] == pytest.approx(-C, abs=1e-12) and torch.allclose(turned[2], dV, rtol=0, atol=1e-12) and turned[3] == pytest.approx(dc)
    big, small = (objective(Sigmoid(), scale * E, normalise=True)[2] for scale in (7.0, 0.01))
    assert torch.allclose(big, small, rtol=1e-8)


def test_t5_least_squares_gain_of_a_linear_neuron() -> None:
    """Installing d and refitting lowers the squared error by ``(e.dt)^2 / dt.dt``; a Newton step from C alone has the sign of the best u."""
    g = torch.Generator().manual_seed(3)
    x, y = torch.randn(40, 3, generator=g, dtype=torch.float64), torch.randn(40, 1, generator=g, dtype=torch.float64)
    A = torch.cat([x, torch.ones(40, 1, dtype=torch.float64)], 1)
    e = y - A @ torch.linalg.lstsq(A, y).solution
    dendrites = Dendrites("d", DenseConnection((3,), (1,)), pool=1)
    p = {
        "d/candidate/V": torch.randn(1, 1, 1, 3, generator=g, dtype=torch.float64),
        "d/candidate/c": torch.zeros(1, 1, 1, dtype=torch.float64),
        "d/candidate/q": torch.zeros(1, 1, 0, 1, dtype=torch.float64),
    }
    m = Moments(dendrites, p)
    (grown,) = m.add(Sides(x.unsqueeze(0), [], -e.unsqueeze(0), (1,)))
    d = grown.out[0]
    dt = d - A @ torch.linalg.lstsq(A, d).solution
    B = torch.cat([A, d], 1)
    best = torch.linalg.lstsq(B, y).solution
    gain = float((e**2).sum() - ((y - B @ best) ** 2).sum())
    assert gain == pytest.approx(float((e.T @ d) ** 2 / (dt.T @ dt)), abs=1e-10)
    assert float(best[-1]) == pytest.approx(float(e.T @ d / (dt.T @ dt)), abs=1e-10)
    # E = z - y has mean 0, so that C P = -e.d
    assert float(-40 * m.covariance) == pytest.approx(float(e.T @ d), abs=1e-10)


@pytest.mark.parametrize(("neuron", "limit"), [(Sigmoid(), 1 / 8), (Tanh(), 1 / 4)])
def test_t6_corner_of_xor(neuron: StaticNeuron, limit: float) -> None:
    """A dendrite that isolates one corner of XOR has the best covariance a step can have, and correlation 1/sqrt(3)."""
    x = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float64).unsqueeze(0)
    e = torch.tensor([0.5, -0.5, -0.5, 0.5], dtype=torch.float64).view(1, 4, 1)
    dendrites = Dendrites("d", DenseConnection((2,), (1,)), neuron=neuron, pool=1)
    p = {
        "d/candidate/V": torch.tensor([100.0, 100.0], dtype=torch.float64).view(1, 1, 1, 2),
        "d/candidate/c": torch.tensor([-150.0], dtype=torch.float64).view(1, 1, 1),
        "d/candidate/q": torch.zeros(1, 1, 0, 1, dtype=torch.float64),
    }
    m = Moments(dendrites, p)
    m.add(Sides(x, [], e, (1,)))
    assert float(m.covariance) == pytest.approx(limit, abs=1e-8)
    assert float(m.covariance / (m.var_d * m.var_e.unsqueeze(1)).sqrt()) == pytest.approx(1 / math.sqrt(3), abs=1e-6)


def test_t7_linear_dendrites_collapse_and_others_do_not() -> None:
    g = torch.Generator().manual_seed(4)
    x = torch.randn(1, 9, 5, generator=g, dtype=torch.float64)
    shapes: dict[str, tuple[int, ...]] = {"l/weight": (4, 5), "l/bias": (4,), "l/dendrites/V": (1, 4, 5)}
    shapes |= {"l/dendrites/c": (1, 4), "l/dendrites/q": (1, 1, 4), "l/dendrites/u": (1, 4)}
    p = {key: torch.randn(1, *shape, generator=g, dtype=torch.float64) for key, shape in shapes.items()}
    u, V, c = p["l/dendrites/u"][:, 0], p["l/dendrites/V"][:, 0], p["l/dendrites/c"][:, 0]
    collapsed = {"l/weight": p["l/weight"] + u.unsqueeze(-1) * V, "l/bias": p["l/bias"] + u * c}
    plain = Layer("l", DenseConnection((5,), (4,)), Tanh(), bias=True).forward(Scope(collapsed), x).out
    for neuron, equal in ((Identity(), True), (Sigmoid(), False), (Relu(), False)):
        layer = Layer("l", DenseConnection((5,), (4,)), Tanh(), bias=True, dendrites=True)
        layer.dendrites = Dendrites("l/dendrites", layer.connection, neuron=neuron)
        assert torch.allclose(layer.forward(Scope(p), x).out, plain, rtol=0, atol=1e-10) == equal


CONV = Conv2dConnection((2, 5, 5), 3, kernel=3)


@pytest.mark.parametrize("connection", [DenseConnection((6,), (3,)), CONV], ids=["dense", "conv"])
@pytest.mark.parametrize("neuron", [Sigmoid(), Tanh(), Relu()], ids=["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("normed", [False, True], ids=["plain", "norm"])
@pytest.mark.parametrize("x_replicas", [1, 2])
def test_the_ascent_is_the_gradient_of_the_absolute_covariance(
    connection: Connection, neuron: StaticNeuron, normed: bool, x_replicas: int
) -> None:
    """Autograd through |C| of every neuron and candidate, chain from older dendrites, positions and the candidate's norm included."""
    norm = BatchNorm("l/norm", connection.out_shape) if normed else None
    dendrites = Dendrites("d", connection, neuron=neuron, norm=norm, pool=2)
    g = torch.Generator().manual_seed(5)
    w, m, R, B = connection.weight_shape, connection.out_shape[0], 2, 7

    def randn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    p = {"V": randn(R, 2, *w), "c": randn(R, 2, m), "q": randn(R, 2, 2, m)}
    p |= {"norm/gain": randn(R, 2, m), "norm/shift": randn(R, 2, m)} if normed else {}
    arrays = {f"d/candidate/{key}": value.requires_grad_() for key, value in p.items()}
    x, older = randn(x_replicas, B, *connection.in_shape), [randn(R, B, *connection.out_shape) for _ in range(2)]
    error = randn(R, B, *connection.out_shape)
    sides = Sides(x, older, error, connection.out_shape)
    with torch.no_grad():
        moments = Moments(dendrites, arrays)
        moments.add(sides)
        found = ascent(dendrites, arrays, sides, moments.covariance, moments.mean_e, None)
    total = torch.zeros((), dtype=torch.float64)
    wide = (1, 1, m, *([1] * (len(connection.out_shape) - 1)))
    axes = (0, *range(2, 1 + len(connection.out_shape)))
    for r in range(R):
        for k in range(2):
            a = connection.send(arrays["d/candidate/V"][r : r + 1, k], x[r % x_replicas : r % x_replicas + 1])
            a = a + arrays["d/candidate/c"][r, k].view(wide)
            if normed:
                mean = a[0].mean(axes, keepdim=True)
                a = (a - mean) / (a[0].var(axes, correction=0, keepdim=True) + 1e-5).sqrt()
                a = a * arrays["d/candidate/norm/gain"][r, k].view(wide) + arrays["d/candidate/norm/shift"][r, k].view(wide)
            for j in range(2):
                a = a + arrays["d/candidate/q"][r, k, j].view(wide) * older[j][r : r + 1]
            d = {"Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Relu": torch.relu}[type(neuron).__name__](a)[0]
            e = error[r]
            C = ((d - d.mean(axes, keepdim=True)) * (e - e.mean(axes, keepdim=True))).mean(axes)
            torch.testing.assert_close(moments.covariance[r, k], C.detach(), rtol=1e-9, atol=1e-12)
            total = total + C.abs().sum()
    grads = torch.autograd.grad(total, list(arrays.values()))
    for (key, _), grad in zip(arrays.items(), grads):
        torch.testing.assert_close(found[key], grad, rtol=1e-8, atol=1e-10)


def test_moments_of_parts_are_those_of_the_whole() -> None:
    dendrites, p = one_neuron(Sigmoid())
    whole, parts = Moments(dendrites, p), Moments(dendrites, p)
    whole.add(Sides(X, [], E, (1,)))
    for rows in (slice(0, 1), slice(1, 4)):
        parts.add(Sides(X[:, rows], [], E[:, rows], (1,)))
    for name in ("covariance", "mean_e", "var_e", "var_d", "mean_d"):
        torch.testing.assert_close(getattr(whole, name), getattr(parts, name), rtol=1e-12, atol=1e-15)


def test_running_averages_weigh_batches_by_age_and_forget_where_they_started() -> None:
    """``sum_t m^(T-t) C_t / sum_t m^(T-t)`` for T batches: a weighted mean, whose weights add up to 1."""
    dendrites, p = one_neuron(Sigmoid())
    share, found = 0.9, []
    state: dict[str, Tensor] = {f"l/avg/{key}": torch.zeros(1, 1, 1, dtype=torch.float64) for key in ("cov", "var_d")}
    state |= {f"l/avg/{key}": torch.zeros(1, 1, dtype=torch.float64) for key in ("mean_e", "var_e")}
    state["l/batches"] = torch.zeros(1, dtype=torch.int64)
    for t, error in enumerate((E, 2 * E, E.square(), -E), 1):
        now = Moments(dendrites, p)
        now.add(Sides(X, [], error, (1,)))
        found.append((objective(Sigmoid(), error)[0], float(error.mean())))
        state |= averaged("l", now, state, share)
        weights = [share ** (t - i) for i in range(1, t + 1)]
        seen = corrected("l", state, share)
        for key, values in (("cov", [C for C, _ in found]), ("mean_e", [mean for _, mean in found])):
            expected = sum(w * v for w, v in zip(weights, values)) / sum(weights)
            assert float(seen[f"l/{key}"]) == pytest.approx(expected, rel=1e-12, abs=1e-15), (t, key)
