"""Seconds per epoch of each rule, relative to our backprop and to the rule's own count of floating-point operations.

    BIOPLAUS_DATA=DIR python benchmarks/rules.py [--rounds 5] [--threads 1] [--rules fa,dfa] [--data mnist] [--limit 12800]

Every rule trains the same network on the same samples at the same batch size, plain gradient steps without clipping; a rule with iterations or
several updates per batch pays for them. "time / BP" over "FLOPs / BP" tells how well a rule uses the machine: 1 is as well as backprop.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import torch
from common import alternate, epoch_of, machine

from bioplaus import config, data, registry
from bioplaus.build import build_model, make_feeds
from bioplaus.errors import ConfigError
from bioplaus.flops import flops_per_sample
from bioplaus.world import new_world


def cost(run: dict[str, Any]) -> float:
    """Return FLOPs per sample and batch of a run."""
    settings = config.resolve(run)
    splits, device = data.load(settings.data), torch.device("cpu")
    model = build_model(settings, splits, [0], device)
    batch = make_feeds(settings, splits, device).train.batch(torch.arange(settings.top.batch_size).unsqueeze(0))
    return flops_per_sample(model, new_world(model), batch)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rules", default=",".join(registry.RULES.names()))
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--limit", type=int, default=12_800)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    same = {"data": args.data, "data.limit": args.limit, "neuron": "elu", "plasticity": "sgd", "plasticity.clip": "none", "batch_size": 256}
    print(f"{machine()}; {args.data}, {args.limit} images, batch 256, ELU\n")
    print("| rule | time / BP | MFLOP per sample | FLOPs / BP | time per FLOP / BP |")
    print("|---|---|---|---|---|")
    exact = cost({"rule": "bp", **same})
    for rule in args.rules.split(","):
        run = {"rule": rule, **same}
        try:
            flops = cost(run)
        except ConfigError as refusal:
            print(f"| {rule} | refused: {refusal} | | | |", flush=True)
            continue
        times = alternate({"bp": epoch_of({"rule": "bp", **same}), rule: epoch_of(run)}, args.rounds)
        ratio = statistics.median(times[rule]) / statistics.median(times["bp"])
        print(f"| {rule} | {ratio:.2f} | {flops / 1e6:.3f} | {flops / exact:.2f} | {ratio * exact / flops:.2f} |", flush=True)


if __name__ == "__main__":
    main()
