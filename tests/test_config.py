"""Settings: who outranks whom, and that a saved configuration means the same run."""

from __future__ import annotations

import itertools
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import toy_rules
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_rules import resolve, value

from bioplaus import config, registry
from bioplaus.errors import ConfigError
from bioplaus.settings import Settings

FUZZ = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    toy_rules.install(monkeypatch)


# --- who outranks whom -------------------------------------------------------------------------------------------------

#: key: value by default, by recipe, in the file, on the command line
RANKS: dict[str, tuple[Any, Any, Any, Any]] = {
    "rule.lr": (0.1, 1.0, 0.3, 0.4),
    "epochs": (40, 11, 12, 13),
    "plasticity.momentum": (0.0, 0.5, 0.25, 0.125),
    "plasticity.clip": ("none", "per_layer", "per_network", "none"),
}
#: key: value by default, in the file, on the command line; no recipe of toy speaks of them
PLAIN: dict[str, tuple[Any, Any, Any]] = {
    "rule.share": (0.5, 0.25, 0.75),
    "rule.mode": ("soft", "hard", "soft"),
    "batch_size": (64, 8, 9),
    "data.limit": (None, 100, 200),
    "run.checkpoint_every": (1, 2, 3),
    "network.bias": (False, True, False),
    "probes": (["angle", "feedback", "cka", "updates", "dead"], ["cka"], []),
}


@pytest.mark.parametrize(("in_file", "in_words"), list(itertools.product([False, True], repeat=2)))
@pytest.mark.parametrize("key", RANKS)
def test_defaults_recipe_file_command_line(key: str, in_file: bool, in_words: bool) -> None:
    default, recipe, file, words = RANKS[key]
    chosen = resolve({"rule": "toy"} | ({key: words} if in_words else {}), file={key: file} if in_file else None)
    assert value(chosen, key) == (words if in_words else file if in_file else recipe)
    assert chosen.sources[key] == ("given" if in_file or in_words else "recipe: first")
    assert value(resolve({"rule": "plain"}), key) == default


@pytest.mark.parametrize(("in_file", "in_words"), list(itertools.product([False, True], repeat=2)))
@pytest.mark.parametrize("key", PLAIN)
def test_defaults_file_command_line(key: str, in_file: bool, in_words: bool) -> None:
    default, file, words = PLAIN[key]
    chosen = resolve({"rule": "toy"} | ({key: words} if in_words else {}), file={key: file} if in_file else None)
    assert value(chosen, key) == (words if in_words else file if in_file else default)
    assert (key in chosen.sources) == (in_file or in_words)


@pytest.mark.parametrize(
    ("data", "network", "rate", "source"),
    [
        ("digits", "mlp", 1.0, "recipe: first"),
        ("mnist", "mlp", 2.0, "recipe: leaky"),
        ("cifar10", "mlp", 1.0, "recipe: first"),
        ("cifar10", "cnn5", 3.0, "recipe: images"),
        ("cifar100", "cnn5", 3.0, "recipe: images"),
        ("mnist", "cnn5", 2.0, "recipe: leaky"),
    ],
)
def test_later_recipe_wins_where_it_applies(data: str, network: str, rate: float, source: str) -> None:
    given = {"rule": "toy", "data": data, "network": network}
    if data == "mnist":
        with pytest.raises(ConfigError, match=r"neuron\.no_such"):  # a recipe's mistake is not passed over
            resolve(given)
        given["neuron"] = "relu"  # replaces the recipe's neuron, and with it what the recipe says of it
    chosen = resolve(given)
    assert chosen.rule.lr == rate and chosen.sources["rule.lr"] == source


def test_choices_of_a_recipe_and_their_replacement() -> None:
    lenet = {"rule": "toy", "network": "lenet", "data": "cifar10"}
    adam = resolve(lenet)
    # momentum of the first recipe was meant for sgd, its clip for whatever plasticity there is
    assert adam.plasticity.name == "adam" and adam.plasticity.beta1 == 0.5 and not hasattr(adam.plasticity, "momentum")
    assert (adam.plasticity.clip, adam.plasticity.clip_norm) == ("per_layer", 7.0)
    sgd = resolve({**lenet, "plasticity": "sgd"})
    assert (sgd.plasticity.name, sgd.plasticity.momentum, sgd.plasticity.clip_norm) == ("sgd", 0.5, 7.0)
    other = resolve({**lenet, "plasticity": "adamw"})
    assert (other.plasticity.name, other.plasticity.beta1, other.plasticity.clip_norm) == ("adamw", 0.9, 7.0)


