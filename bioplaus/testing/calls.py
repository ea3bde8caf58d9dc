"""One batch: what `learn` must yield and return, and what it must leave alone."""

from __future__ import annotations

import json
from dataclasses import replace

import torch

from bioplaus.testing.checks import check
from bioplaus.testing.kit import Case, build, close, drain, row, same, snapshot
from bioplaus.view import Batch


@check("case", "network", "replicas")
def two_equal_calls_give_equal_results(case: Case, network: str, replicas: int) -> None:
    """The same weights and batch give the same changes, bit for bit. A rule that fails draws from torch's own generator (draw from
    `view.streams`), or remembers a call.
    """
    run = build(case, network, replicas)
    (first, learned), (second, again) = drain(run), drain(run)
    assert same(first, second)
    for name in ("metrics", "state", "running"):
        assert same(getattr(learned, name), getattr(again, name))


@check("case", "network", "replicas")
def nothing_is_written_and_nothing_is_kept(case: Case, network: str, replicas: int) -> None:
    """`learn` writes to no weight, state or batch, and keeps nothing on itself. Yield `Wanted(...)`, and return new state in `Learned(...,
    state=...)`.
    """
    run = build(case, network, replicas, network__norm="batch")
    batch = run.batch()
    before, x, y, settings = snapshot(run.world.arrays()), batch.x.clone(), batch.y.clone(), repr(run.model.rule.config)
    drain(run, batch)
    assert same(run.world.arrays(), before)
    assert torch.equal(batch.x, x) and torch.equal(batch.y, y)
    assert vars(run.model.rule).keys() == {"config"} and repr(run.model.rule.config) == settings


@check("case", "network", "replicas", "dtype")
def wanted_changes_fit_the_weights_and_are_finite(case: Case, network: str, replicas: int, dtype: str) -> None:
    """Each wanted change has the shape ``[replicas, ...]``, precision and device of its weight, and finite numbers."""
    run = build(case, network, replicas, dtype=dtype)
    assert {value.dtype for value in run.world.params.values()} == {getattr(torch, dtype)}
    wanted, learned = drain(run)
    assert wanted
    for key, value in wanted.items():
        weight = run.world.params[key.partition("|")[2]]
        assert value.shape == weight.shape and value.shape[0] == replicas
        assert value.dtype == weight.dtype and value.device == weight.device
        assert torch.isfinite(value).all()
    for kept, new in ((run.world.buffers, learned.running), (run.world.state, learned.state)):
        for key, value in new.items():
            assert value.dtype == kept[key].dtype and value.shape[0] == replicas


@check("case", "network", "replicas")
def metrics_are_numbers_per_replica_with_a_loss(case: Case, network: str, replicas: int) -> None:
    """`Learned.metrics` holds a "loss", and every number in it once per replica, ``[replicas]``."""
    _, learned = drain(build(case, network, replicas))
    assert "loss" in learned.metrics
    for key, value in learned.metrics.items():
        assert isinstance(key, str) and value.shape == (replicas,) and torch.isfinite(value).all()
    assert len(json.loads(json.dumps({k: v.tolist() for k, v in learned.metrics.items()}))["loss"]) == replicas


@check("case", "network", "replicas")
def a_batch_of_one_works(case: Case, network: str, replicas: int) -> None:
    """A batch may hold one sample: no division by B - 1, and no axis squeezed away."""
    run = build(case, network, replicas)
    wanted, learned = drain(run, run.batch(1))
    assert wanted and all(torch.isfinite(value).all() for value in (*wanted.values(), *learned.metrics.values()))


@check("case", "network", "replicas")
def the_order_within_a_batch_does_not_matter(case: Case, network: str, replicas: int) -> None:
    """A batch is a set: its samples in another order give the same changes."""
    run = build(case, network, replicas)
    batch = run.batch()
    order = torch.tensor([3, 8, 0, 5, 1, 7, 2, 6, 4])
    moved = Batch(batch.x[:, order], batch.y[:, order])
    assert not torch.equal(moved.y, batch.y)
    (wanted, learned), (again, relearned) = drain(run, batch), drain(run, moved)
    close(wanted, again, rtol=1e-6, atol=1e-12)
    close(learned.metrics, relearned.metrics, rtol=1e-6)


@check("case", "network", "replicas")
def the_size_of_a_change_does_not_grow_with_the_batch(case: Case, network: str, replicas: int) -> None:
    """Every sample twice: means over the batch stay, sums would double."""
    run = build(case, network, replicas)
    batch = run.batch()
    wanted, _ = drain(run, batch)
    again, _ = drain(run, Batch(batch.x.repeat_interleave(2, 1), batch.y.repeat_interleave(2, 1)))
    close(wanted, again, rtol=1e-4, atol=1e-8)


@check("case", "network")
def a_batch_shared_by_the_replicas_is_the_same_batch_repeated(case: Case, network: str) -> None:
    """A batch ``[1, B, ...]`` is for all replicas: the same as one that holds it once per replica."""
    run = build(case, network, 3)
    batch = run.batch()
    shared = Batch(batch.x[:1], batch.y[:1])
    wanted, learned = drain(run, shared)
    repeated, relearned = drain(run, Batch(*(side.repeat(3, *[1] * (side.dim() - 1)) for side in (shared.x, shared.y))))
    close(wanted, repeated)
    close(learned.metrics, relearned.metrics)


@check("case", "network")
def replicas_do_not_see_each_other(case: Case, network: str) -> None:
    """Replicas are independent networks: sum and average over samples, never over the first axis."""
    run = build(case, network, 3)
    batch = run.batch()
    wanted, _ = drain(run, batch)
    other = run.with_world(run.world.copy())
    for value in other.world.params.values():
        value[1] += 1
    moved, _ = drain(other, replace(batch, x=batch.x * torch.tensor([1, -2, 1]).view(3, *[1] * (batch.x.dim() - 1))))
    for r in (0, 2):
        assert same(row(wanted, r), row(moved, r))
    assert not same(row(wanted, 1), row(moved, 1))
