"""The command as a process: no torch, and Ctrl-C in the middle of compiled work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from driving import ROOT, process

from bioplaus.registry import THEORIES

HEAVY = ("torch", "bioplaus.simulator", "sklearn", "pyarrow")
LOOK = """\
import sys
from bioplaus import cli
for name in {names}:
    try:
        cli.main(["theory", name, "figure=true"])
    except SystemExit as end:
        assert end.code == 0, name
print([name for name in {heavy} if name in sys.modules], file=sys.stderr)
"""


def test_no_torch(tmp_path: Path) -> None:
    where = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = LOOK.format(names=THEORIES.names(), heavy=HEAVY)
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=where, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0 and found.stderr.splitlines()[-1] == "[]", found.stderr


@pytest.mark.parametrize("words", [("multitasking", "mc.N=20000"), ("hopfield", "alpha=0.1", "T=0.9", "mc.N=1000")], ids=lambda w: w[0])
def test_ctrl_c_during_a_long_simulation(words: tuple[str, ...], tmp_path: Path) -> None:
    first = process("theory", *words, "mc.sweeps=1", "mc.samples=2", "--json", cwd=tmp_path)  # compiles, so that three seconds are enough below
    first.communicate(timeout=300)
    assert first.returncode == 0
    run = process("theory", *words, "mc.sweeps=1000000", "mc.samples=2", "--json", cwd=tmp_path)
    assert run.stderr is not None
    try:
        assert "2 samples of N=" in run.stderr.readline()  # the solver has answered
        time.sleep(3)  # kernels are loaded, or compiled
        assert run.poll() is None
        began = time.monotonic()
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
        assert run.returncode == 130 and out == "" and err == "bioplaus: interrupted\n"
        assert time.monotonic() - began < 10
    finally:
        run.kill()
