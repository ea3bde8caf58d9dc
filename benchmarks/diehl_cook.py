"""The Diehl & Cook network, compiled, against the same network in Brian2: one Markdown table.

    python benchmarks/diehl_cook.py --data DIR [--neurons 100 400] [--images 3] [--warm 2000] [--targets numpy cython]

Both learn from the same images, shown for 350 ms with 150 ms of rest, delays and STDP on, once each (no second tries), from the weights and
thresholds that ours has after `--warm` images. Times are seconds of the core (process time), one thread, the mean over the images; a
first image, in which Brian2 compiles, does not count, nor does building the network.
"""

from __future__ import annotations

import argparse
import logging
import platform
import time
import warnings
from collections.abc import Callable
from typing import Any

import brian2
import numba
import numpy as np

from bioplaus import data
from bioplaus.diehl_cook.network import DiehlCook, State, new_state, train

Array = np.ndarray[Any, Any]
SECONDS = 0.5
MEMBRANE = """
dv/dt = (rest - v - g_e * v + g_i * (below - v)) / tau : volt (unless refractory)
dg_e/dt = -g_e / (1*ms) : 1
dg_i/dt = -g_i / (2*ms) : 1
"""
ADAPTIVE = """
dtheta/dt = -theta / (1e7*ms) : volt
dtimer/dt = 1 : second
"""
PLASTIC = """
w : 1
dx/dt = -x / (20*ms) : 1 (event-driven)
dy1/dt = -y1 / (20*ms) : 1 (event-driven)
dy2/dt = -y2 / (40*ms) : 1 (event-driven)
"""


def ours(p: DiehlCook, state: State, images: Array, *, learn: bool = True) -> Callable[[int], int]:
    """Return a function that presents image k and returns how many excitatory spikes it evoked."""
    return lambda k: int(train(state, images[k : k + 1], p, learn=learn)[0].sum())


def in_brian(p: DiehlCook, state: State, images: Array, target: str) -> Callable[[int], int]:
    """Return the same in Brian2, Euler's method as in its own example of this network."""
    b = brian2
    b.prefs.codegen.target = target
    b.defaultclock.dt = p.dt * b.ms
    mV, ms = b.mV, b.ms
    space = {"rest": p.rest_e * mV, "below": p.reversal_i * mV, "tau": p.tau_e * ms, "reset": p.reset_e * mV}
    inputs = b.PoissonGroup(p.inputs, np.zeros(p.inputs) * b.Hz)
    fires, resets = "v > theta - 72*mV and timer > 50*ms", "v = reset; theta += 0.05*mV; timer = 0*ms"
    settings = {
        "threshold": fires,
        "reset": resets,
        "refractory": p.clamp_e * ms,
        "method": "euler",
        "namespace": space,
    }
    exc = b.NeuronGroup(p.neurons, MEMBRANE + ADAPTIVE, **settings)
    exc.v, exc.theta = p.rest_e * mV, state.theta * mV
    space = {"rest": p.rest_i * mV, "below": -85 * mV, "tau": p.tau_i * ms, "reset": p.reset_i * mV}
    settings = {"threshold": "v > -40*mV", "reset": "v = reset", "refractory": p.clamp_i * ms, "method": "euler"}
    inh = b.NeuronGroup(p.neurons, MEMBRANE, namespace=space, **settings)
    inh.v = p.rest_i * mV
    weaker, stronger = "w = clip(w - 1e-4 * y1, 0, 1)", "w = clip(w + 1e-2 * x * y2, 0, 1)"
    learning = b.Synapses(
        inputs, exc, PLASTIC, on_pre=f"g_e_post += w; x = 1; {weaker}", on_post=f"{stronger}; y1 = 1; y2 = 1"
    )
    learning.connect()
    learning.w, learning.pre.delay = state.weights.ravel(), state.delays.ravel() * p.dt * ms
    up = b.Synapses(exc, inh, on_pre="g_e_post += w_ei", namespace={"w_ei": p.w_ei})
    up.connect(j="i")
    across = b.Synapses(inh, exc, on_pre="g_i_post += w_ie", namespace={"w_ie": p.w_ie})
    across.connect("i != j")
    spikes = b.SpikeMonitor(exc, record=False)
    net = b.Network(inputs, exc, inh, learning, up, across, spikes)

    def run(k: int) -> int:
        before = int(np.sum(spikes.count))
        w = np.array(learning.w).reshape(p.inputs, p.neurons)
        learning.w = (w * (p.total / w.sum(0))).ravel()
        for time_ms, intensity in ((p.image_time, p.intensity), (p.rest_time, 0.0)):
            inputs.rates = images[k] / p.divisor * intensity * b.Hz
            net.run(time_ms * ms, namespace={})
        return int(np.sum(spikes.count)) - before

    return run


def measure(run: Callable[[int], int], images: int) -> tuple[float, float]:
    """Return the mean process time of an image after the first, s, and spikes per image."""
    times, spikes = [], []
    for k in range(images + 1):
        began = time.process_time()
        spikes.append(run(k))
        times.append(time.process_time() - began)
    return float(np.mean(times[1:])), float(np.mean(spikes[1:]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--neurons", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--warm", type=int, default=2000)
    parser.add_argument("--targets", nargs="*", default=["numpy", "cython"])
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.getLogger("brian2").setLevel(logging.ERROR)
    found = data.load(data.DataConfig(name="mnist", root=args.data, validation=0, standardise="none")).train_x
    pixels = np.rint(found.reshape(len(found), -1) * 255).astype(np.uint8)
    machine = f"Python {platform.python_version()}, {platform.platform()}"
    print(f"numba {numba.__version__}, numpy {np.__version__}, Brian2 {brian2.__version__}, {machine}\n")
    print("| N | network | ms per image | x real time | time / ours | spikes per image |\n|---|---|---|---|---|---|")
    for N in args.neurons:
        p = DiehlCook(neurons=N, most_tries=1)
        state = new_state(p, 0)
        train(state, pixels[: args.warm], DiehlCook(neurons=N))
        next_ones = pixels[args.warm :]
        brian = {f"Brian2, {target}": in_brian(p, state, next_ones, target) for target in args.targets}
        rows = {
            "ours, learning": measure(ours(p, state, next_ones), args.images),
            "ours, learning off": measure(ours(p, state, next_ones, learn=False), args.images),
        }
        for name, run in brian.items():
            brian2.prefs.codegen.target = name.split()[-1]
            rows[name] = measure(run, args.images)
        base = rows["ours, learning"][0]
        for name, (seconds, spikes) in rows.items():
            print(
                f"| {N} | {name} | {1e3 * seconds:.1f} | {SECONDS / seconds:.2f} | {seconds / base:.1f} | {spikes:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
