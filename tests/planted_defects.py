"""Plant one-line defects in a copy of the checkout and see that the tests go red: ``python tests/planted_defects.py [--only WORDS]``.

Exits with 1 if a defect survives, and with 2 if a test is not green to begin with, so that its red would say nothing. Takes some minutes;
not collected by pytest.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mutants import DEFECTS, Defect

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "runs", "build", "dist", "*.egg-info")
TIME_LIMIT = 300


@dataclass(frozen=True)
class Outcome:
    """What the tests said: green, red, or neither (an error of collection, no tests, out of time)."""

    verdict: str
    detail: str
    seconds: float


def pytest(checkout: Path, tests: Sequence[str], *options: str) -> Outcome:
    """Run some tests of a checkout; the detail holds the lines that name a failure."""
    # no bytecode: a file changed twice within a second, to the same length, would not be compiled again
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *(f"tests/{name}" for name in tests)]
    began = time.perf_counter()
    try:
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return Outcome("no answer", f"longer than {TIME_LIMIT} s", time.perf_counter() - began)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    verdict = {0: "green", 1: "red"}.get(done.returncode, "no answer")
    detail = "\n".join(lines) if lines else "" if verdict == "green" else (done.stdout + done.stderr).strip()[-300:]
    return Outcome(verdict, detail, time.perf_counter() - began)


def plant(defect: Defect, checkout: Path) -> str:
    """Put the defect into its file and return what the file was.

    Raises
    ------
    ValueError
        If the old text does not occur exactly once.
    """
    file = checkout / defect.file
    source = file.read_text(encoding="utf-8")
    if source.count(defect.old) != 1:
        raise ValueError(f"{defect.name}: its old text occurs {source.count(defect.old)} times in {defect.file}; mend tests/mutants")
    file.write_text(source.replace(defect.old, defect.new), encoding="utf-8")
    return source


def imported_from(checkout: Path) -> Path:
    """Return the folder that the copy's Python finds the package in."""
    code = "import bioplaus.rules.bp as rule, pathlib; print(pathlib.Path(rule.__file__).resolve().parent.parent)"
    found = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True)
    return Path(found.stdout.strip())


def main(words: Sequence[str] | None = None) -> int:
    """Plant every chosen defect in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", metavar="WORDS", help="only defects whose name contains these words")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    chosen = parser.parse_args(words)
    defects = [d for d in DEFECTS if not chosen.only or chosen.only in d.name]
    if chosen.list or not defects:
        print("\n".join(d.name for d in DEFECTS))
        return 0 if defects else 2
    with tempfile.TemporaryDirectory() as folder:
        checkout = (Path(folder) / "checkout").resolve()
        shutil.copytree(ROOT, checkout, ignore=LEFT_OUT)
        if imported_from(checkout) != checkout:
            print(
                f"the copy imports bioplaus from {imported_from(checkout)}; run this in an environment where it is not installed otherwise"
            )
            return 2
        return _all(defects, checkout)


def _all(defects: Sequence[Defect], checkout: Path) -> int:
    names = sorted({name for d in defects for name in d.tests})
    clean = pytest(checkout, names)
    print(f"without defects: {clean.verdict} ({clean.seconds:.0f} s)\n{clean.detail}".rstrip(), flush=True)
    if clean.verdict == "no answer":
        return 2
    broken = {name for name in names if f"tests/{name}" in clean.detail}
    tally = {"killed": 0, "SURVIVED": 0, "NO ANSWER": 0, "UNJUDGED": 0}
    for defect in defects:
        red_before = broken & set(defect.tests)
        outcome = Outcome("unjudged", f"{sorted(red_before)} red without it", 0.0) if red_before else _planted(defect, checkout)
        word = {"red": "killed", "green": "SURVIVED", "no answer": "NO ANSWER"}.get(outcome.verdict, "UNJUDGED")
        tally[word] += 1
        print(f"{word:9} {outcome.seconds:5.1f} s  {defect.name} ({defect.file})\n{'':19}{outcome.detail[:150]}".rstrip(), flush=True)
    print(f"{len(defects)} defects: " + ", ".join(f"{count} {word}" for word, count in tally.items()))
    return 1 if tally["SURVIVED"] else 2 if tally["NO ANSWER"] or tally["UNJUDGED"] else 0


def _planted(defect: Defect, checkout: Path) -> Outcome:
    source = plant(defect, checkout)
    try:
        return pytest(checkout, defect.tests, "-x")
    finally:
        (checkout / defect.file).write_text(source, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
