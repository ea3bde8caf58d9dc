"""The command line from outside: what it prints, what --json promises, which options mean what."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from driving import ROOT, TINY_WORDS, command, without_clock

from bioplaus import __version__, cli, data, registry


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def simulated(*words: str) -> dict[str, Any]:
    """Run with --json and return the object."""
    keys = [word.partition("=")[0] for word in words]
    tiny = [word for word in TINY_WORDS if word.partition("=")[0] not in keys]
    answer = command("simulate", *tiny, *words, "--json")
    assert answer.code == 0, answer.err
    found: dict[str, Any] = json.loads(answer.out)
    return found


# --- help and lists ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_help_names_every_verb(words: tuple[str, ...]) -> None:
    answer = command(*words)
    assert answer.code == 0 and answer.err == ""
    assert all(verb in answer.out for verb in cli.VERBS) and "bioplaus simulate rule=ccl" in answer.out


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_help(verb: str) -> None:
    answer = command(verb, "--help")
    assert answer.code == 0 and answer.out.startswith(f"usage: bioplaus {verb}")


def test_version() -> None:
    assert command("--version").out == f"bioplaus {__version__}\n"


def test_lists() -> None:
    whole = command("list").out
    for family, table in registry.FAMILIES.items():
        part = command("list", family)
        assert part.code == 0 and part.out in whole
        assert [line.split()[0] for line in part.out.splitlines()] == table.names()
        assert all(len(line.split()) > 1 for line in part.out.splitlines())
    assert [line.split()[0] for line in command("list", "data").out.splitlines()] == data.names()


def test_show_names_value_range_and_source() -> None:
    text = command("show", "rule=ccl", "data=mnist", "epochs=7").out
    lines = [line.strip() for line in text.splitlines()]
    assert any(line.startswith("epochs=7") and ">= 0" in line and "given" in line for line in lines)
    assert any(line.startswith("batch_size=256") and "recipe: Kao & Hariharan 2024" in line for line in lines)
    assert "Samples per update, per seed; the last batch of an epoch may be shorter." in lines
    assert any(line.startswith("device=auto") and "auto | cpu | cuda" in line for line in lines)
    assert "arXiv:2409.19841" in text and "honoured:" in text and "not honoured:" in text


# --- json ----------------------------------------------------------------------------------------------------------------


def check_numbers(value: Any) -> None:
    if isinstance(value, float):
        assert math.isfinite(value)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        check_numbers(inner)


def test_json_is_one_object_with_all_that_is_promised() -> None:
    answer = command("simulate", *TINY_WORDS, "rule=ccl", "seeds=2", "seed=3", "--json")
    assert answer.code == 0 and answer.out.count("\n") == 1
    summary = json.loads(answer.out, parse_constant=lambda word: pytest.fail(f"{word} in the output"))
    check_numbers(summary)
    assert (summary["rule"], summary["data"], summary["plasticity"], summary["neuron"]) == ("ccl", "digits", "sgd", "elu")
    assert summary["seeds"] == [3, 4] and summary["epochs"] == 3 and summary["train_samples"] == 160
    for score in ("test_accuracy", "validation_accuracy"):
        found = summary[score]
        a, b = found["values"]
        assert set(found) == {"values", "mean", "std", "ci95"} and 0 <= min(a, b) <= max(a, b) <= 1
        assert found["mean"] == pytest.approx((a + b) / 2)
        assert found["std"] == pytest.approx(abs(a - b) / math.sqrt(2))
        half = 12.706204736 * abs(a - b) / 2  # t_{0.975} of one degree of freedom, over sqrt(2)
        assert found["ci95"] == pytest.approx([(a + b) / 2 - half, (a + b) / 2 + half])
    assert len(summary["selected_epoch"]) == 2 and all(0 <= epoch <= 3 for epoch in summary["selected_epoch"])
    # 64-8-10 forward and 10-8-64 feedback, no biases; the closed form of the counter-current step at batch 32, K = 10
    weights = 64 * 8 + 8 * 10
    assert summary["parameters"] == 2 * weights and summary["parameters_inference"] == weights
    assert summary["flops_per_sample"] == pytest.approx(4 * weights * (1 + 10 / 32) + 20 * (2 * (64 + 8) + 8))
    seconds = summary["seconds"]
    assert 0 < seconds["training_per_epoch"] <= seconds["per_epoch"] == pytest.approx(seconds["total"] / 3)
    run = Path(summary["run_dir"])
    assert run.is_absolute() and json.loads((run / "summary.json").read_text()) == summary


def test_json_null_where_nothing_applies() -> None:
    one = simulated("run.save=false")
    assert one["run_dir"] is None and one["test_accuracy"]["std"] is None and one["test_accuracy"]["ci95"] is None
    none = simulated("data.validation=0")
    assert none["validation_accuracy"] is None and none["validation_loss"] is None and none["selected_epoch"] == [3]
    still = simulated("epochs=0")
    assert still["epochs"] == 0 and still["selected_epoch"] == [0]
    assert still["seconds"]["per_epoch"] is None and still["seconds"]["training_per_epoch"] is None


def test_json_of_a_task_without_accuracy() -> None:
    words = ("network=autoencoder", "network.channels=[2]", "data.limit=32", "batch_size=16", "epochs=1", "probes=[]", "run.figures=false")
    summary = json.loads(command("simulate", *words, "--json").out)
    assert summary["test_accuracy"] is None and summary["validation_accuracy"] is None
    assert summary["test_loss"]["mean"] > 0
    table = command("simulate", *words)
    assert table.code == 0 and "test loss" in table.out


def test_table_holds_the_numbers_of_the_summary() -> None:
    summary = simulated("seeds=2")
    table = command("simulate", *TINY_WORDS, "seeds=2")
    for value in (*summary["test_accuracy"]["values"], summary["test_accuracy"]["mean"]):
        assert f"{100 * value:.2f} %" in table.out
    assert "run_dir: " in table.out and "weight transport" in table.out


# --- what the settings mean ----------------------------------------------------------------------------------------------


def test_seeds_are_seed_and_the_following() -> None:
    """Network r of a run is the single run of seed + r; in packs of one nothing may differ."""
    both = simulated("seeds=2", "seed=5", "run.pack=1")
    assert both["seeds"] == [5, 6]
    for r, seed in enumerate((5, 6)):
        alone = simulated(f"seed={seed}")
        for score in ("test_accuracy", "test_loss", "validation_loss"):
            assert both[score]["values"][r] == alone[score]["values"][0]
        assert both["selected_epoch"][r] == alone["selected_epoch"][0]
    assert both["test_loss"]["values"][0] != both["test_loss"]["values"][1]


@pytest.mark.parametrize("pack", ["1", "2"])
def test_lists_are_zipped_with_the_seeds(pack: str) -> None:
    both = simulated("seeds=2", "rule.lr=[0.05,0.5]", f"run.pack={pack}")
    for r, rate in enumerate((0.05, 0.5)):
        alone = simulated(f"seed={r}", f"rule.lr={rate}")
        assert both["test_loss"]["values"][r] == pytest.approx(alone["test_loss"]["values"][0], rel=1e-5)


def test_the_same_command_gives_the_same_numbers_and_another_seed_others() -> None:
    first, second, third = simulated(), simulated(), simulated("seed=1")
    assert without_clock(first) == without_clock(second)
    assert first["test_loss"] != third["test_loss"]


@pytest.mark.parametrize("limit", [1, 7, 160])
def test_limit_is_exact(limit: int) -> None:
    assert simulated(f"data.limit={limit}")["train_samples"] == limit


def test_threads() -> None:
    before = torch.get_num_threads()
    try:
        run = Path(simulated("threads=2")["run_dir"])
        assert torch.get_num_threads() == 2
        assert json.loads((run / "environment.json").read_text())["threads"] == 2
    finally:
        torch.set_num_threads(before)


def test_steps_end_the_run() -> None:
    summary = simulated("steps=7")
    rows = command("evaluate", summary["run_dir"], "--json")
    assert summary["epochs"] == 2 and rows.code == 0  # 5 updates per epoch: one epoch and a broken one


def test_options_may_stand_anywhere() -> None:
    a = command("simulate", "--json", *TINY_WORDS, "rule=top")
    b = command("simulate", "rule=top", "--json", *TINY_WORDS)
    assert without_clock(json.loads(a.out)) == without_clock(json.loads(b.out))


# --- config files --------------------------------------------------------------------------------------------------------


def test_saved_configuration_runs_again() -> None:
    first = simulated("rule=ccl", "seeds=2", "rule.lr=[0.5,1.0]", "plasticity.momentum=0.5")
    file = Path(first["run_dir"]) / "config.yaml"
    again = json.loads(command("simulate", "--config", str(file), "--json").out)
    assert without_clock(again) == without_clock(first)
    assert (Path(again["run_dir"]) / "config.yaml").read_bytes() == file.read_bytes()
    longer = json.loads(command("simulate", "--config", str(file), "epochs=4", "--json").out)
    assert longer["epochs"] == 4 and longer["rule"] == "ccl"
    assert yaml.safe_load(file.read_text())["rule"]["lr"] == [0.5, 1.0]


# --- evaluate, resume, plot ----------------------------------------------------------------------------------------------


def test_evaluate_is_the_summary() -> None:
    for words in ((), ("seeds=2", "rule=ccl"), ("seeds=2", "run.pack=1", "plasticity=adam", "rule.lr=0.01")):
        summary = simulated(*words)
        answer = command("evaluate", summary["run_dir"], "--json")
        found = json.loads(answer.out)
        assert answer.out.count("\n") == 1 and found.pop("test_samples") == 360
        assert found == summary


def test_evaluate_the_first_n_test_images() -> None:
    """Accuracy on n images is a multiple of 1/n; on the first and all of them it fits the counts."""
    run = simulated()["run_dir"]
    for n in (1, 7, 360):
        found = json.loads(command("evaluate", run, f"data.limit={n}", "--json").out)
        hits = found["test_accuracy"]["values"][0] * n
        assert found["test_samples"] == n and hits == pytest.approx(round(hits), abs=1e-6)
    assert found["test_accuracy"] == json.loads(command("evaluate", run, "--json").out)["test_accuracy"]
    text = command("evaluate", run, "data.limit=7")
    assert text.code == 0 and "test accuracy" in text.out


def test_plot_lists_what_it_draws() -> None:
    run = Path(simulated("probes=[angle]")["run_dir"])
    assert not (run / "figures").exists()
    answer = command("plot", str(run))
    assert answer.code == 0
    paths = [Path(line) for line in answer.out.splitlines()]
    assert paths and all(path.parent == run / "figures" and path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_debug_shows_where() -> None:
    plain, debug = command("simulate", "rule=ccx"), command("simulate", "rule=ccx", "--debug")
    assert plain.code == debug.code == 2
    assert "Traceback" not in plain.err and plain.err.count("\n") == 1
    assert "Traceback" in debug.err and debug.err.endswith(plain.err)


def test_reproduce_lists_claims() -> None:
    answer = command("reproduce", "list")
    assert answer.code == 0 and "ccl_mnist" in answer.out and "target:" in answer.out


# --- in a process of its own ---------------------------------------------------------------------------------------------

QUICK = """
import sys
from bioplaus import cli
for words in {cases}:
    try:
        cli.main(words)
    except SystemExit as leaving:
        print("code", leaving.code, file=sys.stderr)
    heavy = [name for name in ("torch", "numba", "matplotlib", "sklearn", "elsewhere_rules") if name in sys.modules]
    assert not heavy, (words, heavy)
