"""Peak memory of one batch against its number of time steps: gradients through time, by our scans and by autograd, and rules forward in time.

    python benchmarks/spiking_memory.py [--steps 25 50 100 200 400] [--figure benchmarks/spiking_memory.png]

Each figure is the peak of a process of its own while it learns one batch, less what it held before: input, weights and compiled code do not
count. Linux only. 784-1000-10 LIF units, 32 samples, spikes at 13 % as input.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import torch

from bioplaus import registry
from bioplaus.allocation import keeping_memory
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.engines.snntorch_loop import SnntorchEngine
from bioplaus.feed import Feed
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.lif import Lif
from bioplaus.plasticity.sgd import Sgd
from bioplaus.plots.style import BLUE, INK, MUTED, VERMILION, log_axis, log_x, new_figure
from bioplaus.spiking.task import SpikingClassification
from bioplaus.streams import Streams
from bioplaus.world import Model, new_world

SAMPLES, INPUTS, UNITS, CLASSES = 32, 784, 1000, 10
#: label -> rule, its settings, engine
WAYS = {
    "surrogate": ("surrogate", {}, LoopEngine),
    "surrogate by snnTorch": ("surrogate", {}, SnntorchEngine),
    "e-prop, form=online": ("eprop", {"form": "online"}, LoopEngine),
    "DECOLLE": ("decolle", {}, LoopEngine),
}
LOOK = {
    "surrogate": (BLUE, "-"),
    "surrogate by snnTorch": (BLUE, ":"),
    "e-prop, form=online": (VERMILION, "-"),
    "DECOLLE": (VERMILION, ":"),
}


def peak(way: str, steps: int) -> float:
    """Return MB at the peak of one batch beyond what was there before, in this process."""
    name, settings, engine = WAYS[way]
    family = registry.RULES.get(name)
    rule = family(family.Config(**settings))
    torch.set_num_threads(1)

    def batch(steps: int) -> None:
        unit = Lif(beta=0.95, steps=steps)
        networks = rule.build(Mlp.build(MlpConfig(hidden=[UNITS]), (INPUTS,), (CLASSES,), unit))
        groups = rule.groups(networks)
        rates = {key: torch.full((1,), 1e-4) for key, group in groups.items() if not group.frozen}
        model = Model(rule, networks, groups, rates, Sgd(), SpikingClassification(CLASSES, unit.config), Streams((0,)))
        world = new_world(model)
        x = torch.empty(SAMPLES, steps, INPUTS).bernoulli_(0.13, generator=torch.Generator().manual_seed(0))
        feed = Feed(x, torch.arange(SAMPLES) % CLASSES)
        # shared with the batch, not copied: an index of every sample once would copy it
        samples = feed.batch(torch.arange(SAMPLES).unsqueeze(0))
        object.__setattr__(feed, "batch", lambda index, streams: samples)
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        found.append(_status("VmRSS"))
        engine().advance(model, world, Block(feed, (torch.arange(SAMPLES).unsqueeze(0),), 0, 1, 1))
        found.append(_status("VmHWM"))

    found: list[float] = []
    with keeping_memory():
        batch(2)
    with keeping_memory():
        batch(steps)
    return found[-1] - found[-2]


def _status(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


def measure(way: str, steps: int) -> float:
    """Return the peak of a fresh process."""
    setting = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    words = [sys.executable, __file__, "--one", way, "--steps", str(steps)]
    return float(subprocess.run(words, env=setting, capture_output=True, text=True, check=True).stdout)


def closed_form(steps: int) -> float:
    """Return MB of membrane and spikes of the hidden layer, in single precision."""
    return 4 * SAMPLES * steps * 2 * UNITS / 2**20


def draw(steps: list[int], found: dict[str, list[float]], path: str) -> None:
    """Draw peaks against steps."""
    figure, (ax,) = new_figure("Peak memory of one batch")
    for way, values in found.items():
        colour, line = LOOK[way]
        ax.plot(
            steps,
            [max(value, 1.0) for value in values],
            "o" + line,
            color=colour,
            markersize=3.5,
            linewidth=1.4,
            label=way,
        )
    ax.plot(
        steps,
        [closed_form(t) for t in steps],
        "--",
        color=MUTED,
        linewidth=1.0,
        label="membrane and spikes of the hidden layer",
    )
    values = [value for line in found.values() for value in line] + [closed_form(steps[0])]
    log_x(ax)
    log_axis(ax, 1.0, max(values))
    ax.set_xlabel("time steps T", fontsize=9, color=INK)
    ax.set_ylabel("MB beyond input and weights", fontsize=9.5, color=INK)
    ax.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 0.07))
    note = f"784-1000-10 LIF units, {SAMPLES} samples, spikes at 13 % as input; a process for each point; below 1 MB drawn at 1."
    figure.supxlabel(note, x=0.012, ha="left", fontsize=8, color=MUTED)
    figure.savefig(path)


def main() -> None:
    """Print the table and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[25, 50, 100, 200, 400])
    parser.add_argument("--figure", default=str(Path(__file__).with_name("spiking_memory.png")))
    parser.add_argument("--one", choices=list(WAYS), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(peak(args.one, args.steps[0]))
        return
    print(f"torch {torch.__version__}; MB at the peak of one batch\n\n| T | {' | '.join(WAYS)} | membrane and spikes |")
    print("|---" * (len(WAYS) + 2) + "|")
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for steps in args.steps:
        for way, values in found.items():
            values.append(measure(way, steps))
        cells = [f"{values[-1]:.0f}" if values[-1] >= 1 else "< 1" for values in found.values()]
        print(f"| {steps} | {' | '.join(cells)} | {closed_form(steps):.0f} |", flush=True)
    draw(args.steps, found, args.figure)


if __name__ == "__main__":
    main()
