"""Updates of ``plasticity=memristor`` beside plain sgd: 784-256-256-10, batches of 128, 5,120 images of MNIST.

``python benchmarks/memristor_plasticity.py --rounds 5``

Where aihwkit is installed (``pip install aihwkit``; its torchvision is not needed) a last row is its analogue network of the same shape on the
EcRam device, forward and backward passes perfect as ours are, updates by trains of at most 31 pulses: beside "ecram, single, stochastic".
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from bioplaus import config, data
from bioplaus.build import build_model, make_feeds
from bioplaus.engines.base import Block
from bioplaus.engines.loop import LoopEngine
from bioplaus.world import new_world

#: name -> settings
CANDIDATES = {
    "sgd": {"plasticity": "sgd"},
    "epiram, pair": {"plasticity.device": "epiram"},
    "epiram, single": {"plasticity.device": "epiram", "plasticity.cell": "single"},
    "ag_asi, pair": {"plasticity.device": "ag_asi"},
    "epiram, uni": {"plasticity.device": "epiram", "plasticity.update": "uni"},
    "epiram, sign": {"plasticity.device": "epiram", "plasticity.pulses": "sign"},
    "epiram, stochastic": {"plasticity.device": "epiram", "plasticity.pulses": "stochastic"},
    "ecram, pair": {"plasticity.device": "ecram"},
    "ecram, single, stochastic": {"plasticity.device": "ecram", "plasticity.cell": "single", "plasticity.pulses": "stochastic"},
    "ecram, tiki": {"plasticity.device": "ecram", "plasticity.update": "tiki"},
    "idealized, pair": {"plasticity.device": "idealized"},
}
BATCH, BATCHES = 128, 40


def prepared(values: dict[str, str]):  # type: ignore[no-untyped-def]
    """Return a function that runs the batches once, on a world that goes on."""
    given = {"rule": "bp", "rule.lr": 0.1, "data": "mnist", "data.limit": BATCH * BATCHES}
    given |= {"network.hidden": [256, 256], "network.norm": "none", "plasticity.clip": "none"}
    own = values if "plasticity" in values else {"plasticity": "memristor", **values}
    settings = config.resolve({**given, **own})
    splits = data.load(settings.data)
    device = torch.device("cpu")
    model, feeds = build_model(settings, splits, [0], device), make_feeds(settings, splits, device)
    world = new_world(model)
    index = torch.arange(len(feeds.train)).unsqueeze(0).split(BATCH, 1)[:BATCHES]
    return lambda: LoopEngine().advance(model, world, Block(feeds.train, index, 0, len(index), 10**6))


def in_aihwkit():  # type: ignore[no-untyped-def]
    """Return the same for aihwkit's network; None where it is not installed."""
    try:
        from aihwkit.nn import AnalogLinear, AnalogSequential
        from aihwkit.optim import AnalogSGD
        from aihwkit.simulator.configs import SingleRPUConfig
        from aihwkit.simulator.parameters import IOParameters, MappingParameter
        from aihwkit.simulator.presets import EcRamPresetDevice, PresetUpdateParameters
    except ImportError:
        return None
    perfect = IOParameters(is_perfect=True)
    whole = MappingParameter(max_input_size=0, max_output_size=0)
    rpu = SingleRPUConfig(mapping=whole, device=EcRamPresetDevice(), forward=perfect, backward=perfect, update=PresetUpdateParameters())
    torch.manual_seed(0)
    shapes = ((784, 256), (256, 256), (256, 10))
    layers = [part for i, o in shapes for part in (AnalogLinear(i, o, rpu_config=rpu), torch.nn.ELU())][:-1]
    network = AnalogSequential(*layers)
    optimiser = AnalogSGD(network.parameters(), lr=0.1)
    optimiser.regroup_param_groups(network)
    splits = data.load(config.resolve({"rule": "bp", "data": "mnist", "data.limit": BATCH * BATCHES}).data)
    x, y = (torch.as_tensor(part)[: BATCH * BATCHES] for part in (splits.train_x, splits.train_y))
    x = x.float().flatten(1)

    def once() -> None:
        for k in range(0, len(x), BATCH):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(network(x[k : k + BATCH]), y[k : k + BATCH]).backward()
            optimiser.step()

    return once


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    rounds, only = (args := parser.parse_args()).rounds, args.only
    torch.set_num_threads(1)
    runs = {name: prepared(values) for name, values in CANDIDATES.items() if name == "sgd" or only in name}
    if other := in_aihwkit():
        runs["aihwkit: ecram, single, stochastic"] = other
    times: dict[str, list[float]] = {name: [] for name in runs}
    for one in runs.values():
        one()
    for _ in range(rounds):
        for name, one in runs.items():
            began = time.process_time()
            one()
            times[name].append((time.process_time() - began) / BATCHES * 1e3)
    print("| plasticity | median ms of CPU per update | min - max | ratio to sgd |\n|---|---|---|---|")
    base = statistics.median(times["sgd"])
    for name, values in times.items():
        middle = statistics.median(values)
        print(f"| {name} | {middle:.2f} | {min(values):.2f} - {max(values):.2f} | {middle / base:.2f} |")


if __name__ == "__main__":
    main()
