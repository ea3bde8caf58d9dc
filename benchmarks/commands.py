"""Whole commands: start-up of the quick verbs, and 8 seeds in one command against 8 commands.

    python benchmarks/commands.py [--rounds 3] [--threads 1]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time


def seconds(words: list[str], rounds: int, folder: str, threads: int) -> float:
    """Return the median wall time of a command over some rounds."""
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bioplaus", *words], check=True, capture_output=True, env=env, cwd=folder)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("| command | median s | target |")
        print("|---|---|---|")
        for words in (["--help"], ["list"]):
            print(f"| bioplaus {' '.join(words)} | {seconds(words, args.rounds, folder, args.threads):.2f} | < 0.4 |", flush=True)
        one = ["simulate", "rule=ccl", f"threads={args.threads}"]
        single = seconds(one, args.rounds, folder, args.threads)
        print(f"| bioplaus simulate rule=ccl | {single:.2f} | < 30 |", flush=True)
        eight = seconds([*one, "seeds=8"], args.rounds, folder, args.threads)
        ratio = eight / (8 * single)
        print(f"| bioplaus simulate rule=ccl seeds=8 | {eight:.2f} | ratio to 8 commands <= 0.50: {ratio:.2f} |")


if __name__ == "__main__":
    main()
