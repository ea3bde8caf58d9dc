"""Angles against closed forms."""

from __future__ import annotations

import math

import pytest
import torch

from bioplaus.probes.geometry import angle, cosine, length, ratio


def uniform(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 0.6 - 0.3


def test_signs_of_uniform_weights_are_30_degrees_away() -> None:
    # cos = E|w| / sqrt(E w^2) = (1/2) / sqrt(1/3); standard error 0.03 degrees
    w = uniform(0, 1, 1000, 1000)
    assert angle(w.sign(), w).item() == pytest.approx(30.0, abs=0.15)
    assert math.degrees(math.acos(math.sqrt(3) / 2)) == pytest.approx(30.0)


def test_random_magnitudes_with_the_right_signs_are_41_degrees_away() -> None:
    # cos = (E|b| E|w|) / E w^2 = (1/4) / (1/3)
    w, b = uniform(1, 1, 1000, 1000), uniform(2, 1, 1000, 1000)
    assert angle(b.abs() * w.sign(), w).item() == pytest.approx(math.degrees(math.acos(0.75)), abs=0.2)
    assert math.degrees(math.acos(0.75)) == pytest.approx(41.41, abs=0.005)


def test_independent_weights_are_at_right_angles_up_to_the_known_spread() -> None:
    replicas, entries = 200, 60 * 80
    draw = torch.Generator().manual_seed(3)
    a, b = (torch.randn(replicas, 60, 80, generator=draw) for _ in range(2))
    found = angle(a, b)
    sd = math.degrees(1) / math.sqrt(entries)
    assert found.mean().item() == pytest.approx(90, abs=4 * sd / math.sqrt(replicas))
    # the standard deviation of 200 draws is known to 1 / sqrt(400) = 5 %
    assert found.std().item() == pytest.approx(sd, rel=0.2)


def test_small_known_angles_replica_by_replica() -> None:
    a = torch.tensor([[[3.0, 0.0]], [[1.0, 0.0]], [[2.0, 0.0]], [[1.0, 1.0]]])
    b = torch.tensor([[[5.0, 0.0]], [[-4.0, 0.0]], [[0.0, 7.0]], [[1.0, 0.0]]])
    torch.testing.assert_close(angle(a, b), torch.tensor([0.0, 180.0, 90.0, 45.0], dtype=torch.float64))
    assert length(a).tolist() == pytest.approx([3, 1, 2, math.sqrt(2)])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_array_with_itself_is_at_0_and_with_its_opposite_at_180(dtype: torch.dtype) -> None:
    # lengths whose rounded cosine falls on either side of 1
    for seed in range(20):
        w = uniform(seed, 1, 256, 97).to(dtype)
        assert angle(w, 3 * w).item() == pytest.approx(0, abs=1e-5)
        assert angle(w, -w).item() == pytest.approx(180, abs=1e-5)
        assert cosine(w, w).item() <= 1


def test_a_zero_array_has_no_angle_and_other_replicas_keep_theirs() -> None:
    a, b = torch.ones(3, 2, 2), torch.ones(3, 2, 2)
    a[0], b[1] = 0, 0
    assert angle(a, b).isnan().tolist() == [True, True, False]
    assert angle(a, b)[2].item() == pytest.approx(0, abs=1e-5)
    assert cosine(a, b).isnan().tolist() == [True, True, False]


def test_ratio_is_undefined_over_zero_only() -> None:
    found = ratio(torch.tensor([0.0, 2.0, 0.0, 1.0]), torch.tensor([4.0, 4.0, 0.0, 0.0]))
    assert found[:2].tolist() == [0.0, 0.5] and found[2:].isnan().all()


def test_tiny_float32_arrays_do_not_underflow() -> None:
    a = torch.full((1, 10), 1e-30)
    assert cosine(a, a).item() == pytest.approx(1)
    assert length(a).item() == pytest.approx(1e-30 * math.sqrt(10))
