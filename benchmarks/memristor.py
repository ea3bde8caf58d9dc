"""Online learning on memristive devices: the compiled perceptron of NeuroSim beside plain NumPy, in one run.

    python benchmarks/memristor.py [--data DIR] [--devices ag_asi epiram hzo_fefet] [--images 300] [--repeats 5]

Both learn the same MNIST images, one after the other, on a 400-100-10 network with an ADC of 8 bits, noise from cycle to cycle on: NumPy with a
handful of array operations per image, the compiled loop in one call. They take turns, and a ratio is the median over repeats of times taken
next to each other. Seconds for a million updates are those of the compiled loop, evaluation apart; processor time, so that what else the
machine does counts little.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np

from bioplaus import config, data
from bioplaus.neurosim.network import Constants, Pulses, State, alike, new_state, respond, train
from bioplaus.plasticity import devices

Array = np.ndarray[Any, Any]
#: Images that both have learned before they are timed: at the start more pulses are written.
WARM = 8000


def in_numpy(g: list[Array], x: Array, label: int, c: Constants, d: Pulses, rng: np.random.Generator) -> None:
    """Learn one image, array by array."""

    def read(g: Array, rows: Array) -> Array:
        scale, count = c.steps / len(g), rows.sum()
        current = rows @ g + count * c.offset
        result: Array = (np.floor(current * scale) - np.floor(count * (0.5 + c.offset) * scale)) / scale
        return result

    def write(g: Array, change: Array) -> None:
        up = change > 0
        n = np.floor(np.abs(change) / 2 * np.where(up, c.pulses_up, c.pulses_down) + 0.5)
        at = n > 0
        a, b, n, old = np.where(up, d.up_a, d.down_a)[at], np.where(up, d.up_b, d.down_b)[at], n[at], g[at]
        moved = old + (a + b * old) * np.expm1(n * np.log1p(b)) / b
        g[at] = np.clip(moved + c.cycle_noise * np.sqrt(n) * rng.standard_normal(len(n)), 0, 1)

    z_1 = read(g[0], x)
    a_1 = 1 / (1 + np.exp(-z_1))
    a_2 = 1 / (1 + np.exp(-read(g[1], (z_1 >= 0).astype(float))))
    target = np.zeros(len(a_2))
    target[label] = 1
    s_2 = -2 * a_2 * (1 - a_2) * (target - a_2)
    s_1 = a_1 * (1 - a_1) * ((2 * g[1] - 1) @ s_2)
    write(g[0], -c.rate_1 * np.outer(x, s_1))
    write(g[1], -c.rate_2 * np.outer(a_1, s_2))


def of_device(name: str) -> tuple[Constants, Pulses]:
    """Return a preset as the loops take it."""
    device: Any = devices.get(name)
    f = device.steps.flat()
    offset = device.g_min / (device.g_max - device.g_min)
    numbers = (float(v) for v in (device.pulses_up, device.pulses_down, device.cycle_noise, device.read_noise))
    return Constants(0.4, 0.2, *numbers, offset, 255.0), alike((f["up_a"], f["up_b"]), (-f["down_a"], -f["down_b"]))


def start(seed: int = 0) -> State:
    """Return a network as published: seven levels at random."""
    rng = np.random.default_rng(seed)
    return new_state(rng.integers(0, 7, (400, 100)) / 6, rng.integers(0, 7, (100, 10)) / 6, seed)


def measure(name: str, pixels: Array, y: Array, images: int, repeats: int) -> None:
    """Time both on the same images, turn by turn, and print a row."""
    c, d = of_device(name)
    state = start()
    train(state, pixels[:WARM], y[:WARM], c, (d, d))  # compiles, too
    g, rng = [state.g_1.copy(), state.g_2.copy()], np.random.default_rng(0)
    ours, theirs = [], []
    for k in range(repeats):
        at = slice(WARM + k * images, WARM + (k + 1) * images)
        x, labels = pixels[at].astype(float), y[at]
        began = time.process_time()
        for i in range(images):
            in_numpy(g, x[i], labels[i], c, d, rng)
        theirs.append((time.process_time() - began) / images)
        many = slice(WARM + k * 10 * images, WARM + (k + 1) * 10 * images)
        began = time.process_time()
        train(state, pixels[many], y[many], c, (d, d))
        ours.append((time.process_time() - began) / (10 * images))
    began = time.process_time()
    respond(state, pixels[:10_000], c)
    read = (time.process_time() - began) / 10_000
    ratio = statistics.median(b / a for a, b in zip(ours, theirs))
    mine, other = statistics.median(ours), statistics.median(theirs)
    cells = f"{1 / mine:,.0f} | {1 / other:,.0f} | {ratio:.0f} | {1e6 * mine:.0f} s | {1e6 * read:.1f} us"
    print(f"| {name} | {cells} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with MNIST")
    parser.add_argument("--devices", nargs="+", default=["ag_asi", "epiram", "hzo_fefet"])
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    given = {"rule": "memristor", "data": "mnist", "data.validation": 0, **({"data.root": args.data} if args.data else {})}
    splits = data.load(config.resolve(given).data)
    pixels = np.ascontiguousarray((splits.train_x[:, 0, 4:24, 4:24] >= 0.5).reshape(-1, 400).astype(np.uint8))
    print("| device | compiled, images/s | NumPy, images/s | ratio | 1e6 updates, one core | reading one image |\n|---|---|---|---|---|---|")
    for name in args.devices:
        measure(name, pixels, splits.train_y, args.images, args.repeats)


if __name__ == "__main__":
    main()
