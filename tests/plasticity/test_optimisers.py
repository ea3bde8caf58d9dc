"""Optimisers and clipping against torch's own, replica by replica; wanted changes are minus gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import SGD, Optimizer, RMSprop
from torch.optim import Adam as TorchAdam
from torch.optim import AdamW as TorchAdamW

from bioplaus.changes import Dense, Outer, Wanted
from bioplaus.connections import DenseConnection
from bioplaus.plasticity.adaptive import Adam, AdamConfig, AdamW, AdamWConfig, RmsProp, RmsPropConfig
from bioplaus.plasticity.base import Plasticity
from bioplaus.plasticity.sgd import Sgd, SgdConfig, SignStep
from bioplaus.plasticity.update import apply, clip_factors
from bioplaus.view import Clock

STEPS = 6
Torch = Callable[..., Optimizer]
CASES: dict[str, tuple[Callable[..., Plasticity], Torch, dict[str, Any]]] = {
    "plain": (lambda **k: Sgd(SgdConfig(**k)), SGD, {}),
    "decay": (lambda **k: Sgd(SgdConfig(weight_decay=0.1, **k)), SGD, {"weight_decay": 0.1}),
    "momentum": (lambda **k: Sgd(SgdConfig(momentum=0.9, **k)), SGD, {"momentum": 0.9}),
    "momentum decay": (
        lambda **k: Sgd(SgdConfig(momentum=0.7, weight_decay=0.1, **k)),
        SGD,
        {"momentum": 0.7, "weight_decay": 0.1},
    ),
    "nesterov": (
        lambda **k: Sgd(SgdConfig(momentum=0.7, nesterov=True, weight_decay=0.1, **k)),
        SGD,
        {"momentum": 0.7, "nesterov": True, "weight_decay": 0.1},
    ),
    "adam": (
        lambda **k: Adam(AdamConfig(beta1=0.8, beta2=0.95, eps=1e-3, **k)),
        TorchAdam,
        {"betas": (0.8, 0.95), "eps": 1e-3},
    ),
    "adam decay": (lambda **k: Adam(AdamConfig(weight_decay=0.1, **k)), TorchAdam, {"weight_decay": 0.1}),
    "adamw": (lambda **k: AdamW(AdamWConfig(weight_decay=0.2, **k)), TorchAdamW, {"weight_decay": 0.2}),
    "adamw default": (lambda **k: AdamW(AdamWConfig(**k)), TorchAdamW, {}),
    "rmsprop": (lambda **k: RmsProp(RmsPropConfig(memory=0.8, eps=1e-3, **k)), RMSprop, {"alpha": 0.8, "eps": 1e-3}),
    "rmsprop decay": (lambda **k: RmsProp(RmsPropConfig(weight_decay=0.1, **k)), RMSprop, {"weight_decay": 0.1}),
}


def by_torch(
    make: Torch, settings: dict[str, Any], start: dict[str, Tensor], rate: float, wanted: list[dict[str, Tensor]], clip: str, limit: float
) -> dict[str, Tensor]:
    """Train one replica with torch."""
    leaves = {key: value.clone().requires_grad_() for key, value in start.items()}
    optimiser = make(list(leaves.values()), lr=rate, **settings)
    for changes in wanted:
        for key, leaf in leaves.items():
            leaf.grad = -changes[key].clone()
        for together in [list(leaves.values())] if clip == "per_network" else [[leaf] for leaf in leaves.values()]:
            if clip != "none":
                torch.nn.utils.clip_grad_norm_(together, limit)
        optimiser.step()
    return {key: leaf.detach() for key, leaf in leaves.items()}


@pytest.mark.parametrize(("clip", "limit"), [("none", 1.0), ("per_layer", 1.5), ("per_network", 3.0), ("per_network", 1e4)])
@pytest.mark.parametrize("case", CASES)
def test_optimiser_equals_torch(case: str, clip: str, limit: float, pack: Any, changes: Any) -> None:
    make, torch_make, settings = CASES[case]
    model, world = pack(make(clip=clip, clip_norm=limit))
    start = {key: value.clone() for key, value in world.params.items()}
    steps = [changes(world, i) for i in range(STEPS)]
    for step in steps:
        given = {key: Dense(change.value.clone()) for key, change in step.items()}
        apply(model, world, Wanted("forward", given), Clock())
        for key, change in step.items():
            assert torch.equal(given[key].value, change.value), "the rule's own array was overwritten"
    assert world.counts["forward"].tolist() == [STEPS] * 3
    for r, rate in enumerate(model.rates["forward"].tolist()):
        mine = {key: value[r] for key, value in start.items()}
        wanted = [{key: change.value[r] for key, change in step.items()} for step in steps]
        expected = by_torch(torch_make, settings, mine, rate, wanted, clip, limit)
        for key, value in expected.items():
            torch.testing.assert_close(world.params[key][r], value, rtol=1e-11, atol=1e-13)


def test_first_adam_step_is_exact_in_float32(pack: Any, changes: Any) -> None:
    """1 - beta^n loses two digits if it is formed in float32."""
    model, world = pack(Adam(AdamConfig(eps=1e-20)), dtype=torch.float32)
    start = {key: value.clone() for key, value in world.params.items()}
    step = changes(world, 0)
    apply(model, world, Wanted("forward", step), Clock())
    for key, change in step.items():
        expected = model.rates["forward"].view(-1, *[1] * (change.value.dim() - 1)) * change.value.sign()
        torch.testing.assert_close(world.params[key] - start[key], expected, rtol=0, atol=2e-7)


def test_sign_takes_equal_steps(pack: Any, changes: Any) -> None:
    model, world = pack(SignStep())
    start = {key: value.clone() for key, value in world.params.items()}
    step = changes(world, 0)
    for change in step.values():
        change.value[:, 0] = 0
    apply(model, world, Wanted("forward", step), Clock())
    for key, change in step.items():
        rate = model.rates["forward"].view(-1, *[1] * (change.value.dim() - 1))
        expected = start[key] + rate * ((change.value > 0).double() - (change.value < 0).double())
        torch.testing.assert_close(world.params[key], expected, rtol=0, atol=1e-15)
        assert torch.equal(world.params[key][:, 0], start[key][:, 0])


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_centralisation_takes_out_the_mean_of_each_postsynaptic_unit(momentum: float, pack: Any, changes: Any) -> None:
    """Weights only, before clipping: the clip sees the norm of what is left."""
    model, world = pack(Sgd(SgdConfig(centralise=True, clip="per_layer", clip_norm=0.5, momentum=momentum)))
    start = {key: value.clone() for key, value in world.params.items()}
    step = changes(world, 0)
    apply(model, world, Wanted("forward", step), Clock())
    for key, change in step.items():
        for r, rate in enumerate(model.rates["forward"].tolist()):
            g = change.value[r].numpy()
            g = g - g.mean(1, keepdims=True) if key.endswith("weight") else g
            expected = rate * g * min(1.0, 0.5 / ((g**2).sum() ** 0.5 + 1e-6))
            torch.testing.assert_close(world.params[key][r] - start[key][r], torch.from_numpy(expected), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("limit", [0.5, 2.0, 50.0])
def test_clip_bounds_the_norm_and_keeps_the_direction(limit: float, pack: Any, changes: Any) -> None:
    _, world = pack(Sgd())
    dense = {key: change.value for key, change in changes(world, 3).items()}
    together = clip_factors(dense, "per_network", limit)
    apart = clip_factors(dense, "per_layer", limit)
    assert clip_factors(dense, "none", limit) == {}
    for r in range(3):
        norms = {key: value[r].norm().item() for key, value in dense.items()}
        whole = sum(norm**2 for norm in norms.values()) ** 0.5
        for key, norm in norms.items():
            assert together[key][r].item() == pytest.approx(min(1.0, limit / (whole + 1e-6)), rel=1e-12)
            assert apart[key][r].item() == pytest.approx(min(1.0, limit / (norm + 1e-6)), rel=1e-12)
        assert whole * together["forward/0/weight"][r] <= limit * (1 + 1e-6)


@pytest.mark.parametrize("make", [Sgd, lambda: Sgd(SgdConfig(clip="per_network", clip_norm=0.1, momentum=0.5))])
def test_factored_changes_act_like_dense_ones(make: Callable[[], Plasticity], pack: Any) -> None:
    key, connection = "forward/0/weight", DenseConnection((5,), (4,))
    draw = torch.Generator().manual_seed(6)
    pairs = tuple(
        (
            torch.randn(shape, 7, 5, dtype=torch.float64, generator=draw),
            torch.randn(3, 7, 4, dtype=torch.float64, generator=draw),
        )
        for shape in (1, 3)
    )
    dense = sum(torch.einsum("rbi,rbj->rij", post, pre.expand(3, -1, -1)) for pre, post in pairs)
    assert isinstance(dense, Tensor)
    worlds = []
    for change in (Outer(connection, pairs), Dense(dense)):
        model, world = pack(make())
        apply(model, world, Wanted("forward", {key: change}), Clock())
        worlds.append(world)
    torch.testing.assert_close(worlds[0].params[key], worlds[1].params[key], rtol=0, atol=1e-13)
    if not model.plasticity.optimiser.identity:
        return
    start = pack(make())[1].params[key]
    torch.testing.assert_close(worlds[0].params[key] - start, model.rates["forward"].view(-1, 1, 1) * dense)
