"""Plant one-line defects in a copy of the checkout and see that the tests go red: ``python tests/planted_defects.py [--only WORDS]``.

Exits with 1 if a defect survives, and with 2 if the named tests are not green to begin with or a defect cannot be planted. Takes some
minutes; not collected by pytest.
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


def pytest(checkout: Path, tests: Sequence[str]) -> Outcome:
    """Run some tests of a checkout until the first failure."""
    # no bytecode: a file changed twice within a second, to the same length, would not be compiled again
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *(f"tests/{name}" for name in tests)]
    began = time.perf_counter()
    try:
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return Outcome("no answer", f"longer than {TIME_LIMIT} s", time.perf_counter() - began)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    verdict = {0: "green", 1: "red"}.get(done.returncode, "no answer")
    detail = lines[0] if lines else "" if verdict == "green" else (done.stdout + done.stderr).strip()[-300:]
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
    tests = sorted({name for d in defects for name in d.tests})
    clean = pytest(checkout, tests)
    print(f"without defects: {clean.verdict} ({clean.seconds:.0f} s) {clean.detail}", flush=True)
    if clean.verdict != "green":
        return 2
    survivors, unanswered = 0, 0
    for defect in defects:
        source = plant(defect, checkout)
        try:
            outcome = pytest(checkout, defect.tests)
        finally:
            (checkout / defect.file).write_text(source, encoding="utf-8")
        survivors += outcome.verdict == "green"
        unanswered += outcome.verdict == "no answer"
        word = {"green": "SURVIVED", "red": "killed"}.get(outcome.verdict, "NO ANSWER")
        print(f"{word:9} {outcome.seconds:5.1f} s  {defect.file}: {defect.name}\n{'':18}{outcome.detail[:160]}", flush=True)
    print(f"{len(defects)} defects, {survivors} survived, {unanswered} without an answer")
    return 1 if survivors or unanswered else 0


if __name__ == "__main__":
    sys.exit(main())