def test_settings_of_a_replaced_plasticity_do_not_leak() -> None:
    """Published: ccl on CIFAR-10 with cnn5 decays weights by 1e-6 under momentum 0.8; under adam neither was meant."""
    sgd = resolve({"rule": "ccl", "data": "cifar10", "network": "cnn5"})
    assert (sgd.plasticity.momentum, sgd.plasticity.weight_decay) == (0.8, 1e-6)
    adam = resolve({"rule": "ccl", "data": "cifar10", "network": "cnn5", "plasticity": "adam"})
    fresh = registry.PLASTICITY.get("adam").Config()
    own = {f.name for f in fields(fresh)} - {f.name for f in fields(registry.PLASTICITY.get("sign").Config)}
    assert {"beta1", "beta2", "eps", "weight_decay"} <= own
    assert all(getattr(adam.plasticity, name) == getattr(fresh, name) for name in own)
    shared = ("clip", "clip_norm", "schedule", "schedule_floor", "warmup", "warmup_on", "centralise")
    assert all(getattr(adam.plasticity, name) == getattr(sgd.plasticity, name) for name in shared)
    assert not any(key == "plasticity.momentum" for key in adam.sources)


def test_file_settings_of_a_replaced_component_do_not_leak() -> None:
    file = {"rule": "toy", "rule.lr": 9.0, "rule.share": 0.25, "plasticity": "sgd", "plasticity.momentum": 0.75, "epochs": 5}
    kept = resolve({"rule": "toy"}, file=file)
    assert (kept.rule.lr, kept.rule.share, kept.plasticity.momentum) == (9.0, 0.25, 0.75)
    rule = resolve({"rule": "top", "rule.lr": 0.5}, file=file)
    assert (rule.rule.name, rule.rule.lr, rule.plasticity.momentum, rule.top.epochs) == ("top", 0.5, 0.75, 5)
    adam = resolve({"plasticity": "adam"}, file=file)
    assert adam.plasticity.name == "adam" and adam.rule.share == 0.25


def test_aliases() -> None:
    assert resolve({"rule": "toy", "rule.portion": 0.25}).rule.share == 0.25
    assert resolve({"rule": "toy", "passes": 3}).top.epochs == 3
    for file, words in (("rule.portion", "rule.share"), ("rule.share", "rule.portion"), ("rule.portion", "rule.portion")):
        assert resolve({"rule": "toy", words: 0.75}, file={file: 0.25}).rule.share == 0.75
    with pytest.raises(ConfigError, match=r"rule\.portion and rule\.share are the same|rule\.share and rule\.portion are the same"):
        resolve({"rule": "toy", "rule.portion": 0.25, "rule.share": 0.5})
    with pytest.raises(ConfigError, match="unknown key 'passes'"):
        resolve({"rule": "bp", "passes": 3})


