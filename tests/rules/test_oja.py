"""Oja and Sanger: principal subspaces and eigenvectors found by numpy, and the change written out cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hebbian_kit import HIDDEN, conv, dense, patches, randn, settle, start, step
from torch import Tensor

from bioplaus.neurons.smooth import Tanh
from bioplaus.rules.oja import Oja, OjaConfig

VARIANCES = torch.tensor([4.0, 2.5, 1.5, 0.5, 0.3, 0.1], dtype=torch.float64)


def data() -> Tensor:
    """Samples with well-separated principal variances along random axes, mean exactly 0."""
    axes = torch.linalg.qr(randn(6, 6, seed=1))[0]
    x = randn(400, 6, seed=2) * VARIANCES.sqrt() @ axes.T
    return (x - x.mean(0)).unsqueeze(0)


def leading(x: Tensor, count: int) -> np.ndarray:
    """Eigenvectors of the covariance, largest eigenvalue first, as rows."""
    values, vectors = np.linalg.eigh(np.cov(x[0].numpy().T, bias=True))
    return vectors[:, np.argsort(values)[::-1][:count]].T


def learned(form: str, cells: int) -> np.ndarray:
    rule, network, x = Oja(OjaConfig(form=form)), dense(6, cells, Tanh()), data()
    params, state = start(rule, network)
    settle(rule, network, params, state, x, 0.2, 500)
    return params[HIDDEN][0].numpy()


@pytest.mark.parametrize("form", ["subspace", "sanger"])
def test_a_single_cell_finds_the_first_principal_direction_at_unit_length(form: str) -> None:
    w = learned(form, 1)[0]
    assert np.linalg.norm(w) == pytest.approx(1, abs=1e-8)
    assert abs(w @ leading(data(), 1)[0]) == pytest.approx(1, abs=1e-8)


def test_several_cells_span_the_principal_subspace() -> None:
    w, basis = learned("subspace", 3), leading(data(), 3)
    np.testing.assert_allclose(w.T @ w, basis.T @ basis, atol=1e-6)  # the same projector
    np.testing.assert_allclose(w @ w.T, np.eye(3), atol=1e-6)
    assert np.abs(np.abs(w @ basis.T) - np.eye(3)).max() > 0.05  # some basis of it, not the eigenvectors


def test_sanger_finds_the_eigenvectors_in_order() -> None:
    np.testing.assert_allclose(np.abs(learned("sanger", 3) @ leading(data(), 3).T), np.eye(3), atol=1e-5)


def test_more_cells_than_dimensions_become_an_isometry() -> None:
    rule, network = Oja(OjaConfig()), dense(6, 9)
    params, state = start(rule, network)
    settle(rule, network, params, state, data(), 0.2, 400)
    w = params[HIDDEN][0]
    torch.testing.assert_close(w.T @ w, torch.eye(6, dtype=torch.float64), rtol=0, atol=1e-5)


def by_hand(form: str, w: Tensor, rows: Tensor) -> Tensor:
    """``dw_k = mean y_k (x - sum_l y_l w_l)``, the sum over all cells or over those up to k."""
    change = torch.zeros_like(w)
    for x in rows:
        y = w @ x
        for k in range(len(w)):
            those = range(len(w)) if form == "subspace" else range(k + 1)
            change[k] += y[k] * (x - sum(y[i] * w[i] for i in those))
    return change / len(rows)


@pytest.mark.parametrize("form", ["subspace", "sanger"])
def test_the_change_is_the_mean_of_every_cells_own_equation_also_over_positions(form: str) -> None:
    rule = Oja(OjaConfig(form=form, centre=False))
    for network, x, rows in (
        (dense(4, 3, Tanh()), randn(2, 5, 4), lambda one: one),
        (conv(Tanh()), randn(2, 3, 2, 9, 9), patches),
    ):
        params, state = start(rule, network, (3, 8))
        change, _ = step(rule, network, params, state, x)
        for r in range(2):
            w = params[HIDDEN][r].flatten(1)
            torch.testing.assert_close(change[r].flatten(1), by_hand(form, w, rows(x[r])), rtol=1e-10, atol=1e-12)
