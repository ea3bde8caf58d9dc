"""`bioplaus new-rule`: what it writes installs as a package, and the conformance suite of the installed program passes on it untouched."""

from __future__ import annotations

import os
import subprocess
import sys
import unittest
from pathlib import Path

import pytest
from driving import ROOT, command

from bioplaus.testing import conformance_checks

NAMES = {"pyproject.toml", "README.md", "src/my_rule/__init__.py", "tests/test_my_rule.py"}
#: one check of each part of the suite, on the network that is quickest, and the package's own test
SOME = "two_equal_calls and mlp or falls and mlp or card_is_as_declared and mlp or backpropagation"


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def python(*words: str, cwd: Path, path: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run Python with a search path of its own."""
    where = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run([sys.executable, *words], cwd=cwd, env=where, capture_output=True, text=True, check=check)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Write the package and install it into a folder; return the package and the search path that finds both."""
    folder = tmp_path_factory.mktemp("new")
    answer = command("new-rule", "my_rule", f"folder={folder / 'plugin'}")
    assert answer.code == 0 and str(folder / "plugin") in answer.out
    assert files(folder / "plugin") == NAMES
    options = ("--no-deps", "--no-build-isolation", "--quiet", "--target", str(folder / "site"))
    python("-m", "pip", "install", *options, str(folder / "plugin"), cwd=folder, path=str(ROOT))
    return folder / "plugin", os.pathsep.join([str(folder / "site"), str(ROOT)])


def test_the_installed_rule_is_found_and_trains(installed: tuple[Path, str], tmp_path: Path) -> None:
    _, path = installed
    words = ("rule=my_rule", "rule.gain=2", "epochs=2", "network.hidden=[16]", "data.limit=320", "probes=[]", "run.save=false", "--json")
    found = python("-m", "bioplaus", "simulate", *words, cwd=tmp_path, path=path)
    assert '"rule": "my_rule"' in found.stdout


def test_its_tests_pass_some(installed: tuple[Path, str]) -> None:
    folder, path = installed
    found = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", SOME, cwd=folder, path=path, check=False)
    assert found.returncode == 0, found.stdout[-3000:]
    assert "5 passed" in found.stdout, found.stdout[-500:]


@pytest.mark.slow
def test_its_tests_pass_all(installed: tuple[Path, str]) -> None:
    folder, path = installed
    found = python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder, path=path, check=False)
    assert found.returncode == 0 and "failed" not in found.stdout, found.stdout[-3000:]


def test_the_suite_finds_a_rule_that_breaks_its_word(installed: tuple[Path, str]) -> None:
    """A rule that claims to do without weight transport, and writes to its weights."""
    folder, path = installed
    code = (folder / "src" / "my_rule" / "__init__.py").read_text()
    broken = folder.parent / "broken" / "my_rule"
    broken.mkdir(parents=True)
    changed = code.replace("weight_transport=True", "weight_transport=False")
    changed = changed.replace("        # a training pass", "        view.params['forward/0/weight'].mul_(1.01)\n        # a training pass")
    assert changed.count("mul_") == 1
    (broken / "__init__.py").write_text(changed)
    words = ("-k", "(nothing_is_written or card_is_as_declared) and mlp")
    found = python("-m", "pytest", "-q", "-p", "no:cacheprovider", *words, cwd=folder, path=f"{broken.parent}{os.pathsep}{path}", check=False)
    assert found.returncode == 1 and "3 failed" in found.stdout, found.stdout[-2000:]
    # what should have held is said in words, beside the numbers
    assert "writes to no weight" in found.stdout and "declared is weight transport = False" in found.stdout


def test_every_check_says_what_should_hold() -> None:
    for check in {check.name: check for check in conformance_checks("top")}.values():
        assert (check.function.__doc__ or "").strip(), check.name


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("My-Rule",), "cannot be the name of a rule"),
        (("class",), "cannot be the name of a rule"),
        (("2nd",), "cannot be the name of a rule"),
        (("../evil",), "cannot be the name of a rule"),
        (("ccl",), "exists already"),
        (("numpy",), "a module called numpy is installed"),
        (("mine", "folder=there"), "there exists already"),
        (("mine", "foldr=there"), "unknown key 'foldr'"),
    ],
)
def test_bad_input_writes_nothing(words: tuple[str, ...], part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    answer = command("new-rule", *words)
    assert answer.code == 2 and part in answer.err and answer.err.count("\n") == 1
    assert not files(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    answer = command("new-rule", "mine", f"folder={tmp_path / 'file' / 'mine'}")
    assert answer.code == 1 and "cannot be written" in answer.err and answer.err.count("\n") == 1


def test_checks_of_a_rule() -> None:
    """Every check of every part, one replica and three, both precisions where they matter; what is exempt is named and skipped."""
    checks = conformance_checks("top")
    names = {str(check) for check in checks}
    assert len(names) == len(checks)
    assert {"two_equal_calls_give_equal_results-top-mlp-1", "two_equal_calls_give_equal_results-top-cnn5-3"} <= names
    assert "a_rate_of_zero_changes_nothing_and_another_does-top-mlp-3-float32" in names
    assert {check.network for check in checks} == {"mlp", "cnn5", "autoencoder"}
    reason = {"a_batch_of_one_works": "it wants two"}
    some = [check for check in conformance_checks("top", exempt=reason) if check.name == "a_batch_of_one_works"]
    assert {check.reason for check in some} == {"it wants two"}
    with pytest.raises(unittest.SkipTest, match="it wants two"):
        some[0]()
    with pytest.raises(ValueError, match="no_such_check"):
        conformance_checks("top", exempt={"no_such_check": "why"})
    with pytest.raises(ValueError, match="part="):
        conformance_checks("top", part="call")