# --- files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- 1\n- 2\n", "is not a mapping"),
        (b"", "is not a mapping"),
        (b"rule: [1\n", "is not YAML"),
        (b"\x80\x81", "is not YAML"),
        (b"\x00\x01", "is not YAML"),
        (b"epochs: 2024-13-45\n", "is not YAML"),
        (b"a: " + b"[" * 50_000, "is not YAML"),
        (b"a: !!python/object:os.system {}\n", "is not YAML"),
    ],
)
def test_files_that_are_no_configuration(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        config.read_file(path)
    assert message in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read: (No such file|Is a directory)"):
            config.read_file(path)


def test_file_may_be_nested_flat_or_both(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("rule: {name: toy, lr: 1e-3}\nplasticity.clip: none\nnetwork:\n  hidden: [3]\nrun: {root: x}\nepochs: 2\ndata: mnist\n")
    found = config.read_file(path)
    expected = {"rule": "toy", "plasticity.clip": "none", "network.hidden": [3], "run.root": "x", "epochs": 2, "data": "mnist"}
    assert {k: v for k, v in found.items() if k != "rule.lr"} == expected
    assert resolve({"data": "digits"}, file=found).rule.lr == 0.001


def equal(a: Settings, b: Settings) -> bool:
    return all(getattr(a, f.name) == getattr(b, f.name) for f in fields(Settings) if f.name != "sources")


@st.composite
def choices(draw: st.DrawFn) -> dict[str, Any]:
    """Any mixture of settings that fits together."""
    seeds = draw(st.integers(1, 3))
    rate = st.floats(0, 1e30, allow_nan=False)
    rates = rate | st.lists(rate, min_size=seeds, max_size=seeds)
    options: dict[str, st.SearchStrategy[Any]] = {
        "rule": st.sampled_from(["bp", "ccl", "top", "toy"]),
        "data": st.sampled_from(["digits", "synthetic", "cifar10"]),
        "neuron": st.sampled_from(["relu", "elu", "tanh"]),
        "plasticity": st.sampled_from(["sgd", "adam", "sign"]),
        "rule.lr": rates,
        "network.hidden": st.lists(st.integers(1, 999), max_size=3),
        "epochs": st.integers(0, 2**40),
        "steps": st.none() | st.integers(1, 99),
        "seed": st.integers(0, 2**62),
        "threads": st.none() | st.integers(1, 4),
        "probes": st.lists(st.sampled_from(["angle", "cka", "dead"]), unique=True),
        "plasticity.clip_norm": st.floats(1e-300, 1e300),
        "plasticity.clip": st.sampled_from(["none", "per_layer"]),
        "data.limit": st.none() | st.integers(1, 999),
        "data.validation": st.floats(0, 1, exclude_max=True),
        "data.root": st.none() | st.text(st.characters(codec="utf-8", exclude_characters="$?"), min_size=1),
        "run.root": st.text(st.characters(codec="utf-8", exclude_characters="$?")),
        "run.pack": st.sampled_from(["auto", "1", "7"]),
        "run.save": st.booleans(),
        "network.bias": st.booleans(),
    }
    keys = draw(st.sets(st.sampled_from(sorted(options))))
    return {"seeds": seeds, **{key: draw(options[key]) for key in sorted(keys)}}


@FUZZ
@given(choices())
def test_saved_configuration_means_the_same(tmp_path: Path, given: dict[str, Any]) -> None:
    chosen = resolve(given)
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml(chosen), encoding="utf-8")
    again = resolve(file=config.read_file(path))
    assert equal(chosen, again)
    assert config.as_dict(chosen) == yaml.safe_load(config.to_yaml(again))
    # and what was given is what holds
    for key, wanted in given.items():
        found = getattr(chosen, key).name if key in config.DEFAULTS else value(chosen, key)
        assert found == (tuple(wanted) if key == "rule.lr" and isinstance(wanted, list) else wanted)


def test_a_time_constant_outranks_the_decay_of_a_recipe() -> None:
    """The recipe of surrogate has neuron.beta; a decay and its time constant given together are refused, those of a finished run are not."""
    plain = config.resolve({"rule": "surrogate"})
    given = config.resolve({"rule": "surrogate", "neuron.tau_mem": 2.0})
    assert plain.neuron.beta == 0.95 and (given.neuron.beta, given.neuron.tau_mem) == (None, 2.0)
    synaptic = config.resolve({"rule": "surrogate", "neuron": "synaptic", "neuron.beta": 0.9, "neuron.tau_syn": 3.0}).neuron
    assert (synaptic.beta, synaptic.alpha) == (0.9, None)
    with pytest.raises(ConfigError, match=r"neuron.beta is a decay per step and neuron.tau_mem the time constant"):
        config.resolve({"rule": "surrogate", "neuron.beta": 0.9, "neuron.tau_mem": 5.0})
    for made in (plain, given):
        again = config.resolve({}, file=config._flatten(config.as_dict(made)))
        assert again.neuron == made.neuron


def test_a_short_name_is_one_where_what_it_stands_for_exists() -> None:
    assert config.resolve({"rule": "stdp", "steps": 7}).top.steps == 7  # its cells have no steps
    assert config.resolve({"rule": "stdp", "network": "mlp", "steps": 7}).neuron.steps == 7
