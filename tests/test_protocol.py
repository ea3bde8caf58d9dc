"""Which samples of a run are used for what: training learns, validation selects, the test set is read once at the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bioplaus import config, data, summary
from bioplaus.data.base import Splits
from bioplaus.feed import Feed
from bioplaus.simulator import Simulator

KEYS: dict[str, Any] = {
    "data": "synthetic",
    "data.limit": 150,
    "network.hidden": [6],
    "epochs": 3,
    "seeds": 2,
    "batch_size": 32,
    "probes": [],
    "dtype": "float64",
    "rule.lr": 1.0,
}


def simulator(splits: Splits | None = None, **keys: Any) -> Simulator:
    settings = config.resolve({**KEYS, **keys}, locate=False)
    return Simulator(settings, data.load(settings.data) if splits is None else splits)


def finished(splits: Splits | None = None, **keys: Any) -> Simulator:
    found = simulator(splits, **keys)
    found.run()
    return found


def swapped(splits: Splits, part: str) -> Splits:
    """The same splits with other samples and labels in one part."""
    x, y = getattr(splits, f"{part}_x"), getattr(splits, f"{part}_y")
    return replace(splits, **{f"{part}_x": x[::-1] * 3 - 1, f"{part}_y": (y + 1) % splits.classes})


def weights(found: Simulator, chosen: bool) -> dict[str, torch.Tensor]:
    (pack,) = found.packs
    return {k: v for k, v in (pack.best.arrays if chosen else pack.world.arrays()).items() if k.startswith("params/")}


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_the_test_set_decides_nothing() -> None:
    plain = finished()
    other = finished(swapped(plain.splits, "test"))
    assert plain.recorder.rows == other.recorder.rows and plain.recorder.rows
    assert torch.equal(plain.packs[0].best.epoch, other.packs[0].best.epoch)
    assert equal(weights(plain, chosen=True), weights(other, chosen=True))
    assert summary.test_scores(plain, plain.feeds.test) != summary.test_scores(other, other.feeds.test)


def test_validation_samples_teach_nothing_but_select() -> None:
    plain = finished()
    other = finished(swapped(plain.splits, "validation"))
    assert equal(weights(plain, chosen=False), weights(other, chosen=False))
    rows = [[row for row in found.recorder.rows if row[3] == "validation"] for found in (plain, other)]
    assert rows[0] != rows[1]


def outputs(x: NDArray[Any], arrays: dict[str, torch.Tensor], seed: int) -> NDArray[Any]:
    """A perceptron with elu units, in numpy."""
    first, last = (arrays[f"params/forward/{i}/weight"][seed].numpy() for i in (0, 1))
    z = x.astype(np.float64) @ first.T
    return np.where(z > 0, z, np.expm1(z)) @ last.T


def test_what_is_tested_are_the_selected_weights() -> None:
    found = finished()
    arrays, splits = weights(found, chosen=True), found.splits
    for value in found.packs[0].world.params.values():
        value.zero_()  # whatever came after the selected epoch
    scores = summary.summarise_run(found)["test_accuracy"]["values"]
    for seed in range(2):
        hits = outputs(splits.test_x, arrays, seed).argmax(1) == splits.test_y
        assert scores[seed] == pytest.approx(hits.mean(), abs=1e-12)


def test_the_selected_epoch_is_that_of_the_lowest_validation_loss() -> None:
    found = finished(epochs=6, **{"rule.lr": 8.0})
    for i, seed in enumerate(found.seeds):
        losses = {row[0]: row[6] for row in found.recorder.rows if row[2:5] == (seed, "validation", "loss")}
        assert int(found.packs[0].best.epoch[i]) == min(losses, key=lambda epoch: losses[epoch])


@pytest.mark.parametrize("every", [0, 2, 3])
def test_each_sample_is_learnt_once_an_epoch(every: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without pauses for probes within an epoch; the last batch is the short one."""
    seen: list[torch.Tensor] = []
    batch = Feed.batch

    def counted(self: Feed, index: torch.Tensor, streams: Any = None) -> Any:
        seen.extend([index] if streams is not None else [])
        return batch(self, index, streams)

    monkeypatch.setattr(Feed, "batch", counted)
    finished(probe_every=every)
    assert [index.shape[1] for index in seen] == [32, 32, 32, 32, 22] * 3
    for epoch in range(3):
        rows = torch.cat(seen[5 * epoch : 5 * epoch + 5], 1)
        for order in rows:
            assert order.sort().values.tolist() == list(range(150))
        assert not torch.equal(rows[0], rows[1])
    assert not torch.equal(seen[0], seen[5])


def test_pauses_change_nothing() -> None:
    plain, paused = finished(), finished(probe_every=2)
    assert equal(weights(plain, chosen=False), weights(paused, chosen=False))
