"""Dendrites: function-preserving insertion, one-to-one wiring, no error to the layer below."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.connections import Connection, Conv2dConnection, DenseConnection
from bioplaus.dendrites import Branches, Dendrites
from bioplaus.layer import Layer
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Identity, Tanh
from bioplaus.norm import BatchNorm
from bioplaus.operations import MaxPool, Scope

DENSE, CONV = DenseConnection((5,), (4,)), Conv2dConnection((2, 6, 6), 4, kernel=3, stride=2)
CONNECTIONS = pytest.mark.parametrize("connection", [DENSE, CONV], ids=["dense", "conv2d"])


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def grown(
    connection: Connection, k: int, replicas: int = 1, *, u: bool = True, dtype: torch.dtype = torch.float64
) -> dict[str, Tensor]:
    """Arrays of a layer "l" with weight, bias and k dendrites; u = 0 on request."""
    w = connection.weight_shape
    return {
        "l/weight": randn(replicas, *w, seed=1, dtype=dtype),
        "l/bias": randn(replicas, w[0], seed=2, dtype=dtype),
        "l/dendrites/V": randn(replicas, k, *w, seed=3, dtype=dtype),
        "l/dendrites/c": randn(replicas, k, w[0], seed=4, dtype=dtype),
        "l/dendrites/q": randn(replicas, k, k, w[0], seed=5, dtype=dtype),
        "l/dendrites/u": randn(replicas, k, w[0], seed=6, dtype=dtype) * (1 if u else 0),
    }


def reference(connection: Connection, p: dict[str, Tensor], x: Tensor, r: int) -> tuple[list[Tensor], Tensor]:
    """Dendrites and current of replica r for x ``[B, *in_shape]``, written out unit by unit."""

    def through(w: Tensor) -> Tensor:
        return F.conv2d(x, w, stride=2, padding=0) if w.dim() == 4 else x @ w.T

    if connection is CONV:
        x = F.pad(x, CONV.padding)
    v, c, q, u = (p[f"l/dendrites/{leaf}"][r] for leaf in ("V", "c", "q", "u"))
    current, seen = through(p["l/weight"][r]), []
    for k in range(len(v)):
        a, units = through(v[k]), []
        for i in range(connection.out_shape[0]):
            units.append(torch.sigmoid(a[:, i] + c[k, i] + sum((q[k, j, i] * seen[j][:, i] for j in range(k)), start=0.0)))
        seen.append(torch.stack(units, 1))
    bias = [p["l/bias"][r, i] + sum((u[k, i] * d[:, i] for k, d in enumerate(seen)), start=0.0) for i in range(4)]
    current = torch.stack([current[:, i] + bias[i] for i in range(4)], 1)
    return seen, current


@CONNECTIONS
@pytest.mark.parametrize(("replicas", "x_replicas"), [(1, 1), (3, 3), (3, 1)])
def test_outputs_and_current(connection: Connection, replicas: int, x_replicas: int) -> None:
    layer = Layer("l", connection, Identity(), bias=True, dendrites=True)
    p, x = grown(connection, 3, replicas), randn(x_replicas, 7, *connection.in_shape, seed=9)
    trace = layer.forward(Scope(p), x)
    assert len(trace.dendrites.outputs) == 3 and layer.dendrites is not None and layer.dendrites.count(p) == 3
    for r in range(replicas):
        d, current = reference(connection, p, x[r % x_replicas], r)
        for k in range(3):
            torch.testing.assert_close(trace.dendrites.outputs[k][r], d[k], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(trace.current[r], current, rtol=1e-12, atol=1e-12)


@CONNECTIONS
@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_insertion_with_u_zero_is_bit_identical(connection: Connection, replicas: int, dtype: torch.dtype) -> None:
    norm = BatchNorm("l/norm", connection.out_shape)
    after = [MaxPool(2)] if connection is CONV else []
    layer = Layer("l", connection, Tanh(), bias=True, norm=norm, after=after, dendrites=True)
    bare = Layer("l", connection, Tanh(), bias=True, norm=norm, after=after)
    ones, zeros = torch.ones(replicas, 4, dtype=dtype), torch.zeros(replicas, 4, dtype=dtype)
    held = {"l/norm/gain": 2 * ones, "l/norm/shift": ones, "l/norm/mean": zeros, "l/norm/variance": ones}
    x = randn(replicas, 7, *connection.in_shape, seed=9, dtype=dtype)
    p = grown(connection, 2, replicas, u=False, dtype=dtype)
    for leaf in ("gain", "shift", "mean", "variance"):  # every dendrite has a norm of its own
        (p if leaf in ("gain", "shift") else held)[f"l/dendrites/norm/{leaf}"] = randn(replicas, 2, 4, seed=12, dtype=dtype).abs()
    expected = bare.forward(Scope({**p, **held}, held, True), x).out
    for k in (0, 1, 2):
        q = {"l/dendrites/q": p["l/dendrites/q"][:, :k, :k]}
        some = {key: value[:, :k] if "dendrites" in key else value for key, value in p.items()} | q
        out = layer.forward(Scope({**some, **held}, held, True), x).out
        assert out.dtype == dtype and torch.equal(out, expected)


@CONNECTIONS
def test_each_dendrite_feeds_its_own_neuron_only(connection: Connection) -> None:
    """C4: what belongs to unit i moves current i and no other (by autograd)."""
    layer = Layer("l", connection, Identity(), bias=True, dendrites=True)
    p = {key: value.requires_grad_() for key, value in grown(connection, 2).items()}
    current = layer.forward(Scope(p), randn(1, 7, *connection.in_shape, seed=9)).current
    leaves = [p[f"l/dendrites/{leaf}"] for leaf in ("V", "c", "q", "u")]
    for i in range(4):
        v, c, q, u = torch.autograd.grad(current[:, :, i].sum(), leaves, retain_graph=True)
        for grad, unit_axis in ((v, 2), (c, 2), (q, 3), (u, 2)):
            moved = grad.movedim(unit_axis, 0).flatten(1).abs().sum(1) > 0
            assert moved.tolist() == [j == i for j in range(4)]


@CONNECTIONS
@pytest.mark.parametrize("replicas", [1, 3])
def test_changes_are_those_of_a_dendrite_with_a_blocked_input(connection: Connection, replicas: int) -> None:
    """C2: weight, bias and u get their gradients; V, c, q get none; the error below is E W exactly."""
    layer = Layer("l", connection, Tanh(), bias=True, dendrites=True)
    p, x = grown(connection, 2, replicas), randn(replicas, 7, *connection.in_shape, seed=9)
    trace = layer.forward(Scope(p), x)
    error = randn(*trace.out.shape, seed=10)
    at_current, changes = layer.wanted(trace, error)
    assert set(changes) == {"l/weight", "l/bias", "l/dendrites/u"}
    below, others = layer.give_back(trace, at_current, p["l/weight"])
    assert others == {} and torch.equal(layer.pull(trace, error), at_current)
    for r in range(replicas):
        held = {key: value.clone().requires_grad_() for key, value in p.items()}
        seen = reference(connection, held, x[r], r)[0]
        blocked = [d.detach() for d in seen]
        image = x[r].clone().requires_grad_()
        rim = F.pad(image, CONV.padding) if connection is CONV else image
        weight = held["l/weight"][r]
        current = F.conv2d(rim, weight, stride=2) if connection is CONV else image @ weight.T
        wide = (-1, *([1] * (current.dim() - 2)))
        current = current + held["l/bias"][r].view(wide)
        for k, d in enumerate(blocked):
            current = current + held["l/dendrites/u"][r, k].view(wide) * d
        sides = [image, held["l/weight"], held["l/bias"], held["l/dendrites/u"]]
        grads = torch.autograd.grad(torch.tanh(current), sides, error[r])
        torch.testing.assert_close(below[r], grads[0], rtol=1e-10, atol=1e-10)
        for key, grad in zip(("l/weight", "l/bias", "l/dendrites/u"), grads[1:]):
            torch.testing.assert_close(changes[key].dense()[r], grad[r], rtol=1e-10, atol=1e-10)


def test_scalar_network_of_the_specification() -> None:
    """``z = w2 tanh(w1) + u sigmoid(v h)``, ``L = (z - 1)^2 / 2``: numbers computed independently of this program."""
    w1, w2, u, v = 0.5, 2.0, 3.0, -1.0
    first = Layer("a", DenseConnection((1,), (1,)), Tanh())
    second = Layer("b", DenseConnection((1,), (1,)), Identity(), dendrites=True)
    values = {"a/weight": w1, "b/weight": w2, "b/dendrites/u": u, "b/dendrites/V": v, "b/dendrites/c": 0.0, "b/dendrites/q": 0.0}
    leading = {"a/weight": (1, 1, 1), "b/weight": (1, 1, 1), "b/dendrites/V": (1, 1, 1, 1), "b/dendrites/q": (1, 1, 1, 1)}
    p = {key: torch.full(leading.get(key, (1, 1, 1)), value, dtype=torch.float64) for key, value in values.items()}
    one = first.forward(Scope(p), torch.ones(1, 1, 1, dtype=torch.float64))
    two = second.forward(Scope(p), one.out)
    assert two.out.item() == pytest.approx(2.083685401443838, abs=1e-14)
    error, changes = second.wanted(two, 1 - two.out)
    assert changes["b/weight"].dense().item() == pytest.approx(-0.5007896170793991, abs=1e-14)
    assert changes["b/dendrites/u"].dense().item() == pytest.approx(-0.41882673886251093, abs=1e-14)
    error, _ = second.give_back(two, error, p["b/weight"])
    _, changes = first.wanted(one, error)
    assert changes["a/weight"].dense().item() == pytest.approx(-1.704523854427555, abs=1e-14)
    # the true gradient, with the error let through the dendrite, is another number
    h = math.tanh(w1)
    d = 1 / (1 + math.exp(h))
    assert (2.083685401443838 - 1) * (w2 + u * v * d * (1 - d)) * (1 - h * h) == pytest.approx(1.0982740262252805, abs=1e-14)


@pytest.mark.parametrize(("k", "expected"), [(0, 310), (1, 634), (2, 972), (3, 1324)])
def test_parameters_that_matter_of_64_4_10(k: int, expected: int) -> None:
    """``m (n + 1) + m (K (n + 1) + K + K (K - 1) / 2)`` per layer, counted as the entries that move the output."""
    network = Mlp.build(MlpConfig(hidden=[4], bias=True, dendrites=True), (64,), (10,), Tanh())
    p: dict[str, Tensor] = {}
    for layer in network.layers:
        some = grown(layer.connection, k)
        p |= {key.replace("l/", f"{layer.name}/", 1): value.mul(0.1).requires_grad_() for key, value in some.items()}
    assert set(p) == set(network.leaves)
    out = network.forward(p, randn(1, 5, 64, seed=7)).out
    score = (out * randn(1, 5, 10, seed=8)).sum()
    grads = torch.autograd.grad(score, list(p.values()), allow_unused=True, materialize_grads=True)
    assert sum(int((grad != 0).sum()) for grad in grads) == expected


@CONNECTIONS
def test_fresh_leaves_hold_no_dendrite(connection: Connection) -> None:
    dendrites = Dendrites("l/dendrites", connection)
    assert {key: leaf.shape for key, leaf in dendrites.leaves.items()} == {
        "l/dendrites/V": (0, *connection.weight_shape),
        "l/dendrites/c": (0, 4),
        "l/dendrites/q": (0, 0, 4),
        "l/dendrites/u": (0, 4),
    }
    changes = dendrites.wanted(Branches(torch.zeros(1, 2, 5)), torch.zeros(1, 2, 4))
    assert {key: change.dense().shape for key, change in changes.items()} == {"l/dendrites/u": (1, 0, 4)}
