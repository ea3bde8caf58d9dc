"""Linear CKA against the definition by centred n x n kernels, and its invariances."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.networks.autoencoder import Autoencoder, AutoencoderConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.probes import cka as module
from bioplaus.probes.cka import CkaProbe, linear_cka
from bioplaus.probes.observe import observe
from bioplaus.rules.bp import Backprop
from bioplaus.rules.ccl import CounterCurrent, CounterCurrentConfig
from bioplaus.tasks import Regression
from bioplaus.view import Batch, Clock
from bioplaus.world import Model, World

Make = Callable
Pack = Callable[..., tuple[Model, World]]
SHAPES = [(9, 20, 14), (30, 4, 7), (12, 5, 12), (13, 12, 12)]  # few samples, many samples, and the border between


def hsic_oracle(a: np.ndarray, b: np.ndarray) -> float:
    """HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) with HSIC(K, L) = tr(K H L H), H = I - 11^T / n."""
    n = len(a)
    h = np.eye(n) - np.ones((n, n)) / n
    k, m = a @ a.T, b @ b.T

    def hsic(p: np.ndarray, q: np.ndarray) -> float:
        return float(np.trace(p @ h @ q @ h))

    return hsic(k, m) / np.sqrt(hsic(k, k) * hsic(m, m))


def pair(n: int, d: int, e: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Two arrays with something in common and means far from 0."""
    draw = np.random.default_rng(seed)
    a = draw.normal(size=(n, d)) + 3
    return torch.from_numpy(a), torch.from_numpy(a @ draw.normal(size=(d, e)) + draw.normal(size=(n, e)) - 5)


def orthogonal(d: int, seed: int) -> Tensor:
    return torch.from_numpy(np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0])


