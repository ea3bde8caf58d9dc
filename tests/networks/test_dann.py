"""Dendritic networks: counts, wiring, Jacobians and gradients beside dense autograd, and synapses that no update can make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from driving import command

from bioplaus import registry
from bioplaus.api import simulate
from bioplaus.changes import Outer, Wanted
from bioplaus.connections import SparseConnection
from bioplaus.network import Network
from bioplaus.networks.dann import Dann, DannConfig, inputs_of, parameters
from bioplaus.neurons.rectified import LeakyRelu
from bioplaus.neurons.smooth import Tanh
from bioplaus.operations import Scope
from bioplaus.plasticity.update import apply
from bioplaus.rules.bp import Backprop
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, new_world, view

#: a coarse device writes nothing where less than half a pulse is wanted
FINE: dict[str, dict[str, Any]] = {"memristor": {"device": "idealized"}}
SMALL: dict[str, Any] = {"somas": [3, 2], "branches": 2, "inputs": 4}


def network(shape: tuple[int, ...] = (1, 4, 4), **keys: Any) -> Network:
    return Dann.build(DannConfig(**{**SMALL, **keys}), shape, (5,), Tanh())


def masked(model: Model, params: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Whole matrices, by a loop over the synapses that exist."""
    found = dict(params)
    for layer in model.networks["forward"].layers:
        c, w = layer.connection, params[layer.weight]
        if isinstance(c, SparseConnection):
            whole = w.new_zeros(w.shape[0], *c.out_shape, *c.in_shape)
            for i, row in enumerate(c.index.tolist()):
                for s, j in enumerate(row):
                    whole[:, i, j] = w[:, i, s]
            found[layer.weight] = whole
    return found


def model_of(plasticity: Any = None, replicas: int = 1, **keys: Any) -> Model:
    networks = Backprop().build(network(**keys))
    rates = {"forward": torch.full((replicas,), 0.1, dtype=torch.float64)}
    streams = Streams(tuple(range(replicas)), dtype=torch.float64)
    return Model(
        Backprop(), networks, Backprop().groups(networks), rates, plasticity or registry.PLASTICITY.get("sgd")(), Classification(5), streams
    )


