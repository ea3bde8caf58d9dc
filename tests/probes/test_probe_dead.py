"""Dead units that were killed by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.rectified import Relu
from bioplaus.probes.dead import DeadProbe
from bioplaus.probes.observe import observe
from bioplaus.rules.bp import Backprop
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World

Make = Callable
Pack = Callable[..., tuple[Model, World]]
NAN = float("nan")


def look(model_and_world: tuple[Model, World], batch: Batch) -> torch.Tensor:
    return DeadProbe().look(observe(*model_and_world, batch, Clock()))["dead_share"]


def check(found: torch.Tensor, expected: list[list[float]]) -> None:
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), equal_nan=True, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rectified_units_that_never_or_always_say_the_same(dtype: torch.dtype, pack: Pack, samples: Make) -> None:
    network = Mlp.build(MlpConfig(hidden=[8, 4], bias=True), (5,), (3,), Relu())
    model, world = pack(Backprop(), network, dtype=dtype)
    world.params["forward/0/bias"] += 20  # far from the kink: every unit follows its input
    world.params["forward/1/bias"] += 200
    world.params["forward/0/bias"][0, [1, 2, 6]] = -100  # silent
    world.params["forward/0/weight"][1, 3] = 0
    world.params["forward/0/bias"][1, 3] = 0.1  # always active, and always alike
    world.params["forward/1/weight"][1, :2] = 0
    check(look((model, world), samples((5,), size=500, dtype=dtype)), [[3 / 8, 0, NAN], [1 / 8, 2 / 4, NAN]])


def test_units_that_speak_for_one_sample_only_are_alive(pack: Pack) -> None:
    network = Mlp.build(MlpConfig(hidden=[2]), (2,), (3,), Relu())
    model, world = pack(Backprop(), network, seeds=(0,))
    world.params["forward/0/weight"] = torch.eye(2).double().unsqueeze(0)
    x = -torch.ones(1, 100, 2).double()
    y = torch.zeros(1, 100, dtype=torch.int64)
    check(look((model, world), Batch(x, y)), [[1.0, NAN]])
    x[0, 70, 1] = 1e-4  # variance 1e-8 / 100
    check(look((model, world), Batch(x, y)), [[0.5, NAN]])
    x[0, 70, 1] = 1e-6  # variance 1e-14: below 1e-12
    check(look((model, world), Batch(x, y)), [[1.0, NAN]])


def test_a_channel_is_one_unit_and_lives_if_any_position_does(pack: Pack, samples: Make) -> None:
    network = Cnn5.build(Cnn5Config(channels=[4, 5], bias=True), (2, 8, 8), (3,), Relu())
    model, world = pack(Backprop(), network)
    batch = samples((2, 8, 8), size=40)
    batch.x[..., 4:] = 0.3  # half of every image never changes, and its positions differ at the zero rim
    for layer in range(2):
        world.params[f"forward/{layer}/bias"] += 50
    world.params["forward/0/weight"][0, 2] = 0
    world.params["forward/1/bias"][1, [0, 4]] = -1000
    check(look((model, world), batch), [[1 / 4, 0, NAN], [0, 2 / 5, NAN]])


def test_positions_that_differ_are_not_samples_that_differ(pack: Pack, samples: Make) -> None:
    network = Cnn5.build(Cnn5Config(channels=[4]), (2, 8, 8), (3,), Relu())
    batch = samples((2, 8, 8), size=6)
    one_image = Batch(batch.x[:, :1].expand(-1, 6, -1, -1, -1).contiguous(), batch.y)
    check(look(pack(Backprop(), network), one_image), [[1.0, NAN]] * 2)


def test_the_variance_is_that_of_the_samples_at_the_liveliest_position(pack: Pack) -> None:
    network = Cnn5.build(Cnn5Config(channels=[1]), (1, 8, 8), (3,), Relu())
    model, world = pack(Backprop(), network, seeds=(0,))
    world.params["forward/0/weight"].zero_()[..., 1, 1] = 1  # the activity is the pooled image
    x = torch.zeros(1, 2, 1, 8, 8, dtype=torch.float64)
    y = torch.zeros(1, 2, dtype=torch.int64)
    # two samples, 0 and v: variance v^2 / 4 at one of 16 positions
    for v, share in ((1.9e-6, 1.0), (2.1e-6, 0.0)):
        x[0, 1, 0, 5, 2] = v
        check(look((model, world), Batch(x, y)), [[share, NAN]])


def test_moments_that_differ_are_not_samples_that_differ(mlp: Make, pack: Pack, samples: Make) -> None:
    model, world = pack(Backprop(), mlp((2,), (2,)), seeds=(0,))
    world.params["forward/0/weight"] = torch.eye(2, dtype=torch.float64).unsqueeze(0)
    x = torch.arange(5, dtype=torch.float64).view(1, 5, 1, 1).repeat(1, 1, 7, 2)  # [R, T, B, n]: a course common to all
    x[0, 3, 4, 1] += 1  # one sample, one moment, second unit
    seen = replace(observe(model, world, samples((2,), replicas=1), Clock()), batch=Batch(x, torch.zeros(1, 7)))
    check(DeadProbe().look(seen)["dead_share"], [[0.5, NAN]])


def test_a_single_sample_says_nothing(mlp: Make, pack: Pack, samples: Make) -> None:
    assert look(pack(Backprop(), mlp()), samples((5,), size=1)).isnan().all()


def test_a_diverged_replica_is_undefined(mlp: Make, pack: Pack, samples: Make) -> None:
    model, world = pack(Backprop(), mlp())
    world.params["forward/0/weight"][0, 0] = torch.nan
    found = look((model, world), samples((5,)))
    assert found[0].isnan().all() and found[1, :2].tolist() == [0, 0]


def test_a_network_without_hidden_layers_is_left_alone(mlp: Make, pack: Pack, samples: Make) -> None:
    assert DeadProbe().look(observe(*pack(Backprop(), mlp(())), samples((5,)), Clock())) == {}
