"""SoftHebb: the equation in numpy, unit length, the fixed point of a sure winner, and the convolution as a dense layer over patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hebbian_kit import HIDDEN, conv, dense, patches, randn, settle, start, step

from bioplaus.neurons.rectified import Relu
from bioplaus.rules.softhebb import SoftHebb, SoftHebbConfig


def by_hand(w: np.ndarray, rows: np.ndarray, temperature: float, *, anti: bool) -> np.ndarray:
    """``mean y_k (x - u_k w_k)`` with the posterior of scipy, sample by sample."""
    from scipy.special import softmax

    change = np.zeros_like(w)
    for x in rows:
        u = w @ x
        y = softmax(u / temperature)
        if anti:
            y[np.arange(len(y)) != u.argmax()] *= -1
        change += y[:, None] * (x[None] - u[:, None] * w)
    return change / len(rows)


@pytest.mark.parametrize("losers", ["hebbian", "anti_hebbian"])
@pytest.mark.parametrize("temperature", [0.3, 2.0])
@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_the_change_is_the_published_equation(kind: str, temperature: float, losers: str) -> None:
    rule = SoftHebb(SoftHebbConfig(temperature=temperature, losers=losers, centre=False))
    network, x = (dense(4, 5, Relu()), randn(2, 6, 4)) if kind == "dense" else (conv(Relu()), randn(2, 3, 2, 9, 9))
    params, state = start(rule, network, (3, 8))
    change, _ = step(rule, network, params, state, x)
    for r in range(2):
        w, rows = params[HIDDEN][r].flatten(1).numpy(), (x[r] if kind == "dense" else patches(x[r])).numpy()
        expected = by_hand(w, rows, temperature, anti=losers == "anti_hebbian")
        np.testing.assert_allclose(change[r].flatten(1).numpy(), expected, rtol=1e-10, atol=1e-13)


def test_a_running_mean_of_the_input_is_taken_out() -> None:
    rule, network, x = SoftHebb(SoftHebbConfig(memory=0.75)), dense(4, 5), 2 + randn(1, 6, 4)
    params, state = start(rule, network)
    state["mean/forward/0"] = randn(1, 4, seed=5)
    change, learned = step(rule, network, params, state, x)
    rows = (x[0] - state["mean/forward/0"]).numpy()
    np.testing.assert_allclose(change[0].numpy(), by_hand(params[HIDDEN][0].numpy(), rows, 1.0, anti=False), rtol=1e-10)
    moved = 0.75 * state["mean/forward/0"] + 0.25 * x[0].mean(0)
    torch.testing.assert_close(learned.state["mean/forward/0"], moved, rtol=1e-12, atol=0)


def test_weights_converge_to_unit_length() -> None:
    rule, network, x = SoftHebb(SoftHebbConfig(temperature=0.5, centre=False)), dense(6, 4), randn(1, 80, 6) + 1
    params, state = start(rule, network)
    lengths = torch.linalg.vector_norm(params[HIDDEN][0], dim=1)
    assert (lengths - 1).abs().min() > 0.05
    settle(rule, network, params, state, x, 0.3, 1500)
    lengths = torch.linalg.vector_norm(params[HIDDEN][0], dim=1)
    torch.testing.assert_close(lengths, torch.ones(4, dtype=torch.float64), rtol=0, atol=1e-6)


def test_a_sure_winner_rests_at_the_normalised_mean_of_what_it_wins() -> None:
    """T -> 0: two bundles of inputs, one for each cell; w = mean / |mean| wants nothing."""
    bundles = 0.1 * randn(2, 7, 4, seed=6) + torch.tensor([[[3.0, 0, 0, 0]], [[0, 0, 3.0, 0]]], dtype=torch.float64)
    rule, network = SoftHebb(SoftHebbConfig(temperature=1e-3, centre=False)), dense(4, 2)
    params, state = start(rule, network)
    means = bundles.mean(1)
    params[HIDDEN] = (means / torch.linalg.vector_norm(means, dim=1, keepdim=True)).unsqueeze(0)
    change, _ = step(rule, network, params, state, bundles.flatten(0, 1).unsqueeze(0))
    assert change.abs().max() < 1e-12
    params[HIDDEN] *= 1.1
    change, _ = step(rule, network, params, state, bundles.flatten(0, 1).unsqueeze(0))
    assert ((change * params[HIDDEN]).sum(-1) < 0).all()  # too long: shrinks


def test_slowing_scales_each_cell_by_its_distance_from_unit_length_and_says_so() -> None:
    network, x = dense(4, 3), randn(1, 6, 4)
    plain, slow = (SoftHebb(SoftHebbConfig(slowing=q)) for q in (0.0, 0.5))
    params, state = start(plain, network)
    params[HIDDEN][0, 1] *= 1 / torch.linalg.vector_norm(params[HIDDEN][0, 1])
    factor = (torch.linalg.vector_norm(params[HIDDEN], dim=2) - 1).abs().sqrt()
    assert factor[0, 1] < 1e-7 < factor[0, 0]
    (one, _), (two, _) = (step(rule, network, params, state, x) for rule in (plain, slow))
    torch.testing.assert_close(two, one * factor.unsqueeze(-1), rtol=1e-12, atol=1e-15)
    assert slow.statement().weight_transport and not plain.statement().weight_transport
