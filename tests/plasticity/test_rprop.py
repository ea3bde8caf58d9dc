"""iRprop- beside an independent NumPy implementation, its limits, and its restart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bioplaus.changes import Dense, Wanted
from bioplaus.edits import perform
from bioplaus.errors import ConfigError
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.plasticity.resilient import Rprop, RpropConfig
from bioplaus.plasticity.update import apply
from bioplaus.rules.bp import Backprop
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Clock, Edits
from bioplaus.world import Model, World, new_world

KEY = "forward/0/weight"


def world_of(config: RpropConfig, replicas: int = 1) -> tuple[Model, World]:
    networks = Backprop().build(Mlp.build(MlpConfig(hidden=[]), (3,), (2,), Tanh()))
    streams = Streams(tuple(range(replicas)), dtype=torch.float64)
    rates = {"forward": torch.ones(replicas, dtype=torch.float64)}
    model = Model(Backprop(), networks, Backprop().groups(networks), rates, Rprop(config), Classification(2), streams)
    return model, new_world(model)


def written(model: Model, world: World, gradients: np.ndarray, mask: torch.Tensor | None = None) -> None:
    for one in gradients:
        apply(model, world, Wanted("forward", {KEY: Dense(torch.from_numpy(one).clone())}, mask), Clock())


def reference(w: np.ndarray, gradients: np.ndarray, c: RpropConfig) -> np.ndarray:
    """Weight by weight, as a loop."""
    w = w.copy()
    for i in np.ndindex(w.shape):
        step, before = c.step_start, 0.0
        for n, g in enumerate(gradients[:, *i]):
            s = float(np.sign(g))
            if n and s * before > 0:
                step = min(step * c.faster, c.step_high)
            elif n and s * before < 0:
                step, s = max(step * c.slower, c.step_low), 0.0
            w[i] += s * step
            before = s
    return w


@pytest.mark.parametrize("keys", [{}, {"step_start": 0.3, "step_high": 0.4, "step_low": 0.25, "faster": 1.5, "slower": 0.3}])
def test_steps_are_those_of_the_reference(keys: dict[str, float]) -> None:
    config = RpropConfig(**keys)
    model, world = world_of(config, 2)
    gradients = np.random.default_rng(0).choice([-2.0, -1e-30, 0.0, 1e-30, 0.7], size=(40, 2, 2, 3), p=[0.2, 0.2, 0.1, 0.2, 0.3])
    expected = reference(world.params[KEY].numpy(), gradients, config)
    written(model, world, gradients)
    np.testing.assert_allclose(world.params[KEY].numpy(), expected, rtol=1e-12)


def test_it_finds_the_bottom_of_a_narrow_valley() -> None:
    """``(w_0^2 + 1e6 w_1^2)/2``: both coordinates at one pace, whatever the curvature."""
    model, world = world_of(RpropConfig())
    curvature = torch.tensor([1.0, 1e6, 1e-6], dtype=torch.float64)
    for _ in range(200):
        apply(model, world, Wanted("forward", {KEY: Dense(-world.params[KEY] * curvature)}), Clock())
    assert world.params[KEY].abs().max() < 1e-5


def test_forgetting_starts_anew_in_masked_replicas_alone() -> None:
    config = RpropConfig()
    model, world = world_of(config, 2)
    written(model, world, np.ones((5, 2, 2, 3)))
    perform(model, world, Edits(mask=torch.tensor([True, False]), forget=("forward",)))
    before = world.params[KEY].clone()
    written(model, world, np.ones((1, 2, 2, 3)))
    moved = world.params[KEY] - before
    torch.testing.assert_close(moved[0], torch.full_like(moved[0], 0.1))
    torch.testing.assert_close(moved[1], torch.full_like(moved[1], 0.1 * 1.2**5))


@pytest.mark.parametrize("keys", [{"step_low": 1.0}, {"step_high": 0.01}])
def test_steps_out_of_order_are_refused(keys: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="must rise in this order"):
        Rprop(RpropConfig(**keys))
