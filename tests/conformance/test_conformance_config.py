"""Every registered component's settings: they survive the way to a file and back, and say what each field is."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from bioplaus import config, registry
from bioplaus.errors import ConfigError
from bioplaus.fields import replica_fields
from bioplaus.settings import Settings
from bioplaus.testing.benches import NETWORKS
from bioplaus.testing.kit import Case, cases, components, rate_fields, refused, settings_of

FAMILIES = {"rule": registry.RULES, "neuron": registry.NEURONS, "plasticity": registry.PLASTICITY}
MEMBERS = [(key, name) for key, family in FAMILIES.items() for name in family.names()]


def again(settings: Settings, folder: Path) -> Settings:
    """Settings after the way through a file."""
    file = folder / "config.yaml"
    file.write_text(config.to_yaml(settings), encoding="utf-8")
    return config.resolve({}, file=config.read_file(file), locate=False)


def check_round_trip(settings: Settings, folder: Path) -> None:
    """Assert that nothing changes, neither value nor type."""
    other = again(settings, folder)
    for f in fields(Settings):
        if f.name != "sources":
            mine, theirs = getattr(settings, f.name), getattr(other, f.name)
            assert type(mine) is type(theirs) and mine == theirs
    assert config.as_dict(other) == config.as_dict(settings)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("case", cases(), ids=str)
def test_settings_of_a_rule_round_trip(case: Case, network: str, tmp_path: Path) -> None:
    settings = settings_of(case, network)
    assert settings.rule.name == case.rule
    assert all(getattr(settings.rule, key.removeprefix("rule.")) == value for key, value in case.option)
    check_round_trip(settings, tmp_path)


@pytest.mark.parametrize("rule", registry.RULES.names())
def test_rates_per_seed_round_trip(rule: str, tmp_path: Path) -> None:
    assert "lr" in rate_fields(rule)
    given = {f"rule__{name}": [0.1, 0.2, 0.0] for name in rate_fields(rule)}
    settings = settings_of(Case(rule), "mlp", 3, **given)
    check_round_trip(settings, tmp_path)
    assert again(settings, tmp_path).rule.lr == (0.1, 0.2, 0.0)


@pytest.mark.parametrize(("key", "name"), MEMBERS)
def test_settings_of_every_component_round_trip(key: str, name: str, tmp_path: Path) -> None:
    settings = config.resolve({key: name, "data": "synthetic"}, locate=False)
    chosen = getattr(settings, key)
    assert isinstance(chosen, FAMILIES[key].get(name).Config) and chosen.name == name
    check_round_trip(settings, tmp_path)


@pytest.mark.parametrize(("key", "name"), MEMBERS)
def test_every_value_that_is_not_the_default_round_trips(key: str, name: str, tmp_path: Path) -> None:
    given = {f"{key}.{f.name}": value for f in fields(FAMILIES[key].get(name).Config) if (value := other(f)) is not None}
    settings = config.resolve({key: name, "data": "synthetic", **given}, locate=False)
    for dotted, value in given.items():
        assert getattr(getattr(settings, key), dotted.partition(".")[2]) == value
    check_round_trip(settings, tmp_path)


def other(f: Any) -> Any:
    """Return a legal value of a field that is not its default, None if none is obvious."""
    if "options" in f.metadata:
        return next((o for o in f.metadata["options"] if o != f.default), None)
    if isinstance(f.default, bool):
        return not f.default
    if isinstance(f.default, (int, float)) and "range" in f.metadata:
        limits = f.metadata["range"]
        low = next((v for v in (limits["low"], limits["above"]) if v is not None), 0)
        high = next((v for v in (limits["high"], limits["below"]) if v is not None), low + 4)
        return low + 3 if isinstance(f.default, int) else low + 0.375 * (high - low)
    return None


@pytest.mark.parametrize(("key", "name"), MEMBERS)
def test_what_is_out_of_range_is_refused_by_name(key: str, name: str) -> None:
    for f in fields(FAMILIES[key].get(name).Config):
        limits = f.metadata.get("range", {})
        wrong = [limits[k] - 1 for k in ("low", "above") if limits.get(k) is not None]
        wrong += [limits[k] + 1 for k in ("high", "below") if limits.get(k) is not None]
        wrong += ["no such option"] if "options" in f.metadata else []
        for value in wrong:
            with pytest.raises(ConfigError, match=f.name):
                config.resolve({key: name, "data": "synthetic", f"{key}.{f.name}": value}, locate=False)


@pytest.mark.parametrize(("key", "name"), MEMBERS)
def test_every_field_has_its_sentence(key: str, name: str) -> None:
    """A string follows the field in the class that declares it first."""
    cls = FAMILIES[key].get(name).Config
    sentences: dict[str, str] = {}
    for base in reversed([base for base in cls.__mro__ if is_dataclass(base)]):
        body = ast.parse(inspect.getsource(base)).body[0].body  # type: ignore[attr-defined]
        for statement, following in zip(body, [*body[1:], None]):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                text = getattr(getattr(following, "value", None), "value", None)
                sentences.setdefault(statement.target.id, text if isinstance(text, str) else "")
    assert all(sentences[f.name].strip() for f in fields(cls)), sentences


@pytest.mark.parametrize("rule", registry.RULES.names())
def test_every_recipe_resolves_where_it_applies(rule: str) -> None:
    for recipe in registry.RULES.get(rule).recipes:
        for data in recipe.data or ("synthetic",):
            for network in recipe.network or ("mlp",):
                settings = config.resolve({"rule": rule, "data": data, "network": network}, locate=False)
                assert settings.rule.name == rule and any(recipe.source in s for s in settings.sources.values())


def test_every_registered_name_is_covered() -> None:
    assert {case.rule for case in cases()} == {name for name, _ in components(registry.RULES)}
    assert all(registry.RULES.get(name).Config().name == name for name in registry.RULES.names())


@pytest.mark.parametrize("rule", registry.RULES.names())
def test_fields_per_replica_are_numbers(rule: str) -> None:
    cls = registry.RULES.get(rule).Config
    for f in fields(cls):
        if f.name in replica_fields(cls):
            assert f.default is None or isinstance(f.default, (int, float))


@pytest.mark.parametrize("rule", registry.RULES.names())
def test_every_rule_runs_on_something(rule: str) -> None:
    assert any(not refused(Case(rule), network) for network in NETWORKS)
