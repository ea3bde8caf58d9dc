"""What a key of a sweep may be, against lists made by hand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from bioplaus.errors import ConfigError
from bioplaus.sweeping.cells import product
from bioplaus.sweeping.grammar import Space, parse, spaces, split


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", ["1"]),
        ("ccl,fa", ["ccl", "fa"]),
        ("[256,128]", ["[256,128]"]),
        ("[64],[128,128]", ["[64]", "[128,128]"]),
        ("[[1,2],[3]],4", ["[[1,2],[3]]", "4"]),
        ("{a: 1, b: 2},3", ["{a: 1, b: 2}", "3"]),
        ("log(0.1,1,3),2", ["log(0.1,1,3)", "2"]),
        ("'a,b',c", ["'a,b'", "c"]),
        ('"[,",x', ['"[,"', "x"]),
        ("it's,ok", ["it's", "ok"]),
        (" 1 , 2 ", ["1", "2"]),
    ],
)
def test_commas_within_brackets_and_quotes_split_nothing(text: str, expected: list[str]) -> None:
    assert split(text) == expected


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("rule.lr=0.01,0.1,1", (0.01, 0.1, 1)),
        ("rule.lr=range(3)", (0, 1, 2)),
        ("rule.lr=range(2,5)", (2, 3, 4)),
        ("rule.lr=range(1,8,3)", (1, 4, 7)),
        ("rule.lr=range(1,7,3)", (1, 4)),
        ("rule.lr=range(3,0,-1)", (3, 2, 1)),
        ("rule.lr=range(0,1,0.25)", (0, 0.25, 0.5, 0.75)),
        ("rule.lr=range(0,0.3,0.1)", (0, 0.1, 0.2)),
        ("rule.lr=log(0.01,1,3)", (0.01, 0.1, 1)),
        ("rule.lr=log(1e-4,1,5)", (1e-4, 1e-3, 1e-2, 1e-1, 1)),
        ("batch_size=log(16,128,4)", (16, 32, 64, 128)),
        ("rule.lr=log(1,4,2)", (1, 4)),
        ("rule.lr=0.5,log(1,100,3)", (0.5, 1, 10, 100)),
        ("network.hidden=[256,128]", ([256, 128],)),
        ("network.hidden=[64],[128,128]", ([64], [128, 128])),
        ("network.bias=true,false", (True, False)),
        ("data.limit=null,100", (None, 100)),
        ("data.root=/a,b/range(3)", ("/a,b/range(3)",)),
    ],
)
def test_values(word: str, values: tuple[Any, ...]) -> None:
    (space,) = parse([word]).values()
    assert space.values == values
    assert [type(value) for value in space.values] == [type(value) for value in values]  # a whole number stays one: batch sizes
    assert not space.interval


def test_points_of_a_logarithm_lie_at_equal_ratios() -> None:
    values = parse(["x=log(0.003,7,6)"])["x"].values
    assert values[0] == 0.003 and values[-1] == 7
    assert [b / a for a, b in itertools.pairwise(values)] == pytest.approx([(7 / 0.003) ** 0.2] * 5, rel=1e-9)


def test_intervals() -> None:
    found = parse(["a=log(0.001,1)", "b=uniform(-1,1)", "c=range(2,9,3)"])
    assert (found["a"].kind, found["a"].values) == ("log", (0.001, 1)) and found["a"].interval
    assert (found["b"].kind, found["b"].values) == ("uniform", (-1, 1)) and found["b"].interval
    assert (found["c"].kind, found["c"].values) == ("whole", (2, 5, 8)) and not found["c"].interval


def test_cells_are_the_product_the_last_key_fastest() -> None:
    keys = parse(["rule=ccl,fa", "rule.lr=log(0.01,1,3)", "epochs=2", "network.hidden=[4],[8,8]"])
    cells = product(keys, {"probes": []})
    expected = list(itertools.product(("ccl", "fa"), (0.01, 0.1, 1), ([4], [8, 8])))
    assert [tuple(cell.swept.values()) for cell in cells] == expected
    assert cells[0].settings == {"probes": [], "rule": "ccl", "rule.lr": 0.01, "epochs": 2, "network.hidden": [4]}
    assert cells[-1].name == "rule=fa rule.lr=1 network.hidden=[8,8]"


def test_from_python_a_tuple_lists_values_and_a_list_is_one() -> None:
    found = spaces({"rule": "ccl,fa", "network.hidden": ([64], [128, 128]), "probes": ["angle"], "seeds": 3, "rule.lr": (0.1, 1.0)})
    assert {key: space.values for key, space in found.items()} == {
        "rule": ("ccl", "fa"), "network.hidden": ([64], [128, 128]), "probes": (["angle"],), "seeds": (3,), "rule.lr": (0.1, 1.0),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rule"], "'rule' is not key=value"),
        (["rule=a", "rule=b"], "rule is given twice"),
        (["rule.lr=1,,2"], "nothing between two commas"),
        (["rule.lr=1,"], "nothing between two commas"),
        (["network.hidden=[1,2"], "']' is missing at the end"),
        (["network.hidden=1]"], "']' closes nothing"),
        (["network.hidden=[1)"], "'\\)' closes nothing"),
        (["x='a,b"], "missing at the end"),
        (["rule.lr=log(0,1,3)"], "lower end > 0"),
        (["rule.lr=log(2,1,3)"], "lower end > 0"),
        (["rule.lr=log(1,2,1)"], "whole number of points"),
        (["rule.lr=log(1,2,2.5)"], "whole number of points"),
        (["rule.lr=log(1)"], "the number of points"),
        (["rule.lr=log(a,b,3)"], "takes numbers"),
        (["rule.lr=log(0.1,inf,3)"], "takes numbers"),
        (["rule.lr=range()"], "takes numbers"),
        (["rule.lr=range(5,1)"], "holds no number"),
        (["rule.lr=range(0,5,0)"], "holds no number"),
        (["rule.lr=range(1,2,3,4)"], "one to three numbers"),
        (["rule.lr=range(0,1,1e-9)"], "more than 100000"),
        (["rule.lr=uniform(1,1)"], "a lower and a higher end"),
        (["rule.lr=0.1,log(0.1,1)"], "stands alone"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refusal:
        parse(words)
    assert "\n" not in str(refusal.value) and words[0].partition("=")[0] in str(refusal.value)


def test_an_interval_and_too_many_cells_are_refused_before_cells_are_made() -> None:
    with pytest.raises(ConfigError, match=r"rule.lr=log\(0.1,1\) is an interval.*log\(a,b,n\).*sampler=tpe"):
        product(parse(["rule.lr=log(0.1,1)"]), {})
    with pytest.raises(ConfigError, match="1000000 cells, more than 100000"):
        product({key: Space(tuple(range(1000))) for key in "ab"}, {})
