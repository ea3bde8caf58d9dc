"""Tasks: loss, error and score against torch's losses, autograd and counting by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.tasks import Classification, Labelling, Regression, Retrieval


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def labels(*shape: int, classes: int) -> Tensor:
    return torch.randint(classes, shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("replicas", "target_replicas"), [(1, 1), (3, 3), (3, 1)])
def test_cross_entropy_and_its_error(replicas: int, target_replicas: int) -> None:
    task, out, y = Classification(4), randn(replicas, 6, 4), labels(target_replicas, 6, classes=4)
    out.mul_(5)
    losses, errors = [], []
    for r in range(replicas):
        leaf = out[r].clone().requires_grad_()
        losses.append(F.cross_entropy(leaf, y[r % target_replicas]))
        errors.append(-torch.autograd.grad(losses[-1], leaf)[0])
    torch.testing.assert_close(task.loss(out, y), torch.stack(losses).detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(task.error(out, y), torch.stack(errors), rtol=1e-12, atol=1e-12)


def test_cross_entropy_of_huge_scores_stays_finite() -> None:
    task, out, y = Classification(2), torch.tensor([[[1e4, -1e4], [1e4, -1e4]]]), torch.tensor([[0, 1]])
    assert task.loss(out, y).tolist() == [1e4]  # mean of 0 and 2e4
    assert task.error(out, y).tolist() == [[[0.0, 0.0], [-0.5, 0.5]]]


def test_accuracy_by_counting() -> None:
    out = torch.tensor([[[0.1, 0.9], [0.8, 0.2], [0.3, 0.4]], [[0.9, 0.1], [0.8, 0.2], [0.4, 0.3]]])
    shared, own = torch.tensor([[1, 0, 0]]), torch.tensor([[1, 0, 0], [1, 1, 1]])
    task = Classification(2)
    torch.testing.assert_close(task.score(out, shared), torch.tensor([2 / 3, 2 / 3], dtype=torch.float64))
    torch.testing.assert_close(task.score(out, own), torch.tensor([2 / 3, 0.0], dtype=torch.float64))
    assert task.has_score and not Regression().has_score


def test_codes_of_classes_are_unit_vectors_and_a_match() -> None:
    rows, match = Classification(3).codes(torch.tensor([[2, 0], [1, 1]]), torch.float64)
    assert rows.tolist() == [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]] and rows.dtype == torch.float64
    assert match is not None and match.dtype == torch.float64
    assert match.tolist() == [[[0, 0, 1], [1, 0, 0]], [[0, 1, 0], [0, 1, 0]]]


@pytest.mark.parametrize("shape", [(6, 4), (5, 2, 3, 3)])
@pytest.mark.parametrize(("replicas", "target_replicas"), [(1, 1), (3, 3), (3, 1)])
def test_mean_squared_error_and_its_error(replicas: int, target_replicas: int, shape: tuple[int, ...]) -> None:
    task, out, y = Regression(), randn(replicas, *shape), randn(target_replicas, *shape, seed=1)
    kept = out.clone(), y.clone()
    losses, errors = [], []
    for r in range(replicas):
        leaf = out[r].clone().requires_grad_()
        losses.append(F.mse_loss(leaf, y[r % target_replicas]))
        errors.append(-torch.autograd.grad(losses[-1], leaf)[0])
    torch.testing.assert_close(task.loss(out, y), torch.stack(losses).detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(task.error(out, y), torch.stack(errors), rtol=1e-12, atol=1e-12)
    assert torch.equal(out, kept[0]) and torch.equal(y, kept[1])


def test_regression_has_no_score_and_its_targets_are_the_codes() -> None:
    task, out, y = Regression(), randn(3, 2, 4), randn(1, 2, 4)
    assert task.score(out, y).shape == (3,) and task.score(out, y).isnan().all()
    rows, match = task.codes(y, torch.float32)
    assert match is None and rows.dtype == torch.float32 and torch.equal(rows, y.float())


def test_retrieval_is_the_two_sided_squared_error() -> None:
    """The two squared distances themselves, on real outputs; the error by autograd."""
    xi, out, y = randn(2, 3, 11).sign() * (randn(2, 3, 11, seed=3) > 0), randn(2, 4, 11, seed=1), labels(2, 4, classes=3)
    task = Retrieval(3, xi, d=0.5)
    leaf = out.clone().requires_grad_()
    distances = [((xi.unsqueeze(1) + sign * leaf.unsqueeze(2)) ** 2).sum(-1) / 22 for sign in (1, -1)]
    loss = (distances[0] * distances[1]).sum(-1).mean(-1)
    torch.testing.assert_close(task.loss(out, y), loss.detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(task.error(out, y), -torch.autograd.grad(loss.sum(), leaf)[0], rtol=1e-12, atol=1e-12)


def test_retrieval_counts_states_that_carry_their_pattern() -> None:
    xi = torch.tensor([[[1.0, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]]])
    task = Retrieval(2, xi, d=0.5)
    both, negative, half = [1.0] * 8, [-1.0] * 4 + [1.0] * 4, [1.0, 1, -1, -1] + [1.0] * 4
    out = torch.tensor([[both, both, negative, half, half]])
    assert task.score(out, torch.tensor([[0, 1, 0, 0, 1]])).tolist() == [0.8]
    assert task.overlaps(out)[0, 3].tolist() == [0.0, 0.5]
    assert torch.equal(task.target(torch.tensor([[1, 0]]), torch.float32), xi[:, [1, 0]])
    assert Retrieval(2, xi, d=0.5, M=4, r=0.5).rho == 0.75


def test_labelling_by_hand() -> None:
    """Right alone; right in a tie of two; wrong; right in a tie of all, in which the lowest class counts for the score."""
    out = torch.tensor([[[0.0, 2.0, 1.0], [3.0, 0.0, 3.0], [1.0, 0.5, 0.0], [0.0, 0.0, 0.0]]], dtype=torch.float64)
    y = torch.tensor([[1, 2, 2, 0]])
    task = Labelling(3)
    assert task.loss(out, y).tolist() == pytest.approx([(0 + 1 / 2 + 1 + 2 / 3) / 4])
    assert task.score(out, y).tolist() == [0.5]
    assert not task.error(out, y).any() and task.error(out, y).shape == out.shape
    both = task.loss(out.repeat(2, 1, 1), torch.tensor([[1, 2, 2, 0], [1, 0, 0, 0]]))
    assert both.tolist() == pytest.approx([2.1666666666666665 / 4, (1 / 2 + 2 / 3) / 4])