"""


def test_quick_answers_import_nothing_heavy(tmp_path: Path) -> None:
    """Help, lists, wrong words, and missing data: all before torch."""
    cases = [[], ["--help"], ["simulate", "--help"], ["list"], ["list", "rules"], ["list", "data"], ["simulat"], ["simulate", "rule=ccx"]]
    cases += [["simulate", "data=mnist"], ["simulate", "data=cifar10", "rule=ccl"], ["simulate", "run.sav=1"], ["simulate", "x"]]
    cases += [["simulate", "--config", "none.yaml"], ["resume", "none", "epochs=3"]]
    where = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path), "BIOPLAUS_DATA": str(tmp_path / "nothing")}
    done = subprocess.run([sys.executable, "-c", QUICK.format(cases=cases)], env=where, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    codes = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("code ")]
    assert codes == ["0"] * 6 + ["2"] * 8
    assert done.stderr.count(f"{tmp_path}/nothing/MNIST/raw (data folder from BIOPLAUS_DATA)") == 1


def test_reader_that_leaves_is_no_error() -> None:
    """``bioplaus list | head -1``, also where the pipe is closed before anything is written."""
    where = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen([sys.executable, "-m", "bioplaus", "list"], env=where, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert run.stdout is not None and run.stderr is not None
    run.stdout.close()
    assert run.stderr.read() == "" and run.wait(30) == 0
    run.stderr.close()


def test_terminal_without_box_characters() -> None:
    where = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    code = (
        "import sys; from bioplaus import cli, tables; from bioplaus.verbs.base import Verb; "
        "cli.VERBS['list'] = Verb('list', '', lambda args: print('\\u2500')); cli.main(['list'])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=where, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "?\n", "")
