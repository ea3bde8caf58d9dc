"""Completion of words in shells: the scripts are sound, and bash answers as a person would have it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from driving import command

from bioplaus import registry
from bioplaus.verbs import VERBS

ASK = """
source {script}
COMP_WORDS=({words}); COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 )); COMPREPLY=()
_bioplaus_completed bioplaus "${{COMP_WORDS[COMP_CWORD]}}" ""
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("shtab")
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    file = tmp_path_factory.mktemp("completion") / "bioplaus.bash"
    answer = command("completion", "bash")
    assert answer.code == 0 and not answer.err
    file.write_text(answer.out, encoding="utf-8")
    return file


def asked(script: Path, *words: str) -> list[str]:
    """Return what bash offers for the last word; bash itself parts words at "="."""
    quoted = " ".join(f"'{word}'" for word in words)
    code = ASK.format(script=script, words=quoted)
    done = subprocess.run(["bash", "--norc", "-c", code], capture_output=True, text=True, check=True)
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_sound(shell: str, tmp_path: Path) -> None:
    pytest.importorskip("shtab")
    answer = command("completion", shell)
    assert answer.code == 0 and all(verb in answer.out for verb in VERBS)
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} to read it")
    file = tmp_path / "script"
    file.write_text(answer.out, encoding="utf-8")
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr


def test_verbs(script: Path) -> None:
    assert asked(script, "bioplaus", "sim") == ["simulate"]
    assert set(VERBS) <= set(asked(script, "bioplaus", ""))


def test_keys(script: Path) -> None:
    assert asked(script, "bioplaus", "simulate", "epo") == ["epochs="]
    assert "data.root=" in asked(script, "bioplaus", "simulate", "rule", "=", "ccl", "data.")


def test_names_behind_a_key(script: Path) -> None:
    assert asked(script, "bioplaus", "simulate", "rule", "=", "cc") == ["ccl"]
    assert asked(script, "bioplaus", "simulate", "rule", "=") == registry.RULES.names()
    assert asked(script, "bioplaus", "show", "epochs", "=", "3", "neuron", "=", "li") == ["lif"]


def test_options(script: Path) -> None:
    assert asked(script, "bioplaus", "simulate", "--js") == ["--json"]


def test_another_shell_is_refused() -> None:
    answer = command("completion", "bahs")
    assert answer.code == 2 and "did you mean 'bash'" in answer.err
