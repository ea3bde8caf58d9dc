"""Elastic weight consolidation against softmax regression written out, where the Fisher information is known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from bioplaus import config, data
from bioplaus.rules.ewc import fisher_diagonal
from bioplaus.simulator import Simulator
from bioplaus.world import view


def made(**given: Any) -> Simulator:
    usual: dict[str, Any] = {"rule": "ewc", "data": "permuted_digits", "tasks": 3, "epochs": 1, "network.hidden": [], "dtype": "float64"}
    usual |= {"probes": [], "run.save": False, "data.limit": 60, "batch_size": 20, "rule.samples": 40, "rule.lr": 0.01, "rule.strength": 30.0}
    if "network" in given:
        usual.pop("network.hidden")
    settings = config.resolve({**usual, **given})
    return Simulator(settings, data.load(settings.data, settings.seed_list, settings.top.tasks))


def _softmax(z: Any) -> Any:
    p = np.exp(z - z.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def test_three_tasks_equal_the_formula_written_out() -> None:
    simulator = made()
    pack = simulator.packs[0]
    w = pack.world.params["forward/0/weight"][0].numpy().copy()
    order = [simulator.feeds.train.order(pack.model.streams, epoch)[0].numpy() for epoch in range(3)]
    simulator.run()
    splits = data.load(simulator.settings.data, (0,), 3)
    fisher, anchors = [], []
    for task, one in enumerate((splits, *splits.later)):
        x, y = one.train_x.reshape(60, -1).astype(np.float64), np.eye(10)[one.train_y]
        for part in np.split(order[task], 3):
            change = (y[part] - _softmax(x[part] @ w.T)).T @ x[part] / 20
            pull = sum((F * (w - a) for F, a in zip(fisher, anchors)), np.zeros_like(w))
            w = w + 0.01 * (change - 30.0 * pull)
        first = slice(0, 40)
        squares = ((y[first] - _softmax(x[first] @ w.T)) ** 2).T @ x[first] ** 2 / 40
        fisher.append(squares)
        anchors.append(w.copy())
    np.testing.assert_allclose(pack.world.params["forward/0/weight"][0], w, atol=1e-10)
    np.testing.assert_allclose(pack.world.state["fisher/forward/0/weight"][0], fisher[0] + fisher[1], atol=1e-10)


def test_without_strength_it_is_backprop() -> None:
    ours, plain = made(**{"rule.strength": 0.0, "network.hidden": [7]}), made(**{"rule.strength": 1.0, "network.hidden": [7]})
    reference = config.resolve({"rule": "bp", "rule.lr": 0.01, "plasticity.clip": "none"} | {
        key: value for key, value in config.flat(ours.settings).items() if not key.startswith(("rule", "plasticity"))
    })
    bp = Simulator(reference, data.load(reference.data, (0,), 3))
    for one in (ours, plain, bp):
        one.run()
    weights = [one.packs[0].world.params["forward/0/weight"] for one in (ours, plain, bp)]
    assert torch.allclose(weights[0], weights[2], atol=1e-13) and not torch.allclose(weights[1], weights[2], atol=1e-6)


def test_information_of_drawn_labels_is_that_of_the_softmax_and_works_in_convolutions() -> None:
    """For softmax regression E (y - p)^2 = p (1 - p), so F = mean p (1 - p) x^2; draws come near it, labels of the data need not."""
    simulator = made(**{"data.limit": 30, "rule.samples": 30})
    pack = simulator.packs[0]
    seen = view(pack.model, pack.world, simulator.feeds.train.batch(torch.zeros(1, 1, dtype=torch.int64)), simulator.course.clock(0))
    key = "forward/0/weight"
    batch = next(simulator.feeds.train.chunks(30))
    x = batch.x[0].reshape(30, -1).numpy()
    p = _softmax(x @ pack.world.params[key][0].numpy().T)
    exact = (p * (1 - p)).T @ x**2 / 30
    drawn = [fisher_diagonal(_at(seen, step), iter([batch]), 30, drawn=True)[key][0].numpy() for step in range(60)]
    assert abs(np.mean(drawn, 0).sum() / exact.sum() - 1) < 0.05
    conv = made(**{"network": "cnn5", "network.channels": [2, 2]})
    layer = conv.packs[0].model.networks["forward"].layers[0].weight
    net = conv.packs[0]
    look = view(net.model, net.world, conv.feeds.train.batch(torch.zeros(1, 1, dtype=torch.int64)), conv.course.clock(0))
    found = fisher_diagonal(look, conv.feeds.train.chunks(5), 3)[layer]
    params = {k: v.clone().requires_grad_() for k, v in net.world.params.items()}
    squares = torch.zeros_like(params[layer])
    for i in range(3):
        out = net.model.networks["forward"].forward(params, conv.feeds.train.x[i : i + 1].unsqueeze(0), net.world.buffers).out
        loss = torch.nn.functional.cross_entropy(out[0], conv.feeds.train.y[i : i + 1])
        squares += torch.autograd.grad(loss, params[layer])[0] ** 2 / 3
    torch.testing.assert_close(found, squares, rtol=1e-8, atol=1e-14)


def _at(seen: Any, step: int) -> Any:
    from dataclasses import replace

    return replace(seen, streams=seen.streams.at(step))


def test_each_seed_may_have_its_own_strength() -> None:
    both = made(**{"seeds": 2, "seed_step": 0, "rule.strength": [0.0, 30.0], "run.pack": "2"})
    both.run()
    for r, strength in enumerate((0.0, 30.0)):
        alone = made(**{"rule.strength": strength})
        alone.run()
        mine, other = (one.packs[0].world.params["forward/0/weight"] for one in (both, alone))
        torch.testing.assert_close(mine[r], other[0], rtol=0, atol=1e-12)


def test_a_strong_pull_keeps_the_first_task() -> None:
    pytest.importorskip("sklearn")
    kept = [made(**{"rule.strength": s, "epochs": 8, "data.limit": 400, "rule.samples": 200, "tasks": 2}) for s in (0.0, 200.0)]
    after = []
    for one in kept:
        one.run()
        rows = [row for row in one.recorder.rows if row[3] == "test" and row[4] == "task_accuracy" and row[5] == 0]
        after.append(rows[-1][6])
    assert after[1] > after[0] + 0.02
