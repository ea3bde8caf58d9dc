"""One image at a time (batch_size=1), the regime of devices and online rules: the compiled engine, the default loop, plain PyTorch.

    python benchmarks/online.py [--rounds 3]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from common import alternate, epoch_of, machine, report
from torch import nn

from bioplaus import data
from bioplaus.data.base import DataConfig

RUN = {"rule": "bp", "data": "digits", "network.hidden": [64], "batch_size": 1, "rule.lr": 0.01, "plasticity.clip": "none"}


def plain() -> Callable[[], None]:
    """Return what one would write in PyTorch: autograd and SGD, a sample at a time."""
    splits = data.load(DataConfig())
    x, y = torch.from_numpy(splits.train_x).flatten(1), torch.from_numpy(splits.train_y)
    layers: list[nn.Module] = []
    for pre, post in pairwise((64, 64, 10)):
        layers += [nn.Linear(pre, post, bias=False), nn.ELU()]
    net = nn.Sequential(*layers[:-1])
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)

    def epoch() -> None:
        for i in torch.randperm(len(x)):
            optimiser.zero_grad()
            F.cross_entropy(net(x[i].unsqueeze(0)), y[i].unsqueeze(0)).backward()
            optimiser.step()

    return epoch


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{machine()}\n")
    candidates = {
        "backend=numba": epoch_of({**RUN, "backend": "numba"}),
        "backend=loop": epoch_of(RUN),
        "PyTorch autograd": plain(),
    }
    print(report("bp, digits 64-64-10, 1,293 images one at a time", alternate(candidates, args.rounds), "backend=numba"))


if __name__ == "__main__":
    main()
