"""One MNIST epoch (54,000 images, batch 256, 784-256x5-10): ours, plain PyTorch with autograd and DataLoader, and the bare matrix products.

    BIOPLAUS_DATA=DIR python benchmarks/mnist_epoch.py [--rounds 5] [--threads 1]

The ceiling is a loop of the same products with preallocated outputs and nothing else; no program that does these products can beat it.
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
from collections.abc import Callable

import torch
import torch.nn.functional as F
from common import alternate, epoch_of, machine, report
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from bioplaus import data
from bioplaus.data.base import DataConfig

WIDTHS = [784, 256, 256, 256, 256, 256, 10]
BATCH, LAMBDA, CLIP = 256, 0.5, 1.0


Batches = DataLoader[tuple[Tensor, ...]]


class Images(Dataset[tuple[Tensor, Tensor]]):
    """Bytes turned into a standardised image when asked for, one by one, as the usual transforms do."""

    def __init__(self, pixels: Tensor, labels: Tensor) -> None:
        self.pixels, self.labels = pixels, labels

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.pixels[i].float().div_(255).sub_(0.1307).div_(0.3081), self.labels[i]


def loaders() -> tuple[Batches, Batches, Tensor]:
    """Return what one would write: a shuffled DataLoader over ready tensors, one over images with transforms; and the images."""
    splits = data.load(DataConfig(name="mnist"))
    x, y = torch.from_numpy(splits.train_x).flatten(1), torch.from_numpy(splits.train_y)
    pixels = x.mul(0.3081).add_(0.1307).mul_(255).round_().to(torch.uint8)
    ready = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)
    return ready, DataLoader(Images(pixels, y), batch_size=BATCH, shuffle=True), x


def autograd_ccl(batches: Batches) -> Callable[[], None]:
    """Counter-current learning as a user would write it: modules, detached inputs, one loss, autograd, two SGD optimisers."""
    up = nn.ModuleList(nn.Linear(i, o, bias=False) for i, o in itertools.pairwise(WIDTHS))
    down = nn.ModuleList(nn.Linear(o, i, bias=False) for i, o in itertools.pairwise(WIDTHS))
    optimisers = [torch.optim.SGD(net.parameters(), lr=1.0) for net in (up, down)]
    depth = len(up)

    def epoch() -> None:
        for x, y in batches:
            a, b = [x], [torch.eye(10)]
            for i, layer in enumerate(up):
                z = layer(a[-1].detach())
                a.append(F.elu(z) if i < depth - 1 else z)
            for i in reversed(range(depth)):
                z = down[i](b[-1].detach())
                b.append(F.elu(z) if i else z)
            b.reverse()
            target = F.one_hot(y, 10).float()
            loss = F.cross_entropy(a[-1], y)
            for level in range(depth):
                weight = LAMBDA * 256 / a[level].shape[1]
                loss = loss + weight * (a[level] @ b[level].T - target).square().mean()
            for optimiser in optimisers:
                optimiser.zero_grad()
            loss.backward()
            for net, optimiser in zip((up, down), optimisers):
                nn.utils.clip_grad_norm_(net.parameters(), CLIP)
                optimiser.step()

    return epoch


def autograd_bp(batches: Batches) -> Callable[[], None]:
    """Backprop as a user would write it: nn.Sequential, autograd, SGD, clipping."""
    layers: list[nn.Module] = []
    for i, (pre, post) in enumerate(itertools.pairwise(WIDTHS)):
        layers += [nn.Linear(pre, post, bias=False), *([nn.ELU()] if i < len(WIDTHS) - 2 else [])]
    net = nn.Sequential(*layers)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.2)

    def epoch() -> None:
        for x, y in batches:
            optimiser.zero_grad()
            F.cross_entropy(net(x), y).backward()
            nn.utils.clip_grad_norm_(net.parameters(), CLIP)
            optimiser.step()

    return epoch


def products(x: Tensor, *, ccl: bool) -> Callable[[], None]:
    """Return a loop of the rule's matrix products alone, on arrays that are there already."""
    forward = [torch.randn(o, i) / math.sqrt(i) for i, o in itertools.pairwise(WIDTHS)]
    backward = [w.T.contiguous() for w in forward]
    acts = [torch.randn(BATCH, n) for n in WIDTHS]
    errors = [torch.randn(BATCH, n) for n in WIDTHS]
    codes = [torch.randn(10, n) for n in WIDTHS]
    rows = [torch.randn(10, n) for n in WIDTHS]
    pair, grad_up, grad_down = torch.empty(BATCH, 10), [w.clone() for w in forward], [w.clone() for w in backward]
    steps = -(-x.shape[0] // BATCH)
    depth = len(forward)

    @torch.no_grad()
    def epoch() -> None:
        for _ in range(steps):
            for i in range(depth):
                torch.mm(acts[i], forward[i].T, out=acts[i + 1])
            for i in range(depth):
                torch.mm(errors[i + 1].T, acts[i], out=grad_up[i])
            if not ccl:
                for i in range(1, depth):
                    torch.mm(errors[i + 1], forward[i], out=errors[i])
                continue
            for i in reversed(range(depth)):
                torch.mm(codes[i + 1], backward[i].T, out=codes[i])
                torch.mm(rows[i].T, codes[i + 1], out=grad_down[i])
            for i in range(depth):
                torch.mm(acts[i], codes[i].T, out=pair)
                torch.mm(pair.T, acts[i], out=rows[i])
                if i:
                    torch.mm(pair, codes[i], out=errors[i])

    return epoch


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    ready, images, x = loaders()
    print(f"{machine()}\n")
    for rule, plain in (("ccl", autograd_ccl), ("bp", autograd_bp)):
        candidates = {
            "ours": epoch_of({"rule": rule, "data": "mnist"}),
            "PyTorch autograd + DataLoader, ready tensors": plain(ready),
            "PyTorch autograd + DataLoader, images + transforms": plain(images),
            "matrix products alone": products(x, ccl=rule == "ccl"),
        }
        times = alternate(candidates, args.rounds)
        print(report(f"{rule}, MNIST epoch", times, "ours"))
        ours, tensors, transforms, ceiling = (statistics.median(values) for values in times.values())
        print(
            f"\n{rule}: {tensors / ours:.2f} x the speed of plain PyTorch on ready tensors, {transforms / ours:.2f} x with transforms "
            f"(target 2.00); {100 * ceiling / ours:.0f} % of the ceiling of the products (target 60 %)\n",
            flush=True,
        )


if __name__ == "__main__":
    main()
