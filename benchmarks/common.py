"""What the benchmarks share: the model under test, alternating timing, and a table of ratios."""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from bioplaus import config, data, registry
from bioplaus.build import build_model, make_feeds
from bioplaus.engines.base import Block
from bioplaus.world import new_world

for kind in (np.float32, np.float64):  # numpy measures these once, and would warn afterwards
    np.finfo(kind).smallest_subnormal  # noqa: B018
torch.set_flush_denormal(True)  # as the simulator does, for every candidate


def epoch_of(overrides: Mapping[str, Any], replicas: int = 1, device: str = "cpu") -> Callable[[], None]:
    """Return a function that trains one epoch of a run with these overrides, replicas batched together."""
    settings = config.resolve({**overrides, "seeds": replicas})
    splits = data.load(settings.data)
    target = torch.device(device)
    feeds = make_feeds(settings, splits, target)
    model = build_model(settings, splits, list(range(replicas)), target)
    world, engine = new_world(model), registry.ENGINES.get(settings.top.backend)()
    size = settings.top.batch_size
    per_epoch = -(-len(feeds.train) // size)

    def epoch() -> None:
        number = world.step // per_epoch
        batches = feeds.train.order(model.streams, number).split(size, dim=1)
        engine.advance(model, world, Block(feeds.train, batches, number, per_epoch, 100 * per_epoch))
        if target.type == "cuda":
            torch.cuda.synchronize()

    return epoch


def alternate(
    candidates: Mapping[str, Callable[[], None]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Time the candidates in turn, round after round, so that a busy moment hits all of them; the first round warms up and is dropped."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name, run in candidates.items():
            began = clock()
            run()
            if turn:
                times[name].append(clock() - began)
    return times


def report(title: str, times: Mapping[str, list[float]], reference: str) -> str:
    """Return median, spread and ratio of each candidate to the reference, as a Markdown table."""
    base = statistics.median(times[reference])
    lines = [f"### {title}", "", f"| candidate | median s | min - max | time / {reference} |", "|---|---|---|---|"]
    for name, values in times.items():
        middle = statistics.median(values)
        lines.append(f"| {name} | {middle:.3f} | {min(values):.3f} - {max(values):.3f} | {middle / base:.2f} |")
    return "\n".join(lines)


def machine() -> str:
    """Return what it was measured on."""
    return f"torch {torch.__version__}, Python {platform.python_version()}, {torch.get_num_threads()} thread(s), {platform.platform()}"
