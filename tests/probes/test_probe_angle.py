"""Angle to backpropagation, with automatic differentiation as the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.changes import Dense, Wanted
from bioplaus.plasticity.sgd import Sgd, SgdConfig
from bioplaus.probes.angle import AngleProbe
from bioplaus.probes.base import Observation
from bioplaus.probes.observe import observe
from bioplaus.rules.bp import Backprop
from bioplaus.tasks import Regression
from bioplaus.view import Batch, Clock, View
from bioplaus.world import Model, World

WEIGHTS = [f"forward/{layer}/weight" for layer in range(3)]
Make = Callable
Pack = Callable[..., tuple[Model, World]]


def scaled(factors: Iterable[float | Tensor]) -> Callable[[View], Iterator[Wanted]]:
    """Want backpropagation's change of each layer times a factor (a number, or one per replica)."""

    def script(view: View) -> Iterator[Wanted]:
        (exact,) = list(Backprop().learn(view))
        changes = {}
        for leaf, factor in zip(WEIGHTS, factors):
            per_replica = torch.as_tensor(factor, dtype=torch.float64).reshape(-1, 1, 1)
            changes[leaf] = Dense(exact.changes[leaf].dense() * per_replica)
        yield Wanted("forward", changes)

    return script


def check(found: dict[str, Tensor], angles: list[list[float]], ratios: list[list[float]]) -> None:
    expected = torch.tensor(angles, dtype=torch.float64)
    torch.testing.assert_close(found["angle_to_bp"], expected, rtol=0, atol=1e-5, equal_nan=True)
    expected = torch.tensor(ratios, dtype=torch.float64)
    torch.testing.assert_close(found["norm_ratio_to_bp"], expected, rtol=1e-9, atol=0, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_backpropagation_is_at_0_with_ratio_1(
    kind: str, norm: str, dtype: torch.dtype, mlp: Make, cnn: Make, pack: Pack, samples: Make
) -> None:
    network = mlp((4, 3), (5,), norm=norm, bias=True) if kind == "mlp" else cnn(norm=norm, bias=True)
    # clipping and momentum change the update and must not change the angle of what was wanted
    model, world = pack(Backprop(), network, dtype=dtype, plasticity=Sgd(SgdConfig(momentum=0.9, clip="per_layer")))
    seen = observe(model, world, samples(network.in_shape, dtype=dtype), Clock())
    check(AngleProbe().look(seen), [[0.0] * 3] * 2, [[1.0] * 3] * 2)


def test_factors_per_layer_and_replica_are_told_apart(mlp: Make, pack: Pack, samples: Make, scripted: Make) -> None:
    rule = scripted(scaled([-1.0, torch.tensor([3.0, -0.5]), 0.0]))
    seen = observe(*pack(rule, mlp()), samples((5,)), Clock())
    nan = float("nan")
    check(AngleProbe().look(seen), [[180, 0, nan], [180, 180, nan]], [[1, 3, 0], [1, 0.5, 0]])


def test_a_weight_that_the_rule_never_names_has_no_angle(mlp: Make, pack: Pack, samples: Make, scripted: Make) -> None:
    def last(view: View) -> Iterator[Wanted]:
        (exact,) = list(Backprop().learn(view))
        yield Wanted("forward", {WEIGHTS[2]: exact.changes[WEIGHTS[2]]})

    seen = observe(*pack(scripted(last), mlp()), samples((5,)), Clock())
    nan = float("nan")
    check(AngleProbe().look(seen), [[nan, nan, 0]] * 2, [[0, 0, 1]] * 2)


def test_no_ratio_where_the_gradient_is_zero(mlp: Make, pack: Pack, samples: Make, scripted: Make) -> None:
    def ones(view: View) -> Iterator[Wanted]:
        yield Wanted("forward", {leaf: Dense(torch.ones_like(view.params[leaf])) for leaf in WEIGHTS})

    # with all weights zero only the output layer's presynaptic side could be non-zero, and tanh(0) = 0
    seen = observe(*pack(scripted(ones), mlp(init="zero")), samples((5,)), Clock())
    found = AngleProbe().look(seen)
    assert found["angle_to_bp"].isnan().all() and found["norm_ratio_to_bp"].isnan().all()


def random_changes(view: View) -> Iterator[Wanted]:
    draw = torch.Generator().manual_seed(11)
    changes = {leaf: Dense(torch.randn(view.params[leaf].shape, generator=draw).double()) for leaf in WEIGHTS}
    yield Wanted("forward", changes)


def by_numpy(seen: Observation, losses: Callable[[Tensor, int], Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Angles and ratios from automatic differentiation of a perceptron written out, one replica at a time."""
    angles, ratios = np.empty((2, 2, 3))
    for r in range(2):
        weights = [seen.params[leaf][r].clone().requires_grad_() for leaf in WEIGHTS]
        h = torch.tanh(torch.tanh(seen.batch.x[r] @ weights[0].T) @ weights[1].T)
        gradients = torch.autograd.grad(losses(h @ weights[2].T, r), weights)
        for layer, gradient in enumerate(gradients):
            g, e = seen.wanted[WEIGHTS[layer]][r].numpy().ravel(), -gradient.numpy().ravel()
            ratios[r, layer] = np.linalg.norm(g) / np.linalg.norm(e)
            angles[r, layer] = np.degrees(np.arccos(g @ e / (np.linalg.norm(g) * np.linalg.norm(e))))
    return angles, ratios


def test_random_changes_against_automatic_differentiation(mlp: Make, pack: Pack, samples: Make, scripted: Make) -> None:
    seen = observe(*pack(scripted(random_changes), mlp()), samples((5,)), Clock())
    angles, ratios = by_numpy(seen, lambda out, r: F.cross_entropy(out, seen.batch.y[r]))
    check(AngleProbe().look(seen), angles.tolist(), ratios.tolist())


def test_the_task_decides_which_loss(mlp: Make, pack: Pack, samples: Make, scripted: Make) -> None:
    model, world = pack(scripted(random_changes), mlp(), task=Regression())
    x = samples((5,)).x
    batch = Batch(x, x[..., :3] * 2)
    seen = observe(model, world, batch, Clock())
    angles, ratios = by_numpy(seen, lambda out, r: F.mse_loss(out, batch.y[r]))
    check(AngleProbe().look(seen), angles.tolist(), ratios.tolist())


def test_the_gradient_is_that_of_the_weights_before(mlp: Make, pack: Pack, samples: Make) -> None:
    seen = observe(*pack(Backprop(), mlp()), samples((5,)), Clock())
    moved = AngleProbe().look(replace(seen, params=seen.after))
    assert (moved["angle_to_bp"] > 1e-2).all()  # so that the zeros above say something


def test_samples_shared_by_the_replicas(mlp: Make, pack: Pack, samples: Make) -> None:
    seen = observe(*pack(Backprop(), mlp()), samples((5,), replicas=1), Clock())
    check(AngleProbe().look(seen), [[0.0] * 3] * 2, [[1.0] * 3] * 2)
