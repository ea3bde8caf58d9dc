"""Settings of spiking runs that cannot be, or that do nothing: one line that says so, exit code 2, nothing left behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from driving import command

TINY = ("data.limit=60", "batch_size=32", "network.hidden=[8]", "epochs=1", "probes=[]", "run.figures=false")

BAD: list[tuple[str, tuple[str, ...]]] = [
    # out of range
    ("surrogate neuron.slope=-1", ("neuron.slope=-1.0", "> 0")),
    ("surrogate neuron.beta=2", ("neuron.beta=2.0", "<= 1")),
    ("surrogate neuron.threshold=0", ("neuron.threshold=0.0", "> 0")),
    ("surrogate neuron.surrogate=foo", ("neuron.surrogate=foo", "fast_sigmoid", "straight_through")),
    ("surrogate steps=0", ("neuron.steps=0", ">= 1")),
    ("surrogate steps=2.5", ("neuron.steps=2.5", "whole number")),
    ("surrogate neuron.loss=foo", ("neuron.loss=foo", "first_spike")),
    ("surrogate neuron.readout_beta=2", ("neuron.readout_beta=2.0", "<= 1")),
    ("surrogate neuron=izhikevich neuron.cell=xx", ("neuron.cell=xx", "rs, ib, ch, fs, lts")),
    ("surrogate neuron=izhikevich neuron.dt=2", ("neuron.dt=2.0", "<= 1")),
    # settings that would be ignored, or teach nothing
    ("surrogate neuron.surrogate=straight_through neuron.slope=3", ("neuron.slope=3.0", "leave neuron.slope out")),
    ("surrogate neuron.readout=leaky neuron.loss=count", ("neuron.loss=count", "neuron.readout=leaky", "max_membrane")),
    ("surrogate neuron=izhikevich neuron.loss=rate", ("neuron.loss=rate", "neuron.readout=leaky", "mse_membrane")),
    # codes
    ("surrogate encode=rate data.standardise=auto", ("rate coding", "between 0 and 1", "data.standardise=none")),
    ("surrogate encode=latency data.standardise=auto", ("latency coding", "between 0 and 1", "data.standardise=none")),
    ("surrogate encode=latency data.encode_threshold=2", ("data.encode_threshold=2.0", "between 0 and 1")),
    ("surrogate encode=delta", ("data.encode=delta", "no data set here has inputs that change over time", "encodings.delta")),
    # time where there is none
    ("bp data.encode=rate", ("data.encode=rate", "has no time", "neuron=lif")),
    ("bp neuron.steps=20", ("unknown key 'neuron.steps'",)),
    ("surrogate neuron=relu", ("rule=surrogate", "neuron=relu has no time", "neuron=lif")),
    # rules and units
    ("ccl neuron=lif", ("rule=ccl cannot train spiking units", "surrogate", "docs/spiking.md")),
    ("surrogate neuron=hodgkin_huxley", ("rule=surrogate", "neuron=hodgkin_huxley", "neuron=izhikevich or lif")),
    ("bp neuron=lif network.recurrent=true", ("rule=bp cannot train network.recurrent=true", "rule=eprop can")),
    ("bp network.recurrent=true", ("network.recurrent=true is for spiking units", "neuron=lif")),
    ("eprop neuron.learn_tau=true", ("neuron.learn_tau=true", "leave it out")),
    ("decolle neuron.learn_tau=true", ("neuron.learn_tau=true", "leave it out")),
    ("eprop neuron.loss=count", ("neuron.loss=count", "step by step", "membrane, rate, mse_membrane")),
    ("decolle neuron.loss=first_spike", ("neuron.loss=first_spike", "membrane, rate, mse_membrane")),
    ("eprop neuron=alif", ("neuron=alif with neuron.readout=leaky",)),
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def check_refused(answer: Any, *parts: str) -> None:
    """Assert exit code 2, nothing on stdout, one line with all parts."""
    assert answer.code == 2 and answer.out == "", answer
    assert answer.err.startswith("bioplaus: ") and len(answer.err.splitlines()) == 1, answer.err
    assert all(part in answer.err for part in parts), answer.err


@pytest.mark.parametrize(("words", "parts"), BAD, ids=[words for words, _ in BAD])
def test_one_clear_line_before_anything_is_written(words: str, parts: tuple[str, ...]) -> None:
    rule, *rest = words.split()
    check_refused(command("simulate", f"rule={rule}", *rest, *TINY), *parts)
    assert not Path("runs").exists()


def test_inputs_of_a_code_that_no_scaling_mends() -> None:
    check_refused(command("simulate", "rule=surrogate", "data=synthetic", "encode=rate", "network.hidden=[8]"), "rate coding", "between 0 and 1")
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("neuron=lif neuron.threshold=1000", ("layers 1 and 2 never fire", "bottom first: 0, 0)", "lower neuron.threshold", "neuron.beta")),
        ("neuron=izhikevich neuron.gain=0.1", ("layer 1 never fires", "bottom first: 0, none)", "neuron.gain", "neuron.steps")),
    ],
)
def test_a_silent_network_says_so_and_what_to_change(words: str, parts: tuple[str, ...]) -> None:
    answer = command("simulate", "rule=surrogate", *words.split(), *TINY, "run.save=false")
    told = [line for line in answer.err.splitlines() if line.startswith("bioplaus: ")]
    assert answer.code == 0 and len(told) == 1
    assert all(part in told[0] for part in parts), told


@pytest.mark.parametrize(("threshold", "told"), [("1000", True), ("0.1", False)])
def test_hidden_layers_that_are_silent_from_the_start_are_told_before_the_first_update(threshold: str, told: bool) -> None:
    answer = command("simulate", "rule=surrogate", f"neuron.threshold={threshold}", *TINY, "run.save=false")
    lines = answer.err.splitlines()
    notes = [i for i, line in enumerate(lines) if line.startswith("note: before learning, layer 1 never fires (spikes per unit and step")]
    assert answer.code == 0 and bool(notes) == told and all(i < lines.index(next(x for x in lines if "100 %" in x)) for i in notes)
    assert not told or "lower neuron.threshold" in lines[notes[0]]


def test_a_recurrent_network_runs_with_the_probes_of_its_recipe() -> None:
    """There is no gradient to be compared with; that is no reason to refuse the run."""
    words = [word for word in TINY if not word.startswith("probes")]
    answer = command("simulate", "rule=eprop", "network.recurrent=true", "steps=4", *words, "run.save=false")
    assert answer.code == 0, answer.err


def test_a_cell_with_its_defaults_is_not_silent() -> None:
    answer = command("simulate", "rule=surrogate", "neuron=izhikevich", "network.hidden=[32]", *TINY[:2], *TINY[3:], "run.save=false")
    assert answer.code == 0 and "never fire" not in answer.err


@pytest.mark.usefixtures("without_brian2")
def test_missing_brian2_names_versions_that_work() -> None:
    check_refused(command("theory", "lif", "brian2=true"), "brian2=true", "brian2==2.9.*", "numpy<2.4")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("current=abc", ("current=abc", "number")),
        ("tau_mem=0", ("tau_mem=0.0", "> 0")),
        ("t_ref=-1", ("t_ref=-1.0", ">= 0")),
        ("dt=1e-9", ("duration / dt", "1000000000")),
        ("model=foo", ("model=foo", "lif, izhikevich, hodgkin_huxley")),
        ("model=izhikevich dt=5", ("dt=5", "<= 1 ms")),
        ("model=hodgkin_huxley dt=1", ("dt=1", "<= 0.1 ms")),
        ("bogus=1", ("unknown key 'bogus'", "tau_mem")),
    ],
)
def test_bad_values_of_f_i_curves(words: str, parts: tuple[str, ...]) -> None:
    check_refused(command("theory", "lif", *words.split()), *parts)
    assert not Path("runs").exists()
