"""The Ising unit: its mean response is the thermal average over its two states."""

from __future__ import annotations

import math

import pytest
import torch

from bioplaus.neurons.ising import Ising, IsingConfig


@pytest.mark.parametrize("T", [0.3, 1.0])
def test_mean_response_by_counting_both_states(T: float) -> None:
    field = torch.tensor([-2.0, -0.4, 0.0, 0.7], dtype=torch.float64)
    weights = [(math.exp(float(h) / T), math.exp(-float(h) / T)) for h in field]
    expected = torch.tensor([(up - down) / (up + down) for up, down in weights], dtype=torch.float64)
    neuron = Ising(IsingConfig(T=T))
    out, cache = neuron.forward(field)
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-15)
    leaf = field.clone().requires_grad_()
    slope = torch.autograd.grad(torch.tanh(leaf / T).sum(), leaf)[0]
    torch.testing.assert_close(neuron.pull(cache, torch.ones_like(field)), slope, rtol=1e-12, atol=1e-15)


def test_without_noise_it_is_the_sign_and_a_tie_has_none() -> None:
    out, cache = Ising().forward(torch.tensor([-0.1, 0.0, 3.0]))
    assert out.tolist() == [-1.0, 0.0, 1.0]
    assert Ising().pull(cache, torch.ones(3)).tolist() == [0.0] * 3
