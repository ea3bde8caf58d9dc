"""Drive the command line and the simulator from tests, with networks small enough for milliseconds."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import bioplaus
from bioplaus import checkpoint, cli, config, data
from bioplaus.api import Result, _finish
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.recorder import read_metrics, rows_of
from bioplaus.simulator import Interrupted, Simulator
from bioplaus.store import Store
from bioplaus.world import Model, World

ROOT = Path(bioplaus.__file__).resolve().parent.parent
#: 5 updates per epoch of the embedded digits
TINY: dict[str, Any] = {
    "data": "digits",
    "data.limit": 160,
    "batch_size": 32,
    "network.hidden": [8],
    "epochs": 3,
    "probes": [],
    "run.figures": False,
}
#: the same on the command line
TINY_WORDS = ("data.limit=160", "batch_size=32", "network.hidden=[8]", "epochs=3", "probes=[]", "run.figures=false")


@dataclass(frozen=True)
class Answer:
    """What a call of the command line left behind."""

    code: int
    out: str
    err: str


def command(*words: str) -> Answer:
    """Run ``bioplaus WORDS`` in this process."""
    out, err, code = io.StringIO(), io.StringIO(), None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main(words)
        except SystemExit as leaving:
            code = leaving.code
    assert isinstance(code, int), f"main left with {code!r}"
    return Answer(code, out.getvalue(), err.getvalue())


def process(*words: str, cwd: Path) -> subprocess.Popen[str]:
    """Start ``bioplaus WORDS`` in a process of its own, which listens to Ctrl-C even if this one was started in the background, and does not."""
    where = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "bioplaus", *words],
        cwd=cwd,
        env=where,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def started(given: dict[str, Any]) -> Simulator:
    """Return a simulator with a new run directory, about to start."""
    tiny = TINY if "network" not in given else {key: value for key, value in TINY.items() if key != "network.hidden"}
    settings = config.resolve({**tiny, **given})
    simulator = Simulator(settings, data.load(settings.data, settings.seed_list, settings.top.tasks))
    simulator.store = Store.create(settings, "cpu")
    return simulator


def reopened(path: Path) -> Simulator:
    """Return a simulator where the run in a directory stands, as `bioplaus resume` has it."""
    store = Store.open(path)
    settings = store.settings()
    simulator = Simulator(settings, data.load(settings.data, settings.seed_list, settings.top.tasks), store)
    simulator.restore()
    return simulator


def folder(simulator: Simulator) -> Path:
    """Return the run directory."""
    assert simulator.store is not None
    return simulator.store.path


def to_the_end(simulator: Simulator) -> Result:
    """Train to the end and write the summary."""
    simulator.run()
    return _finish(simulator)


class Halting(LoopEngine):
    """Asks its simulator to stop once a pack has done so many updates; `pack` counts from 0."""

    def __init__(self, simulator: Simulator, at: int, pack: int = 0) -> None:
        self.simulator, self.at, self.pack = simulator, at, pack

    def advance(self, model: Model, world: World, block: Block) -> dict[str, Tensor]:
        mine = model is self.simulator.packs[self.pack].model

        def stop() -> bool:
            if mine and world.step >= self.at:
                self.simulator._interrupt()
            return block.stop()

        return super().advance(model, world, replace(block, stop=stop))


def interrupted(given: dict[str, Any], at: int, pack: int = 0) -> Path:
    """Run until a pack has done ``at`` updates, be interrupted there, and return the run directory."""
    simulator = started(given)
    simulator.engine = Halting(simulator, at, pack)
    try:
        simulator.run()
    except Interrupted:
        assert simulator.packs[pack].world.step == at
        return folder(simulator)
    raise AssertionError("the run was not interrupted")


@dataclass(frozen=True)
class Kept:
    """All that two runs must have in common: arrays, state and rows."""

    last: dict[str, Tensor]
    best: dict[str, Tensor]
    epoch: int
    steps: list[int]
    chosen: list[int]
    rows: list[tuple[Any, ...]]


def kept(path: Path) -> Kept:
    """Read a run directory."""
    last, state = checkpoint.load(path / "checkpoints" / "last.safetensors")
    best, chosen = checkpoint.load(path / "checkpoints" / "best.safetensors")
    return Kept(last, best, state["epoch"], state["steps"], chosen["epoch"], rows_of(read_metrics(path / "metrics.parquet")))


def same_arrays(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    """Return whether two sets of arrays are equal bit for bit, NaN included."""
    return list(a) == list(b) and all(same_bits(a[key], b[key]) for key in a)


def same_bits(a: Tensor, b: Tensor) -> bool:
    """Return whether two arrays have one type, one shape and the same bytes."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return a.numel() == 0 or torch.equal(a.reshape(-1).view(torch.uint8), b.reshape(-1).view(torch.uint8))


def check_same(a: Path, b: Path) -> None:
    """Assert that two run directories hold the same run, bit for bit."""
    one, two = kept(a), kept(b)
    assert same_arrays(one.last, two.last)
    assert same_arrays(one.best, two.best)
    assert (one.epoch, one.steps, one.chosen) == (two.epoch, two.steps, two.chosen)
    assert one.rows == two.rows


def without_clock(summary: dict[str, Any]) -> dict[str, Any]:
    """Return a summary less what differs between two equal runs: where and how long, in stages too, whose table has a column for it."""
    kept = {key: value for key, value in summary.items() if key not in ("run_dir", "seconds")}
    if "cycles" in kept:
        kept["cycles"] = [{key: value for key, value in cycle.items() if not key.startswith("seconds")} for cycle in kept["cycles"]]
        kept["report"] = None
    return kept
