"""Spiking layers trained by surrogate gradients: our scans against snnTorch, and against SpikingJelly and Norse where they are installed.

    python benchmarks/spiking.py [--data DIR] [--rounds 7] [--threads 1] [--device cpu] [--parts iteration layer compile]

Candidates of a table take turns. With one thread times are seconds of the core (process time), which other processes disturb less than the
clock. MNIST if ``--data`` (or BIOPLAUS_DATA) has it, else random images of which a fifth of the pixels are lit.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import snntorch
import torch
from common import alternate, machine, report
from torch import Tensor, nn

from bioplaus import data, registry
from bioplaus.allocation import keeping_memory
from bioplaus.data.encodings import Encoding
from bioplaus.engines.base import Block
from bioplaus.errors import BioplausError
from bioplaus.feed import Feed
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.lif import Lif
from bioplaus.plasticity.adaptive import Adam
from bioplaus.rules.surrogate import Surrogate
from bioplaus.spiking.task import SpikingClassification
from bioplaus.streams import Streams
from bioplaus.world import Model, new_world

STEPS, BATCH, BATCHES, BETA, RATE = 25, 128, 5, 0.95, 5e-4
UNITS, LONG, FEW = 16_384, 500, 16
FIRST = """import time
import torch
from bioplaus.neurons.lif import Lif
began, unit = time.process_time(), Lif(beta=0.95)
out, cache = unit.forward(torch.ones(1, 2, 1, 8))
unit.pull(cache, out)
print(time.process_time() - began)
"""
Run = Callable[[], None]


def images(folder: str | None) -> tuple[Tensor, Tensor, str]:
    """Return pixels in [0, 1], classes, and what they are."""
    size = BATCH * BATCHES
    try:
        found = data.load(data.DataConfig(name="mnist", root=folder, standardise="none"))
        return torch.from_numpy(found.train_x[:size]).flatten(1), torch.from_numpy(found.train_y[:size]), "MNIST"
    except BioplausError:
        g = torch.Generator().manual_seed(0)
        x = torch.rand(size, 784, generator=g) * (torch.rand(size, 784, generator=g) < 0.2)
        return x, torch.randint(0, 10, (size,), generator=g), "random images"


def ours(x: Tensor, y: Tensor, encode: str, backend: str, device: torch.device) -> Run:
    """Return a function that trains 784-1000-10 on some batches through an engine of ours."""
    unit = Lif(beta=BETA, steps=STEPS)
    net, rule = Mlp.build(MlpConfig(hidden=[1000], bias=True), (784,), (10,), unit), Surrogate()
    networks, streams = rule.build(net), Streams((0,), device=device)
    rates = {"forward": torch.tensor([RATE], device=device)}
    model = Model(rule, networks, rule.groups(networks), rates, Adam(), SpikingClassification(10, unit.config), streams)
    feed = Feed(x.to(device), y.to(device), encoding=Encoding(encode, STEPS))
    order = torch.arange(len(x), device=device).view(1, -1).split(BATCH, 1)
    world, engine = new_world(model), registry.ENGINES.get(backend)()
    return lambda: _synchronised(lambda: engine.advance(model, world, Block(feed, order, 0, BATCHES, BATCHES)), device)


class Tutorial(nn.Module):
    """The network of snnTorch's tutorial 5, as its users write it."""

    def __init__(self) -> None:
        super().__init__()
        self.lower, self.upper = nn.Linear(784, 1000), nn.Linear(1000, 10)
        self.hidden, self.output = snntorch.Leaky(beta=BETA), snntorch.Leaky(beta=BETA)

    def forward(self, x: Tensor) -> Tensor:
        """Return the membrane ``[T, B, 10]`` for x ``[T or 1, B, 784]``."""
        u, v = self.hidden.reset_mem(), self.output.reset_mem()
        found = []
        for t in range(STEPS):
            spikes, u = self.hidden(self.lower(x[0 if len(x) == 1 else t]), u)
            _, v = self.output(self.upper(spikes), v)
            found.append(v)
        return torch.stack(found)


def plain(x: Tensor, y: Tensor, encode: str, device: torch.device) -> Run:
    """Return the tutorial's training loop on the same batches."""
    net, loss = Tutorial().to(device), nn.CrossEntropyLoss()
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    pairs = list(zip(x.to(device).split(BATCH), y.to(device).split(BATCH)))

    def epoch() -> None:
        for pixels, classes in pairs:
            steady = pixels.unsqueeze(0)
            membrane = net(steady if encode == "direct" else torch.bernoulli(steady.expand(STEPS, -1, -1)))
            total = sum(loss(now, classes) for now in membrane)
            optimiser.zero_grad()
            total.backward()
            optimiser.step()

    return lambda: _synchronised(epoch, device)


def _synchronised(run: Callable[[], Any], device: torch.device) -> None:
    run()
    if device.type == "cuda":
        torch.cuda.synchronize()


def in_steps(step: Callable[[Tensor, Any], tuple[Tensor, Any]], current: Tensor, error: Tensor) -> None:
    """Run a unit of another library over ``[T, B, N]``, forward and backward."""
    leaf, state, found = current.detach().requires_grad_(), None, []
    for now in leaf:
        spikes, state = step(now, state)
        found.append(spikes)
    torch.stack(found).backward(error)


