"""Train the Diehl & Cook network on MNIST and measure its accuracy on the test images, one Markdown row per pass.

    python benchmarks/diehl_cook_mnist.py --data DIR --out DIR [--neurons 100] [--images 60000] [--passes 1] [--test 10000] [--seed 0]

Images are shown in the order of the data set, as in the authors' program. After each pass a copy of the network, learning off, sees the test
images. Neurons are labelled by their responses to the last 10,000 training images, (a) while learning, (b) with learning off (the paper: all
training images, learning off). Interrupted, it goes on from the checkpoint in --out, to the same bits.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from bioplaus import data
from bioplaus.diehl_cook.network import DiehlCook, State, assign_labels, copied, new_state, predict, train

Array = np.ndarray[Any, Any]
BLOCK, KEPT, WINDOW = 500, 2000, 10_000


def load(root: str) -> tuple[Array, Array, Array, Array]:
    """Return training images (whole pixels 0..255) and labels, and those of the test set."""
    splits = data.load(data.DataConfig(name="mnist", root=root, validation=0, standardise="none"))
    pixels = [np.rint(x.reshape(len(x), -1) * 255).astype(np.uint8) for x in (splits.train_x, splits.test_x)]
    return pixels[0], splits.train_y, pixels[1], splits.test_y


def restore(path: Path, p: DiehlCook, seed: int) -> tuple[State, Array, int]:
    """Return network, last training responses and how many images it has seen, from a checkpoint if there is one."""
    if not path.is_file():
        return new_state(p, seed), np.zeros((0, p.neurons), np.int32), 0
    with np.load(path) as kept:
        return State(*(kept[name] for name in State._fields)), kept["responses"], int(kept["seen"])


def keep(path: Path, state: State, responses: Array, seen: int) -> None:
    """Write a checkpoint, and put it in place only when it is whole."""
    part = path.with_suffix(".part.npz")
    np.savez(part, **state._asdict(), responses=responses, seen=seen)
    part.replace(path)


def evaluate(
    state: State, p: DiehlCook, responses: Array, y: Array, x: Array, test: tuple[Array, Array], path: Path
) -> None:
    """Print accuracies of a copy, learning off, and keep the network with its responses; y are the labels of the last responses and of x."""
    tested = train(copied(state), test[0], p, learn=False)[0]
    labels = [assign_labels(responses, y)]
    np.savez(path, **state._asdict(), tested=tested, labels=labels[0])
    labels.append(assign_labels(train(copied(state), x, p, learn=False)[0], y))
    a, b = (f"{100 * (predict(tested, found) == test[1]).mean():.2f}" for found in labels)
    print(f"| {p.neurons} | {path.stem} | {a} | {b} | {int((labels[0] >= 0).sum())} | {len(tested)} |", flush=True)


def main() -> None:
    """Train, print progress and rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--neurons", type=int, default=100)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--test", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    x, y, test_x, test_y = load(args.data)
    x, y, test_x, test_y = x[: args.images], y[: args.images], test_x[: args.test], test_y[: args.test]
    p = DiehlCook(neurons=args.neurons)
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "checkpoint.npz"
    state, responses, seen = restore(path, p, args.seed)
    window = min(WINDOW, len(x))
    cells = (
        "N",
        "images of training",
        "(a) last responses, %",
        "(b) learning off, %",
        "labelled neurons (a)",
        "test images",
    )
    print("| " + " | ".join(cells) + " |\n" + "|---" * 6 + "|", flush=True)
    while True:
        after = args.out / f"{seen}.npz"
        if seen and seen % len(x) == 0 and not after.exists():
            evaluate(state, p, responses, y[-window:], x[-window:], (test_x, test_y), after)
        if seen >= args.passes * len(x):
            break
        began, first = time.process_time(), seen % len(x)
        counts, tries = train(state, x[first : first + BLOCK], p)
        responses, seen = np.concatenate([responses, counts])[-window:], seen + len(counts)
        seconds, spikes = time.process_time() - began, counts.sum(1).mean()
        speed = 0.5 * tries.sum() / seconds
        rest = f"{seconds:.1f} s, {speed:.0f} x real time, {tries.mean():.2f} tries, {spikes:.1f} spikes, theta {state.theta.mean():.2f}"
        print(f"{time.strftime('%H:%M:%S')} {seen} images: {rest} mV", flush=True)
        if seen % KEPT == 0 or seen % len(x) == 0:
            keep(path, state, responses, seen)


if __name__ == "__main__":
    main()
