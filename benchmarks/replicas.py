"""When replicas, threads and a GPU help: the time of R seeds together over R times the time of one.

    python benchmarks/replicas.py [--rounds 5] [--threads 1 2] [--device cpu|cuda]

Rows: the digits run at several widths (and MNIST on a GPU), every seed trained in one batched computation (run.pack=R), against one by one
(run.pack=1). ``run.pack=auto`` takes whichever this table says for a CPU: batched up to width 128, one by one above.
"""

from __future__ import annotations

import argparse
import statistics

import torch
from common import alternate, epoch_of, machine

REPLICAS = 8


def table(device: str, threads: int, rounds: int) -> list[str]:
    """Return one row per width."""
    torch.set_num_threads(threads)
    rows = []
    for width in (32, 64, 128, 256):
        run = {"rule": "bp", "data": "digits", "network.hidden": [width] * 3}
        rows.append(_row(f"digits, width {width}", run, REPLICAS, device, threads, rounds))
    if device == "cuda":
        run = {"rule": "bp", "data": "mnist"}
        rows.append(_row("MNIST, 256 x 5", run, 32, device, threads, rounds))
    return rows


def _row(name: str, run: dict[str, object], replicas: int, device: str, threads: int, rounds: int) -> str:
    candidates = {"together": epoch_of(run, replicas, device), "one": epoch_of(run, 1, device)}
    times = {key: statistics.median(values) for key, values in alternate(candidates, rounds).items()}
    singles = replicas * times["one"]
    ratio, gain = times["together"] / singles, singles / times["together"]
    return f"| {name} | {device} | {threads} | {replicas} | {times['together']:.3f} | {singles:.3f} | {ratio:.2f} | {gain:.1f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    print(f"{machine()}\n")
    print("| run | device | threads | R | s per epoch, R together | R x one | ratio | throughput gain |")
    print("|---|---|---|---|---|---|---|---|")
    for threads in args.threads if args.device == "cpu" else [1]:
        for row in table(args.device, threads, args.rounds):
            print(row, flush=True)
    if not torch.cuda.is_available():
        print("| MNIST, 256 x 5, 32 replicas | cuda | | 32 | not run: no GPU at hand; `python benchmarks/replicas.py --device cuda` | | | |")


if __name__ == "__main__":
    main()