@pytest.mark.parametrize("columns", [1, 3, 4096])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_definition(shape: tuple[int, int, int], columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COLUMNS", columns)
    a, b = pair(*shape)
    expected = hsic_oracle(a.numpy(), b.numpy())
    assert 0.1 < expected < 0.99  # neither of the easy answers
    assert linear_cka(a, b).item() == pytest.approx(expected, rel=1e-10)
    assert linear_cka(b, a).item() == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_rotation_scale_and_shift_change_nothing(shape: tuple[int, int, int]) -> None:
    a, b = pair(*shape)
    turned = a @ orthogonal(a.shape[1], 1) * -7 + 11
    assert linear_cka(a, turned).item() == pytest.approx(1, rel=1e-10)
    assert linear_cka(turned, b).item() == pytest.approx(linear_cka(a, b).item(), rel=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_unequal_scaling_does_change_something(shape: tuple[int, int, int]) -> None:
    a, _ = pair(*shape)
    stretched = a.clone()
    stretched[:, 0] *= 100
    assert linear_cka(a, stretched).item() < 0.9


def test_independent_codes_are_near_0() -> None:
    # E |A^T B|^2 = n d^2 against |A^T A| |B^T B| = n^2 d: about d / n
    draw = torch.Generator().manual_seed(0)
    a, b = (torch.randn(2000, 10, generator=draw) for _ in range(2))
    assert linear_cka(a, b).item() == pytest.approx(10 / 2000, rel=0.6)


@pytest.mark.parametrize("width", [3, 50])
def test_a_constant_code_has_no_similarity(width: int) -> None:
    a = pair(30, 3, width)[1]
    constant = torch.full((30, width), 0.1, dtype=torch.float64)  # whose mean of 30 is not 0.1 in floating point
    assert linear_cka(a, constant).isnan() and linear_cka(constant, a).isnan()


def test_float32_codes_are_compared_in_float64() -> None:
    a, b = pair(40, 6, 6)
    a32, b32 = (a + 1e4).float(), b.float()
    expected = hsic_oracle(a32.double().numpy(), b32.double().numpy())
    assert linear_cka(a32, b32).item() == pytest.approx(expected, rel=1e-6)


def look(seen_from: tuple[Model, World], batch: Batch) -> np.ndarray:
    return CkaProbe().look(observe(*seen_from, batch, Clock()))["cka"].numpy()


@pytest.mark.parametrize("replicas", [1, 2])
def test_perceptron_written_out(replicas: int, mlp: Make, pack: Pack, samples: Make) -> None:
    model, world = pack(CounterCurrent(), mlp())
    batch = samples((5,), size=20, replicas=replicas)
    found = look((model, world), batch)
    assert found.shape == (2, 3)
    for r in range(2):
        u = [world.params[f"forward/{i}/weight"][r].numpy() for i in range(3)]
        v = [world.params[f"feedback/{i}/weight"][r].numpy() for i in range(3)]
        x, y = batch.x[r % replicas].numpy(), batch.y[r % replicas].numpy()
        a_1 = np.tanh(x @ u[0].T)
        b_2 = np.tanh(np.eye(3)[y] @ v[0].T)
        b_1 = np.tanh(b_2 @ v[1].T)
        expected = [hsic_oracle(a, b) for a, b in ((x, b_1 @ v[2].T), (a_1, b_1), (np.tanh(a_1 @ u[1].T), b_2))]
        np.testing.assert_allclose(found[r], expected, rtol=1e-10)


def test_normalised_populations_as_in_training(mlp: Make, pack: Pack, samples: Make) -> None:
    model, world = pack(CounterCurrent(), mlp(norm="batch_fixed"))
    batch = samples((5,), size=20)

    def standard(rows: np.ndarray) -> np.ndarray:
        return (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-5)

    found = look((model, world), batch)
    for r in range(2):
        u, v = ([world.params[f"{way}/{i}/weight"][r].numpy() for i in (0, 1)] for way in ("forward", "feedback"))
        a_1 = np.tanh(standard(batch.x[r].numpy() @ u[0].T))
        # statistics of the feedback pass are those of its three rows, however often each is used
        b_1 = np.tanh(standard(np.tanh(standard(v[0].T)) @ v[1].T))[batch.y[r].numpy()]
        assert found[r, 1] == pytest.approx(hsic_oracle(a_1, b_1), rel=1e-10)


def test_convolutions_compare_whole_maps(cnn: Make, pack: Pack, samples: Make) -> None:
    model, world = pack(CounterCurrent(), cnn((4,)))
    batch = samples((2, 8, 8), size=15)
    found = look((model, world), batch)
    for r in range(2):
        u, v = (world.params[f"{way}/{i}/weight"][r] for way, i in (("forward", 0), ("feedback", 0)))
        a_1 = F.max_pool2d(F.elu(F.conv2d(batch.x[r], u, padding=1)), 2)
        b_1 = F.elu(v.T)[batch.y[r]]
        assert found[r, 1] == pytest.approx(hsic_oracle(a_1.flatten(1).numpy(), b_1.numpy()), rel=1e-10)


def test_at_most_2000_samples_the_first_ones(mlp: Make, pack: Pack, samples: Make) -> None:
    model, world = pack(CounterCurrent(), mlp())
    batch = samples((5,), size=2300)
    found = look((model, world), batch)
    np.testing.assert_allclose(found, look((model, world), Batch(batch.x[:, :2000], batch.y[:, :2000])), rtol=1e-12)
    assert (np.abs(found - look((model, world), Batch(batch.x[:, :1900], batch.y[:, :1900]))) > 1e-9).all()


def test_one_class_only_is_undefined(mlp: Make, pack: Pack, samples: Make) -> None:
    batch = samples((5,))
    assert np.isnan(look(pack(CounterCurrent(), mlp()), Batch(batch.x, torch.full_like(batch.y, 2)))).all()


def test_targets_of_their_own_go_sample_by_sample(pack: Pack, samples: Make) -> None:
    network = Autoencoder.build(AutoencoderConfig(channels=[3], norm="none"), (2, 8, 8), (2, 8, 8), Tanh())
    model, world = pack(CounterCurrent(CounterCurrentConfig(loss="maps")), network, task=Regression())
    for layer in range(2):  # the last convolutions start at 0
        world.params[f"feedback/{layer}/weight"].normal_(generator=torch.Generator().manual_seed(layer))
    images = samples((2, 8, 8), size=9).x
    batch = Batch(images, images + 0.5 * images.flip(1))
    found = look((model, world), batch)
    for r in range(2):
        a_1 = torch.tanh(F.conv2d(images[r], world.params["forward/0/weight"][r], stride=2, padding=1))
        b_1 = torch.tanh(F.conv2d(batch.y[r], world.params["feedback/0/weight"][r], stride=2, padding=1))
        expected = hsic_oracle(a_1.flatten(1).numpy(), b_1.flatten(1).numpy())
        assert found[r, 1] == pytest.approx(expected, rel=1e-10)


def test_rules_without_a_mirror_are_left_alone(mlp: Make, pack: Pack, samples: Make) -> None:
    assert CkaProbe().look(observe(*pack(Backprop(), mlp()), samples((5,)), Clock())) == {}