def layers(device: torch.device) -> tuple[dict[str, Run], list[str]]:
    """Return one layer's forward and backward pass in each library, and the names of those that are not installed."""
    g = torch.Generator().manual_seed(0)
    current = (0.05 + 0.2 * torch.randn(1, FEW, LONG, UNITS, generator=g)).to(device)
    error = torch.randn(1, FEW, LONG, UNITS, generator=g).to(device)
    first, at_first = (one[0].transpose(0, 1).contiguous() for one in (current, error))
    unit, leaky = Lif(beta=BETA), snntorch.Leaky(beta=BETA).to(device)

    def ours() -> None:
        _, cache = unit.forward(current)
        unit.pull(cache, error)

    def step(x: Tensor, u: Any) -> tuple[Tensor, Any]:
        spikes, membrane = leaky(x, torch.zeros_like(x) if u is None else u)
        return spikes, membrane

    found: dict[str, Run] = {"ours": ours, "snnTorch": lambda: in_steps(step, first, at_first)}
    missing = []
    for name, make in (("SpikingJelly", _spikingjelly), ("Norse", _norse)):
        try:
            found[name] = make(first, at_first, device)
        except ImportError:
            missing.append(name)
    return {name: (lambda run=run: _synchronised(run, device)) for name, run in found.items()}, missing


def _spikingjelly(current: Tensor, error: Tensor, device: torch.device) -> Run:
    neuron = importlib.import_module("spikingjelly.activation_based.neuron")
    surrogate = importlib.import_module("spikingjelly.activation_based.surrogate")
    settings = {"decay_input": False, "v_reset": None, "detach_reset": True, "step_mode": "m"}
    unit = neuron.LIFNode(tau=1 / (1 - BETA), surrogate_function=surrogate.ATan(alpha=2.0), **settings).to(device)

    def run() -> None:
        unit(current.detach().requires_grad_()).backward(error)
        unit.reset()

    return run


def _norse(current: Tensor, error: Tensor, device: torch.device) -> Run:
    norse = importlib.import_module("norse.torch")
    decay = torch.as_tensor((1 - BETA) * 1000, device=device)  # per second, in steps of 1 ms
    cell = norse.LIFBoxCell(norse.LIFBoxParameters(tau_mem_inv=decay)).to(device)
    scaled = current / (1 - BETA)  # its current is multiplied by dt / tau
    return lambda: in_steps(cell, scaled, error)


def compile_times(rounds: int) -> list[str]:
    """Return seconds of the first forward and backward pass of a LIF layer, with an empty cache of compiled code and with a filled one."""
    times: dict[str, list[float]] = {"first ever": [], "later process": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as cache:
            setting = {
                **os.environ,
                "NUMBA_CACHE_DIR": cache,
                "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
            }
            for found in times.values():
                words = [sys.executable, "-c", FIRST]
                found.append(
                    float(subprocess.run(words, env=setting, capture_output=True, text=True, check=True).stdout)
                )
    return [
        f"| {name} | {statistics.median(found):.2f} | {min(found):.2f} - {max(found):.2f} |"
        for name, found in times.items()
    ]


def ratio(times: dict[str, list[float]], name: str, goal: str) -> str:
    """Return by how much ours is faster, of medians and of the least times, and the goal."""
    middle, least = (f(times[name]) / f(times["ours"]) for f in (statistics.median, min))
    return f"\n{name}: {middle:.1f} x our time (median), {least:.1f} x (least){goal}\n"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("BIOPLAUS_DATA"))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--parts", nargs="+", choices=["iteration", "layer", "compile"], default=["iteration", "layer", "compile"]
    )
    args = parser.parse_args()
    device = torch.device(args.device)
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: no usable GPU was found")
    torch.set_num_threads(args.threads)
    clock = time.perf_counter if args.device == "cuda" or args.threads > 1 else time.process_time
    print(f"{machine()}, {torch.cuda.get_device_name() if args.device == 'cuda' else 'cpu'}\n")
    with keeping_memory():
        if "iteration" in args.parts:
            x, y, source = images(args.data)
            for encode, goal in (("direct", 8), ("rate", 2)):
                candidates = {
                    "ours": ours(x, y, encode, "loop", device),
                    "ours, backend=snntorch": ours(x, y, encode, "snntorch", device),
                    "snnTorch, tutorial 5": plain(x, y, encode, device),
                }
                times = {
                    name: [t / BATCHES for t in found]
                    for name, found in alternate(candidates, args.rounds, clock).items()
                }
                print(
                    report(
                        f"An iteration of 784-1000-10, batch {BATCH}, T = {STEPS}, {source}, encode={encode}",
                        times,
                        "ours",
                    )
                )
                print(ratio(times, "snnTorch, tutorial 5", f"; goal {goal} x"), flush=True)
        if "layer" in args.parts:
            units, missing = layers(device)
            times = alternate(units, max(2, args.rounds // 2), clock)
            print(
                report(
                    f"One layer of {UNITS:,} LIF units, batch {FEW}, T = {LONG}, forward and backward", times, "ours"
                )
            )
            print("".join(f"\n{name}: not installed" for name in missing))
            print(ratio(times, "snnTorch", ""), flush=True)
    if "compile" in args.parts and args.device == "cpu":
        print("### First pass of a LIF layer, with compilation, in seconds of the core\n\n| process | median s | min - max |\n|---|---|---|")
        print(*compile_times(3), sep="\n")


if __name__ == "__main__":
    main()
