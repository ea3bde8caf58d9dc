"""Counter-current learning on MNIST, 784-256x5-10, batch 256: 1, 32 and 100 replicas in one computation, and what 100 seeds take.

    BIOPLAUS_DATA=DIR python benchmarks/ccl_replicas.py [--device cpu|cuda] [--images 2560] [--rounds 2] [--replicas 1 32 100]

Timed are epochs of so many images; the time of 100 seeds x 100 epochs of all 54,000 is extrapolated from them (validation is not in it),
as many packs as are needed one after the other. Goal: one minute on one GPU of the H200 class.
"""

from __future__ import annotations

import argparse
import statistics

import torch
from common import alternate, epoch_of, machine

SEEDS, EPOCHS, IMAGES = 100, 100, 54_000
GOAL = 60.0
COMMAND = "python benchmarks/ccl_replicas.py --device cuda --images 54000 --rounds 5"


def rows(device: str, images: int, rounds: int, replicas: list[int]) -> list[str]:
    """Return one row per number of replicas."""
    run = {"rule": "ccl", "data": "mnist", "data.limit": images}
    candidates = {str(r): epoch_of(run, r, device) for r in replicas}
    medians = {key: statistics.median(values) for key, values in alternate(candidates, rounds).items()}
    first = replicas[0], medians[str(replicas[0])]
    return [row(device, r, medians[str(r)], images, *first) for r in replicas]


def row(device: str, replicas: int, seconds: float, images: int, reference: int, reference_seconds: float) -> str:
    """Return a row: speed per replica and of all together, throughput over that of the first row, and the extrapolation.

    Parameters
    ----------
    seconds, reference_seconds
        Of one epoch of `images` images with `replicas` and with `reference` replicas.
    """
    each = images / seconds
    gain = replicas * each / (reference * images / reference_seconds)
    whole = seconds * IMAGES / images * EPOCHS * -(-SEEDS // replicas)
    verdict = "reached" if whole <= GOAL else "not reached"
    return f"| {device} | {replicas} | {each:,.0f} | {replicas * each:,.0f} | {gain:.2f} | {whole:,.0f} | {GOAL / whole:.3g} | {verdict} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--images", type=int, default=2560)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 32, 100])
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{machine()}\n")
    print("| device | replicas | samples/s per replica | samples/s | throughput / first row | 100 seeds x 100 epochs, s | goal / time | 60 s |")
    print("|---|---|---|---|---|---|---|---|")
    for line in rows(args.device, args.images, args.rounds, args.replicas):
        print(line, flush=True)
    if not torch.cuda.is_available():
        print(f"| cuda | 1, 32, 100 | not measured: no GPU at hand; `{COMMAND}` | | | | | |")


if __name__ == "__main__":
    main()
