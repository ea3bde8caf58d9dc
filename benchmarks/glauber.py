"""Glauber dynamics, compiled, against NumPy: picks per second in both forms, over threads, and what K, N and M cost.

    python benchmarks/glauber.py [--rounds 5] [--figure benchmarks/glauber.png]

Candidates of a row take turns, one core each; compilation and building J are not counted. On a busy machine trust the best: it is what a
run costs undisturbed. For two threads that takes two free cores at once, so those runs are short and many.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numba
import numpy as np

from bioplaus.disorder import cue, draw_examples, draw_patterns
from bioplaus.dynamics.relax import relax
from bioplaus.plots.style import BLUE, INK, MUTED, VERMILION, log_axis, new_figure

Array = np.ndarray[Any, Any]
DILUTION, COUPLING, TEMPERATURE = 0.5, 2.0, 0.1  # 1/(1 - d): the critical temperature is 1
FIRST = "import numpy as np, time\nfrom bioplaus.dynamics.relax import relax\nt = time.perf_counter()\nv = np.ones((1, 3, 50), np.int8)\n"
FIRST += "relax(v, v[:, 0], [0.5], [1], form={form!r})\nprint(time.perf_counter() - t)"


def by_hand(vectors: Array, state: Array, T: float, picks: int) -> None:
    """Run the overlap form, pick by pick, as one writes it in NumPy."""
    rng = np.random.default_rng(0)
    s, N = state.astype(np.float64), len(state)
    v = np.ascontiguousarray(vectors.T, np.float64)
    own, X = (v * v).sum(1), s @ v
    for _ in range(picks):
        i = rng.integers(N)
        h = COUPLING / N * (v[i] @ X - own[i] * s[i])
        new = 1.0 if rng.random() < 1 / (1 + np.exp(-2 * h / T)) else -1.0
        if new != s[i]:
            X += (new - s[i]) * v[i]
            s[i] = new


def by_rows(J: Array, state: Array, T: float, picks: int) -> None:
    """Run the field form with NumPy: one vector operation per flip, random numbers drawn at once."""
    rng = np.random.default_rng(0)
    s, N = state.astype(np.float64), len(state)
    h = J @ s
    for i, u in zip(rng.integers(N, size=picks), rng.random(picks)):
        new = 1.0 if u < 1 / (1 + np.exp(-2 * h[i] / T)) else -1.0
        if new != s[i]:
            h += (new - s[i]) * J[i]
            s[i] = new


def network(K: int, N: int, M: int = 0, S: int = 1) -> tuple[Array, Array, float]:
    """Return vectors (patterns, or M examples of each), cues, and the coupling."""
    patterns = [draw_patterns(seed, K, N, DILUTION) for seed in range(S)]
    states = np.stack([cue(seed, xi, "hierarchical") for seed, xi in enumerate(patterns)])
    if M:
        examples = [draw_examples(seed, xi, M, 0.6).reshape(K * M, N) for seed, xi in enumerate(patterns)]
        return np.stack(examples), states, COUPLING / (M * (0.36 + 0.64 / M))
    return np.stack(patterns), states, COUPLING


def compiled(K: int, N: int, M: int, picks: int, form: str, T: float = TEMPERATURE, S: int = 1, threads: int = 1) -> Callable[[], float]:
    """Return a function that runs so many picks per chain, at least, and returns ns per pick in all."""
    vectors, states, coupling = network(K, N, M, S)
    temperatures = np.full(max(1, picks // N), T)
    probes = vectors[:, :1]

    def run() -> float:
        found = relax(vectors, states, temperatures, range(S), coupling=coupling, probes=probes, form=form, threads=threads)
        return found.seconds / found.picks * 1e9

    return run


def plain(call: Callable[..., None], picks: int, *arguments: Any) -> Callable[[], float]:
    """Return a function that times a NumPy loop, in ns per pick."""

    def run() -> float:
        began = time.perf_counter()
        call(*arguments, picks)
        return (time.perf_counter() - began) / picks * 1e9

    return run


def best(candidates: dict[str, Callable[[], float]], rounds: int) -> dict[str, tuple[float, float]]:
    """Let candidates take turns; return least and median ns per pick of each, after a round that warms up."""
    values: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name, run in candidates.items():
            found = run()
            if turn:
                values[name].append(found)
    return {name: (min(found), statistics.median(found)) for name, found in values.items()}


def against_numpy(rounds: int) -> list[str]:
    """Return rows of overlap and field form against NumPy."""
    rows = []
    for K, N in ((1, 10_000), (3, 10_000), (10, 10_000), (100, 10_000)):
        vectors, states, _ = network(K, N)
        candidates = {"ours": compiled(K, N, 0, 2_000_000, "overlap"), "numpy": plain(by_hand, 30_000, vectors[0], states[0], TEMPERATURE)}
        rows.append(_row(f"overlap, K={K}, T={TEMPERATURE}", N, best(candidates, rounds)))
    for N in (1000, 3000):
        for T in (TEMPERATURE, 1.0):
            vectors, states, coupling = network(3, N)
            J = coupling / N * vectors[0].T.astype(float) @ vectors[0]
            J[np.diag_indices(N)] = 0
            candidates = {"ours": compiled(3, N, 0, 1_000_000, "field", T), "numpy": plain(by_rows, 100_000, J, states[0], T)}
            rows.append(_row(f"field, K=3, T={T}", N, best(candidates, rounds)))
    return rows


def _row(name: str, N: int, found: dict[str, tuple[float, float]]) -> str:
    (ours, ours_middle), (numpy, numpy_middle) = found["ours"], found["numpy"]
    return f"| {name} | {N} | {1e3 / ours:.2f} | {1e3 / numpy:.3f} | {numpy / ours:.0f} | {numpy_middle / ours_middle:.0f} |"


def over_threads(rounds: int) -> list[str]:
    """Return a row per form of 16 samples on one and two threads, by the clock and by what the cores were busy for."""
    rows = []
    for form, N, T in (("overlap", 5000, TEMPERATURE), ("field", 1000, 1.0)):
        runs = {threads: compiled(3, N, 0, 50_000, form, T, S=16, threads=threads) for threads in (1, 2)}
        busy: dict[int, list[float]] = {1: [], 2: []}

        def counted(threads: int, runs: dict[int, Any] = runs, busy: dict[int, list[float]] = busy) -> float:
            began = time.process_time()
            found: float = runs[threads]()
            busy[threads].append(time.process_time() - began)
            return found

        found = best({"one": partial(counted, 1), "two": partial(counted, 2)}, rounds)
        gain, middle = (found["one"][k] / found["two"][k] for k in (0, 1))
        extra = statistics.median(busy[2][1:]) / statistics.median(busy[1][1:])
        rates = f"{1e3 / found['one'][0]:.1f} | {1e3 / found['two'][0]:.1f}"
        rows.append(f"| {form}, K=3, N={N}, T={T} | 16 | {rates} | {gain:.2f} | {middle:.2f} | {extra:.2f} |")
    return rows


def first_calls() -> list[str]:
    """Return a row per form: a new process with an empty cache, and the next process."""
    rows = []
    for form in ("overlap", "field"):
        with tempfile.TemporaryDirectory() as cache:
            root = str(Path(__file__).resolve().parent.parent)
            setting = {**os.environ, "NUMBA_CACHE_DIR": cache, "PYTHONPATH": root}
            words = [sys.executable, "-c", FIRST.format(form=form)]
            times = [float(subprocess.run(words, env=setting, capture_output=True, text=True, check=True).stdout) for _ in range(2)]
        rows.append(f"| {form} | {times[0]:.1f} | {times[1]:.2f} |")
    return rows


def costs(rounds: int) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """Return ns per pick in both forms against K, N and M."""
    found: dict[str, dict[str, list[tuple[int, float]]]] = {"K": {}, "N": {}, "M": {}}
    picks, large = 200_000, {"overlap": (10_000, 100_000), "field": (6000,)}
    for form in ("overlap", "field"):
        vary = {
            "K": [(K, compiled(K, 2000, 0, picks, form)) for K in (1, 3, 10, 30, 100, 300, 1000)],
            "N": [(N, compiled(3, N, 0, max(picks, 100 * N), form)) for N in (100, 300, 1000, 3000, *large[form])],
            "M": [(M, compiled(3, 2000, M, picks, form)) for M in (1, 3, 10, 30, 100, 300)],
        }
        for name, points in vary.items():
            found[name][form] = [(x, best({"run": run}, rounds)["run"][0]) for x, run in points]
    return found


def draw(found: dict[str, dict[str, list[tuple[int, float]]]], path: str) -> None:
    """Draw the cost of a pick against K, N and M."""
    figure, axes = new_figure("What a pick of Glauber dynamics costs", panels=3)
    names = {"K": "patterns K (N = 2000)", "N": "neurons N (K = 3)", "M": "examples M (K = 3, N = 2000)"}
    high = max(y for lines in found.values() for points in lines.values() for _, y in points)
    for ax, (name, lines) in zip(axes, found.items()):
        for (form, points), colour in zip(lines.items(), (BLUE, VERMILION)):
            x, y = zip(*points)
            ax.plot(x, y, "o-", color=colour, markersize=3.5, linewidth=1.4, label=f"{form} form")
        ax.set_xscale("log")
        ax.margins(x=0.05)
        log_axis(ax, 5, high)
        ax.set_ylim(5, 1.6 * high)
        ax.set_xlabel(names[name], fontsize=9, color=INK)
    axes[0].set_ylabel("ns per pick", fontsize=9.5, color=INK)
    axes[0].legend(frameon=False, fontsize=9)
    note = f"One thread, least of several runs; d = {DILUTION}, T = {TEMPERATURE}; building J is not counted."
    figure.supxlabel(note, x=0.012, ha="left", fontsize=8, color=MUTED)
    figure.savefig(path)


def main() -> None:
    """Print the tables and draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--figure", default=str(Path(__file__).with_name("glauber.png")))
    args = parser.parse_args()
    print(f"numba {numba.__version__}, numpy {np.__version__}, Python {platform.python_version()}, {platform.platform()}\n")
    print("| form | N | ours, 1e6 picks/s | NumPy, 1e6 picks/s | ratio of the best | ratio of medians |\n|---|---|---|---|---|---|")
    print(*against_numpy(args.rounds), sep="\n", flush=True)
    print("\n| run | samples | 1 thread, 1e6 picks/s | 2 threads | gain of the best | of medians | core seconds, 2 threads / 1 |")
    print("|---" * 7 + "|")
    print(*over_threads(10 * args.rounds), sep="\n", flush=True)
    print("\n| form | first call ever, s | first call of a later process, s |\n|---|---|---|")
    print(*first_calls(), sep="\n", flush=True)
    found = costs(2 * args.rounds)
    print("\n| ns per pick | form |" + " at |" * 7 + "\n" + "|---" * 9 + "|")
    for name, lines in found.items():
        for form, points in lines.items():
            cells = [f"{x}: {y:.0f}" for x, y in points]
            print(f"| against {name} | {form} | {' | '.join(cells + [''] * (7 - len(cells)))} |")
    draw(found, args.figure)


if __name__ == "__main__":
    main()
