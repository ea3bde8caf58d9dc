"""Products with few spikes against dense ones, and when they are used."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bioplaus.connections import DenseConnection, _gather, dense

PRE, POST = 37, 211


def spikes(share: float, rows: int, dtype: torch.dtype = torch.float64) -> Tensor:
    g = torch.Generator().manual_seed(0)
    x = (torch.rand(rows, PRE, generator=g) < share).to(dtype)
    x[:, 5] = 0
    x[:, 7] = 1  # one that always fires, more often than a chunk is long
    x[3] = 0
    return x


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("rows", [1, 4, 127, 128, 129, 400])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.2, 0.7])
def test_equal_to_the_dense_products(rows: int, share: float, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr("bioplaus.neurons._threads.SHARE", 1)
    x = spikes(share, max(rows, 4))[:rows]
    g = torch.Generator().manual_seed(1)
    w, post = (
        torch.randn(POST, PRE, generator=g, dtype=torch.float64),
        torch.randn(rows, POST, generator=g, dtype=torch.float64),
    )
    torch.testing.assert_close(_gather.sent(w, x), x @ w.T, rtol=1e-13, atol=1e-12)
    torch.testing.assert_close(_gather.correlated(x, post), post.T @ x, rtol=1e-13, atol=1e-12)


def test_no_number_of_threads_changes_a_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bioplaus.neurons._threads.SHARE", 1)
    x = spikes(0.1, 300, torch.float32)
    w, post = torch.randn(POST, PRE), torch.randn(300, POST)
    found = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        found.append((_gather.sent(w, x), _gather.correlated(x, post)))
    assert all(torch.equal(a, b) for one in found[1:] for a, b in zip(found[0], one))


def test_used_for_few_ones_alone() -> None:
    few = spikes(0.1, 50)
    assert _gather.few(few, POST) and _gather.few(torch.zeros(4, 5), POST)
    assert not _gather.few(few, _gather.WIDTH - 1), "a narrow layer"
    assert not _gather.few(spikes(0.4, 50), POST), "many ones"
    for value in (-1.0, 0.5, 2.0, float("nan")):
        other = few.clone()
        other[-1, -1] = value
        assert not _gather.few(other, POST), "anything but spikes"
    assert not _gather.few(few.to(torch.bfloat16), POST) and not _gather.few(few.T, POST)


@pytest.mark.parametrize("post", [3, POST])
@pytest.mark.parametrize("kind", ["spikes", "signed", "dense"])
def test_verbs_over_time_equal_those_step_by_step(post: int, kind: str) -> None:
    """Each step alone has no time axis, and goes by the dense products."""
    x = spikes(0.1, 60).view(1, 12, 5, PRE)
    x = {
        "spikes": x,
        "signed": x * torch.tensor([1.0, -1.0, 1.0, 1.0, 2.0], dtype=x.dtype).view(1, 1, 5, 1),
        "dense": x + 0.3,
    }[kind]
    c = DenseConnection((PRE,), (post,))
    w, e = torch.randn(1, post, PRE, dtype=torch.float64), torch.randn(1, 12, 5, post, dtype=torch.float64)
    steps = range(5)
    torch.testing.assert_close(
        c.send(w, x), torch.stack([c.send(w, x[:, :, t]) for t in steps], 2), rtol=1e-12, atol=1e-12
    )
    change = sum(c.correlate(x[:, :, t], e[:, :, t]) for t in steps)
    torch.testing.assert_close(c.correlate(x, e), change, rtol=1e-12, atol=1e-12)
    weight, rate = w.clone(), torch.tensor([0.3], dtype=torch.float64)
    c.accumulate(weight, x, e, rate)
    torch.testing.assert_close(weight, w + 0.3 * change, rtol=1e-12, atol=1e-12)


def test_autograd_sees_a_product() -> None:
    c = DenseConnection((PRE,), (POST,))
    w = torch.randn(1, POST, PRE, dtype=torch.float64, requires_grad=True)
    x, e = spikes(0.1, 60).view(1, 12, 5, PRE), torch.randn(1, 12, 5, POST, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(c.send(w, x), w, e)
    torch.testing.assert_close(gradient, c.correlate(x, e), rtol=1e-12, atol=1e-12)
    assert dense._watched(w) and not dense._watched(x)
