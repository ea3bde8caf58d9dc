"""The tables of components: every name leads to a class, third parties enter, names are not taken twice."""

from __future__ import annotations

import importlib.metadata
from dataclasses import is_dataclass
from typing import Any

import pytest

from bioplaus import registry
from bioplaus.errors import ConfigError
from bioplaus.plasticity.devices import Device
from bioplaus.registry import FAMILIES, Registry, nearest

MEMBERS = [(family, name) for family, table in FAMILIES.items() for name in table.names()]


@pytest.mark.parametrize(("family", "name"), MEMBERS)
def test_every_name_leads_to_a_class_with_a_first_line(family: str, name: str) -> None:
    table = FAMILIES[family]
    fresh = Registry(table.kind, table._targets)
    before = fresh.summary(name)  # from the source, nothing imported
    component = fresh.get(name)
    if family == "devices":  # devices are values, with a string under each
        assert fresh.summary(name) == before and before.endswith(".") and isinstance(component, Device)
        return
    assert isinstance(component, type)
    assert before == fresh.summary(name) == str(component.__doc__).strip().splitlines()[0]
    assert before
    if family in ("rules", "neurons", "plasticity", "networks"):
        assert is_dataclass(component.Config)  # neurons without settings of their own share one
        if family == "networks":  # published ones are others with settings of their own
            assert issubclass(component, fresh.get(component.Config().name))
        else:
            assert family == "neurons" or component.Config().name == name


def test_names_are_in_order_and_checked() -> None:
    table = Registry("thing", {"b": "m:B", "a": "m:A"})
    assert table.names() == ["b", "a"]
    assert table.check("a") == "a"
    with pytest.raises(ConfigError, match=r"unknown thing 'c'.* Known: b, a"):
        table.get("c")


@pytest.mark.parametrize(("word", "hint"), [("ccx", ", did you mean 'ccl'?"), ("toop", ", did you mean 'top'?"), ("zzz", None)])
def test_nearest(word: str, hint: str | None) -> None:
    assert nearest(word, ["bp", "ccl", "top"]) in ((hint,) if hint else ("", "."))


class Mine:
    """My component."""


class Other:
    """Another one."""


def test_register() -> None:
    table = Registry("thing", {"a": "m:A"})
    table.register("mine", Mine)
    table.register("mine", Mine)  # the same again, as a notebook does
    assert table.names() == ["a", "mine"] and table.get("mine") is Mine and table.summary("mine") == "My component."
    for taken in ("mine", "a"):
        with pytest.raises(ConfigError, match=f"thing '{taken}' is registered already"):
            table.register(taken, Other)
    assert table.get("mine") is Mine


def points(*found: tuple[str, str]) -> Any:
    made = [importlib.metadata.EntryPoint(name, target, "some.group") for name, target in found]
    return lambda group: made if group == "some.group" else []


def test_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "entry_points", points(("far", "collections:OrderedDict"), ("a", "m:A")))
    table = Registry("thing", {"a": "m:A"}, "some.group")
    assert table.names() == ["a", "far"]
    assert table.get("far").__name__ == "OrderedDict"
    assert Registry("thing", {"a": "m:A"}).names() == ["a"]  # a family that is closed


@pytest.mark.parametrize("found", [[("a", "other:A")], [("far", "x:A"), ("far", "y:A")]])
def test_name_that_is_taken_is_refused(found: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "entry_points", points(*found))
    with pytest.raises(ConfigError, match=r"two things are called .* uninstall one"):
        Registry("thing", {"a": "m:A"}, "some.group").names()


def test_families() -> None:
    assert list(FAMILIES) == ["rules", "neurons", "plasticity", "devices", "networks", "probes", "backends", "theories"]
    assert {"bp", "ccl", "top"} <= set(registry.RULES.names())