def dense_out(model: Model, whole: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The network's equations with whole matrices, in plain torch."""
    layers = model.networks["forward"].layers
    h = x.flatten(2)
    for i, layer in enumerate(layers):
        h = h @ whole[layer.weight].mT + whole[str(layer.bias)].unsqueeze(1)
        h = h if i == len(layers) - 1 else torch.tanh(h)
    return h


def batch(replicas: int = 1, size: int = 6) -> Batch:
    g = torch.Generator().manual_seed(0)
    return Batch(torch.randn(replicas, size, 1, 4, 4, generator=g, dtype=torch.float64), torch.randint(0, 5, (replicas, size), generator=g))


@pytest.mark.parametrize(
    ("keys", "inputs", "outputs", "count"),
    [
        # 64 (16 (16 + 1) + 16 + 1) + 10 (64 + 1)
        ({"somas": [64], "branches": 16, "inputs": 16}, 784, 10, 64 * 289 + 650),
        # 3 (2 (4 + 1) + 2 + 1) + 2 (2 (3 + 1) + 2 + 1) + 5 (2 + 1): the second layer has three inputs only
        (SMALL, 16, 5, 39 + 22 + 15),
        ({**SMALL, "bias": False}, 16, 5, 3 * 10 + 2 * 8 + 10),
    ],
)
def test_the_number_of_parameters(keys: dict[str, Any], inputs: int, outputs: int, count: int) -> None:
    config = DannConfig(**keys)
    assert parameters(config, inputs, outputs) == count
    net = Dann.build(config, (inputs,), (outputs,), LeakyRelu())
    assert sum(int(np.prod(leaf.shape)) for leaf in net.leaves.values()) == count


@pytest.mark.parametrize("sampling", ["random", "global", "local"])
def test_every_dendrite_has_so_many_different_inputs_and_a_seed_fixes_them(sampling: str) -> None:
    config = DannConfig(somas=[8], branches=5, inputs=9, sampling=sampling)
    index = inputs_of(config, 0, (2, 6, 6))
    assert index.shape == (40, 9) and all(len(set(row)) == 9 for row in index.tolist()) and index.min() >= 0 and index.max() < 72
    assert np.array_equal(index, inputs_of(config, 0, (2, 6, 6)))
    other = DannConfig(somas=[8], branches=5, inputs=9, sampling=sampling, wiring=1)
    assert not np.array_equal(index, inputs_of(other, 0, (2, 6, 6)))
    assert len({tuple(row) for row in index.tolist()}) > 20


def test_local_inputs_are_the_pixels_nearest_to_a_point() -> None:
    """Nine pixels of an image of one channel: for some pixel, none left out is nearer than one that is in."""
    index = inputs_of(DannConfig(somas=[20], branches=2, inputs=9, sampling="local"), 0, (1, 7, 7))
    y, x = np.divmod(np.arange(49), 7)
    for row in index:
        out = np.setdiff1d(np.arange(49), row)
        distances = [(y - y[c]) ** 2 + (x - x[c]) ** 2 for c in range(49)]
        assert any(d[row].max() <= d[out].min() for d in distances)


def test_global_inputs_lie_in_the_field_of_their_soma() -> None:
    """A quarter of 8x8 pixels are 16 per soma, within a radius of 5; its dendrites sample it, and fields differ between somas."""
    config = DannConfig(somas=[12], branches=10, inputs=8, sampling="global", field_share=0.25)
    index = inputs_of(config, 0, (1, 8, 8)).reshape(12, 80)
    fields = [set(row.tolist()) for row in index]
    assert all(len(field) <= 16 for field in fields) and any(len(field) > 13 for field in fields) and len({frozenset(f) for f in fields}) > 6
    for field in fields:
        y, x = np.divmod(np.array(sorted(field)), 8)
        assert np.ptp(y) <= 7 and np.hypot(y[:, None] - y, x[:, None] - x).max() <= 8.1


def test_somas_hear_their_own_dendrites_alone() -> None:
    """The Jacobian of somas with respect to dendrites is block-diagonal, and full within a block."""
    net = network()
    params, _ = net.draw(Streams((0,), dtype=torch.float64))
    def somas(h: torch.Tensor) -> torch.Tensor:
        return net.layers[1].forward(Scope(params), h.view(1, 1, 6)).out.flatten()

    found = torch.autograd.functional.jacobian(somas, torch.ones(6, dtype=torch.float64))
    assert torch.equal(found != 0, torch.kron(torch.eye(3), torch.ones(1, 2)).bool())


@pytest.mark.parametrize("replicas", [1, 3])
def test_the_forward_pass_and_the_gradient_are_those_of_masked_matrices(replicas: int) -> None:
    model = model_of(replicas=replicas)
    world, seen = new_world(model), batch(replicas)
    whole = {key: value.clone().requires_grad_() for key, value in masked(model, world.params).items()}
    out = dense_out(model, whole, seen.x)
    run = model.networks["forward"].forward(world.params, seen.x, train=True)
    torch.testing.assert_close(run.out, out.detach())
    loss = model.task.loss(out, seen.y)
    expected = dict(zip(whole, torch.autograd.grad(loss.sum(), list(whole.values()))))
    (wanted,) = list(model.rule.learn(view(model, world, seen, Clock())))
    for layer in model.networks["forward"].layers:
        change, c = wanted.changes[layer.weight], layer.connection
        assert isinstance(change, Outer)
        slope = -expected[layer.weight]
        if isinstance(c, SparseConnection):
            slope = torch.stack([torch.stack([slope[:, i, j] for j in row], -1) for i, row in enumerate(c.index.tolist())], 1)
        torch.testing.assert_close(change.dense(), slope)


@pytest.mark.parametrize("name", registry.PLASTICITY.names())
@pytest.mark.parametrize("keys", [{}, {"clip": "per_network"}, {"weight_decay": 0.1}, {"centralise": True}])
def test_no_update_makes_another_synapse(name: str, keys: dict[str, Any]) -> None:
    """Whatever the optimiser or device: what is not wired does not touch the output, and what is wired learns."""
    cls = registry.PLASTICITY.get(name)
    if not keys.keys() <= {f for f in vars(cls.Config()) if not f.startswith("_")}:
        pytest.skip("it has no such setting")
    model = model_of(cls(cls.Config(**keys, **FINE.get(name, {}))))
    world = new_world(model)
    before = {key: value.clone() for key, value in world.params.items()}
    for step in range(3):
        for wanted in model.rule.learn(view(model, world, batch(), Clock(step))):
            assert isinstance(wanted, Wanted)
            apply(model, world, wanted, Clock(step, steps_total=9))
    layers = model.networks["forward"].layers
    for layer in layers[:-1]:
        c = layer.connection
        assert isinstance(c, SparseConnection) and world.params[layer.weight].shape == before[layer.weight].shape
        w = c.matrix(world.params[layer.weight])
        assert not w[:, ~c.mask].any() and int(c.mask.sum()) == c.index.numel()
    assert any(not torch.equal(world.params[layer.weight], before[layer.weight]) for layer in layers[:-1])
    x = batch().x
    torch.testing.assert_close(
        model.networks["forward"].forward(world.params, x).out, dense_out(model, masked(model, world.params), x), rtol=1e-5, atol=1e-7
    )


def test_rows_of_inputs_are_checked() -> None:
    for index in ([[0, 0]], [[0, 4]], [[-1, 0]], [[0, 1], [2]], [[]]):
        with pytest.raises(ValueError, match="must be"):
            SparseConnection(4, index)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "usf", "kp", "pc", "ep", "drtp", "softhebb", "bcm", "perforated"])
def test_rules_of_ordinary_networks_run_on_it(rule: str, tmp_path: Path) -> None:
    keys = {"rule": rule, "network": "dann", "network.somas": [6], "network.branches": 3, "network.inputs": 8, "data.limit": 100}
    more = {"rule.controls": False, "rule.switch_mode": "every_epoch"} if rule == "perforated" else {}
    summary = simulate({**keys, **more, "epochs": 2, "probes": [], "run.figures": False, "run.root": str(tmp_path)}).summary
    assert summary["test_accuracy"]["mean"] is not None and np.isfinite(summary["test_loss"]["mean"])


def test_it_learns_digits_and_figures_are_drawn(tmp_path: Path) -> None:
    run = simulate(network="dann", data="digits", epochs=15, **{"rule.lr": 0.3, "network.sampling": "local", "run.root": str(tmp_path)})
    assert run.summary["test_accuracy"]["mean"] > 0.85 and run.summary["parameters"] == parameters(run.simulator.settings.network, 64, 10)
    assert (run.run_dir / "figures" / "weights.png").is_file()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("network.somas=[]",), "network.somas=[] leaves no dendritic layer"),
        (("network.somas=[0]",), "network.somas"),
        (("data=xor", "network.sampling=local"), "network.sampling=local needs images"),
        (("rule=oja",), "rule=oja takes out of a layer's input"),
        (("rule=ccl",), "has no mirror"),
        (("network.branches=0",), "network.branches"),
    ],
)
def test_bad_input_is_refused_in_one_line(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    found = command("simulate", "network=dann", f"run.root={tmp_path}", *words)
    assert found.code != 0 and says in found.err and len(found.err.strip().splitlines()) == 1, found.err
