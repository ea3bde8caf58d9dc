"""What the wheel holds: every package folder is listed, and the quick part of the program stays quick."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="needs the checkout, not an installed wheel")


def test_every_package_folder_is_in_the_wheel() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"])
    folders = {p.parent for top in ("bioplaus", "rules", "neurons", "experiments") for p in (ROOT / top).rglob("__init__.py")}
    names = {".".join(f.relative_to(ROOT).parts) for f in folders}
    expected = {n if n.startswith("bioplaus") else f"bioplaus.{n}" for n in names}
    assert listed == expected


def test_importing_and_listing_load_no_torch() -> None:
    code = (
        "import sys, contextlib, io, bioplaus\n"
        "from bioplaus.cli import main\n"
        "for words in (['list'], ['--help']):\n"
        "    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "        main(words)\n"
        "print(sorted({'torch', 'numba', 'matplotlib', 'omegaconf'} & set(sys.modules)))\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert out.stdout.strip() == "[]"


def test_no_file_is_longer_than_400_lines() -> None:
    files = [p for top in ("bioplaus", "rules", "neurons", "experiments", "benchmarks", "tests") for p in (ROOT / top).rglob("*.py")]
    long = {str(p.relative_to(ROOT)): n for p in files if (n := len(p.read_text(encoding="utf-8").splitlines())) > 400}
    assert not long
