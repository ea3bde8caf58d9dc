"""Settings: how words become values, which values are refused, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_rules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_rules import resolve, value

from bioplaus import config
from bioplaus.errors import ConfigError

FUZZ = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    toy_rules.install(monkeypatch)


@pytest.mark.parametrize(
    ("word", "key", "expected"),
    [
        ("epochs=10", "epochs", 10),
        ("rule.lr=1e-3", "rule.lr", 0.001),
        ("rule.lr=.5", "rule.lr", 0.5),
        ("rule.lr=1E-3", "rule.lr", 0.001),
        ("rule.lr=inf", "rule.lr", "inf"),
        ("network.hidden=[1, 2]", "network.hidden", [1, 2]),
        ("network.hidden=[]", "network.hidden", []),
        ("network.bias=true", "network.bias", True),
        ("data.limit=null", "data.limit", None),
        ("data.limit=", "data.limit", None),
        ("rule=ccl", "rule", "ccl"),
        ("probes=[angle,cka]", "probes", ["angle", "cka"]),
        ("run.root=a=b", "run.root", "a=b"),
        ("run.root=2024_11_24", "run.root", "2024_11_24"),
        ("run.root=007", "run.root", "007"),
        ("run.root=12:30", "run.root", "12:30"),
        ("run.root=true", "run.root", "true"),
        ("run.root='quoted'", "run.root", "quoted"),
        ("run.root=with space", "run.root", "with space"),
        ("data.root=~", "data.root", "~"),
        ("data.root=null", "data.root", None),
        ("run.pack=2", "run.pack", "2"),
    ],
)
def test_words(word: str, key: str, expected: Any) -> None:
    found = config.parse([word])[key]
    if expected == "inf":
        assert found in ("inf", float("inf"))
    else:
        assert found == expected and type(found) is type(expected)


@FUZZ
@given(st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.booleans() | st.lists(st.integers(-99, 99) | st.floats(-1e9, 1e9)))
def test_numbers_survive_the_command_line(number: Any) -> None:
    text = str(number).lower() if isinstance(number, bool) else str(number)
    found = config.parse([f"x={text}"])["x"]
    assert found == number or float(found) == number


@FUZZ
@given(st.text(max_size=12))
def test_no_text_breaks_the_parser(text: str) -> None:
    for word in (text, f"epochs={text}", f"run.root={text}", f"rule.lr=[{text}]"):
        try:
            found = config.parse([word])
        except ConfigError as error:
            assert str(error)
            continue
        try:
            resolve(found)
        except ConfigError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["epochs"], "'epochs' is not key=value"),
        (["=3"], "is not key=value"),
        (["epochs=1", "epochs=1"], "epochs is given twice"),
        (["epochs=[1"], "mend the brackets"),
        (["rule.lr=${x}"], "refer to others"),
    ],
)
def test_words_that_are_none(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=None) as caught:
        config.parse(words)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epochs": "many"}, "epochs=many is not a whole number >= 0"),
        ({"epochs": 2.5}, "epochs=2.5 is not a whole number >= 0"),
        ({"epochs": True}, "epochs=true is not a whole number >= 0"),
        ({"epochs": None}, "epochs=null is not a whole number >= 0"),
        ({"epochs": [1]}, "epochs=[1] is not a whole number >= 0"),
        ({"epochs": -1}, "epochs=-1 is out of range; it must be >= 0"),
        ({"batch_size": 0}, "batch_size=0 is out of range; it must be >= 1"),
        ({"rule.lr": "fast"}, "rule.lr=fast is not a number >= 0"),
        ({"rule.lr": True}, "rule.lr=true is not a number >= 0"),
        ({"rule.lr": float("nan")}, "rule.lr=nan is out of range; it must be finite and >= 0"),
        ({"rule.lr": float("inf")}, "rule.lr=inf is out of range; it must be finite and >= 0"),
        ({"rule.share": 1.5}, "rule.share=1.5 is out of range; it must be >= 0, <= 1"),
        ({"rule.mode": "loud"}, "rule.mode=loud is not known; choose one of soft, hard"),
        ({"rule.mode": [1]}, "rule.mode=[1] is not one of soft, hard"),
        ({"plasticity.momentum": 1.0}, "plasticity.momentum=1.0 is out of range; it must be >= 0, < 1"),
        ({"plasticity.clip_norm": 0}, "plasticity.clip_norm=0.0 is out of range; it must be > 0"),
        ({"network.hidden": 8}, "network.hidden=8 is not a list of whole numbers"),
        ({"network.hidden": [8, "x"]}, "network.hidden=[8,x] is not a list of whole numbers"),
        ({"network.hidden": [2**63]}, "must fit into 64 bits"),
        ({"network.bias": "maybe"}, "network.bias=maybe is not true or false"),
        ({"probes": "angle"}, "probes=angle is not a list of names"),
        ({"probes": ["angle", "angle"]}, "probes names angle twice"),
        ({"run.root": "a${b}"}, "run.root=a${b} is not a text"),
        ({"run.root": "???"}, "run.root=??? is not a text"),
        ({"run.pack": "0"}, "run.pack=0 must be auto or a number of replicas >= 1"),
        ({"run.pack": "²"}, "run.pack=² must be auto"),
        ({"seed": 2**63 - 2, "seeds": 3}, "must fit into 64 bits"),
        ({"seeds": 100_001}, "seeds=100001 is out of range"),
        ({"rule.lr": [0.1, 0.2]}, "rule.lr lists 2 values for 1 seeds; give one per seed (seeds=2)"),
        ({"rule.lr": [0.1], "seeds": 2}, "rule.lr lists 1 values for 2 seeds"),
        ({"rule.lr": []}, "rule.lr lists 0 values for 1 seeds; give one per seed"),
        ({"rule.lr": [0.1, -1], "seeds": 2}, "rule.lr=-1.0 is out of range"),
        ({"rule.lr": [0.1, None], "seeds": 2}, "rule.lr=null is not a number"),
        ({"rule.extra": [0.1, None], "seeds": 2}, "rule.extra=null is not a number"),
        ({"rule.lr": [[1]], "seeds": 1}, "rule.lr=[1] is not a number"),
        ({"rule.share": [0.1, 0.2], "seeds": 2}, "rule.share=[0.1,0.2] is not a number"),
        ({"rule": None}, "rule= names nothing"),
        ({"neuron": None}, "neuron= names nothing"),
        ({"rule": 3}, "rule=3 is not a name"),
        ({"rule": ["bp"]}, "is not a name"),
        ({"network": "mpl"}, "unknown network 'mpl', did you mean 'mlp'?"),
        ({"neuron": "rulu"}, "unknown neuron 'rulu', did you mean 'relu'?"),
        ({"plasticity": "adamm"}, "unknown plasticity 'adamm', did you mean 'adam'?"),
        ({"data": "digit"}, "did you mean digits?"),
        ({"probes": ["angel"]}, "unknown probe 'angel', did you mean 'angle'?"),
        ({"backend": "lop"}, "unknown backend 'lop', did you mean 'loop'?"),
    ],
)
def test_wrong_values(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve({"rule": "toy", **given})
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("epoch", "epochs"),
        ("rule.lrr", "rule.lr"),
        ("lr", "rule.lr"),
        ("momentum", "plasticity.momentum"),
        ("rule.epochs", "epochs"),
        ("hidden", "network.hidden"),
        ("data.rot", "data.root"),
        ("run.sav", "run.save"),
        ("rul", "rule"),
        ("plasticity.momentun", "plasticity.momentum"),
        ("rule.name", None),
        ("qqqqqq", None),
        ("rule.lr.x", "rule.lr"),
        ("", None),
    ],
)
def test_unknown_key_gets_the_nearest_right_one(key: str, near: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve({"rule": "toy", key: 1})
    message = str(caught.value)
    assert message.startswith(f"unknown key '{key}'") and message.endswith(" See bioplaus show")
    if near:
        assert f", did you mean '{near}'?" in message


@pytest.mark.parametrize(
    ("given", "key", "expected"),
    [
        ({"network.hidden": (4, 5)}, "network.hidden", [4, 5]),
        ({"network.hidden": np.array([4, 5])}, "network.hidden", [4, 5]),
        ({"epochs": np.int64(3)}, "epochs", 3),
        ({"rule.lr": np.float32(0.5)}, "rule.lr", 0.5),
        ({"rule.lr": 1}, "rule.lr", 1.0),
        ({"rule.lr": [0.5]}, "rule.lr", (0.5,)),
        ({"rule.lr": np.array([0.5, 2]), "seeds": 2}, "rule.lr", (0.5, 2.0)),
        ({"rule.lr": (1, 2), "seeds": 2}, "rule.lr", (1.0, 2.0)),
        ({"rule.extra": None}, "rule.extra", None),
        ({"run.root": Path("a/b")}, "run.root", "a/b"),
        ({"run.pack": 2}, "run.pack", "2"),
        ({"seed": 2**63 - 1}, "seed", 2**63 - 1),
    ],
)
def test_values_from_python(given: dict[str, Any], key: str, expected: Any) -> None:
    found = value(resolve({"rule": "toy", **given}), key)
    assert found == expected and type(found) is type(expected)


def test_seeds_are_consecutive() -> None:
    assert resolve({"seeds": 3, "seed": 5}).seed_list == (5, 6, 7)
    assert resolve().seed_list == (0,)


def test_one_value_replaces_a_list_of_the_file_and_back() -> None:
    assert resolve({"rule.lr": 0.5}, file={"rule.lr": [0.1, 0.2], "seeds": 2}).rule.lr == 0.5
    assert resolve({"rule.lr": [0.1, 0.2]}, file={"rule.lr": 0.5, "seeds": 2}).rule.lr == (0.1, 0.2)
