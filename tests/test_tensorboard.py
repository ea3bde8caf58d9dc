"""Events of TensorBoard: every measurement once, also after a run went on, and nothing of it where it is not asked for."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import pytest
from driving import TINY, command

from bioplaus import api, load
from bioplaus.errors import ConfigError
from bioplaus.recorder import rows_of
from bioplaus.simulator import Interrupted
from bioplaus.tensorboard import Events

SETTINGS: dict[str, Any] = {**TINY, "rule": "ccl", "seeds": 2, "probes": ["angle"], "run.tensorboard": True}


def events(run: Path) -> set[tuple[int, int, str, float]]:
    """Return (seed, step, tag, value) of every scalar, read by TensorBoard itself; a scalar that is there twice fails."""
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = []
    for folder in sorted((run / "tensorboard").iterdir()):
        read = loader.EventAccumulator(str(folder), size_guidance={"scalars": 0})
        read.Reload()
        seed = int(folder.name.removeprefix("seed "))
        found += [(seed, one.step, tag, one.value) for tag in read.Tags()["scalars"] for one in read.Scalars(tag)]
    assert len(found) == len(set(found))
    return set(found)


def expected(run: Path) -> dict[tuple[int, int, str], float]:
    rows = rows_of(load(run).metrics)
    return {
        (seed, step, f"{split}/{metric}" + ("" if layer is None else f"/layer {layer}")): value
        for _, step, seed, split, metric, layer, value in rows
        if value is not None
    }


def check(run: Path) -> None:
    found, wanted = events(run), expected(run)
    assert {one[:3] for one in found} == set(wanted) and len(wanted) > 20
    assert all(math.isclose(value, wanted[seed, step, tag], rel_tol=1e-6, abs_tol=1e-30) for seed, step, tag, value in found)


def test_every_measurement_is_there(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    run = api.simulate({**SETTINGS, "run.root": str(tmp_path)}).run_dir
    assert run is not None
    check(run)


def test_a_run_that_goes_on_shows_each_number_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    write = Events.__call__

    def broken(self: Events, run: Path, rows: Any) -> None:
        write(self, run, rows)
        if len({row[0] for row in rows}) == 3:  # after two epochs
            raise Interrupted("enough")

    monkeypatch.setattr(Events, "__call__", broken)
    with pytest.raises(Interrupted):
        api.simulate({**SETTINGS, "run.root": str(tmp_path)})
    monkeypatch.undo()
    (run,) = tmp_path.iterdir()
    api.resume(run)
    check(run)


def test_it_is_off_by_default(tmp_path: Path) -> None:
    run = api.simulate({**SETTINGS, "run.root": str(tmp_path), "run.tensorboard": False}).run_dir
    assert run is not None and not (run / "tensorboard").exists()


def test_what_is_missing_is_said_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"run\.save=false makes none"):
        api.simulate({**SETTINGS, "run.save": False})
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name == "tensorboard" else real(name, *more))
    refused = command("simulate", "rule=ccl", "run.tensorboard=true", f"run.root={tmp_path}")
    assert refused.code == 2 and refused.err.endswith("pip install tensorboard\n") and not list(tmp_path.iterdir())
