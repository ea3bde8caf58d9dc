"""From ``key=value`` to `Settings`: choices first, then defaults < recipes < file < command line, typed and checked by OmegaConf.

A wrong key gets one line with the nearest right one. Data are looked for before anything heavy is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from bioplaus import data, registry
from bioplaus.data.base import DataConfig
from bioplaus.errors import ConfigError
from bioplaus.fields import check_fields, replica_fields
from bioplaus.recipes import COMMON, Recipe
from bioplaus.settings import COMPONENTS, RunConfig, Settings, TopConfig

__all__ = ["as_dict", "parse", "read_file", "resolve", "to_yaml"]

DEFAULTS = {"rule": "bp", "data": "digits", "network": "mlp", "neuron": "elu", "plasticity": "sgd"}
_REGISTRIES = {
    "rule": registry.RULES,
    "network": registry.NETWORKS,
    "neuron": registry.NEURONS,
    "plasticity": registry.PLASTICITY,
}


def parse(words: Iterable[str]) -> dict[str, Any]:
    """Turn ``key=value`` words into a flat mapping; values are YAML (1e-3, [1,2], true, null, text).

    Raises
    ------
    ConfigError
        If a word is not ``key=value``, its value is not YAML, or a key comes twice.
    """
    import yaml
    from omegaconf import OmegaConf

    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise ConfigError(f"'{word}' is not key=value; write for example rule=ccl epochs=10")
        if key in found:
            raise ConfigError(f"{key} is given twice; keep one")
        try:
            value = OmegaConf.from_dotlist([f"value={text}"])
        except yaml.YAMLError as error:
            raise ConfigError(f"{key}={text} cannot be read ({str(error).splitlines()[0]}); quote it or mend the brackets") from error
        found[key] = OmegaConf.to_container(value)["value"]  # type: ignore[index,call-overload]
    return found


def read_file(path: str | Path) -> dict[str, Any]:
    """Read a configuration file (YAML, as saved with every run) into a flat mapping.

    Raises
    ------
    ConfigError
        If it is missing or not a mapping.
    """
    import yaml

    try:
        tree = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"configuration {path} cannot be read: {str(error).splitlines()[0]}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"configuration {path} is not a mapping of keys to values")
    return _flatten(tree)


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            name = value.get("name") if prefix == "" and key in COMPONENTS else None
            rest = {k: v for k, v in value.items() if k != "name"} if name is not None else value
            flat |= ({str(key): name} if name is not None else {}) | _flatten(rest, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def resolve(overrides: Mapping[str, Any], *, file: Mapping[str, Any] | None = None, locate: bool = True) -> Settings:
    """Return the settings of a run.

    Parameters
    ----------
    overrides
        Flat keys from the command line or from Python.
    file
        Flat keys of a configuration file; they rank below the overrides.
    locate
        Whether to look for the data first (a run does; `show` does not).

    Raises
    ------
    ConfigError, DataError
        One line: what is wrong and how to mend it.
    """
    given = {**(file or {}), **overrides}
    if file and any(given.get(c) != file.get(c) for c in COMPONENTS if c in overrides):
        changed = [c for c in COMPONENTS if c in overrides and overrides[c] != file.get(c)]
        # the file's settings of a component that the command line replaces belong to another component
        given = {k: v for k, v in given.items() if k in overrides or k.split(".")[0] not in changed}
    wanted = {c: given.get(c) for c in COMPONENTS}
    for component, name in wanted.items():
        if name is not None and not isinstance(name, str):
            raise ConfigError(f"{component}={name} is not a name; see bioplaus list")
    if locate:
        _locate(given)
    classes, names, recipes = _chosen(wanted)
    aliases = registry.RULES.get(names["rule"]).aliases
    given = {aliases.get(key, key): value for key, value in given.items()}
    layers: list[tuple[str, Mapping[str, Any]]] = [(f"recipe: {r.source}", _fitting(r, names)) for r in recipes]
    layers.append(("given", {k: v for k, v in given.items() if k not in COMPONENTS}))
    return _assemble(classes, names, layers)


def _locate(given: Mapping[str, Any]) -> None:
    """Check that the data are there, from the data settings alone: cheap, and before torch is imported."""
    values = {k.removeprefix("data."): v for k, v in given.items() if k.startswith("data.")}
    known = {f.name for f in fields(DataConfig)}
    name = given.get("data") or DEFAULTS["data"]
    config = DataConfig(name=name)
    for key in ("root", "download"):
        if key in values and key in known:
            setattr(config, key, values[key])
    data.locate(config)


def _chosen(names: Mapping[str, Any]) -> tuple[dict[str, type], dict[str, str], list[Recipe]]:
    """Settle which component each choice means (recipes may choose too) and import their Config classes."""
    rule_name = registry.RULES.check(names["rule"] or DEFAULTS["rule"])
    data_name = names["data"] or DEFAULTS["data"]
    network_name = registry.NETWORKS.check(names["network"] or DEFAULTS["network"])
    if names["neuron"]:
        registry.NEURONS.check(names["neuron"])
    if names["plasticity"]:
        registry.PLASTICITY.check(names["plasticity"])
    rule = registry.RULES.get(rule_name)
    recipes = [r for r in (*COMMON, *rule.recipes) if r.applies(data_name, network_name)]
    settled = {"rule": rule_name, "data": data_name, "network": network_name}
    for component in ("neuron", "plasticity"):
        by_recipe = [r.values[component] for r in recipes if component in r.values]
        settled[component] = names[component] or (by_recipe[-1] if by_recipe else DEFAULTS[component])
    classes: dict[str, type] = {c: r.get(settled[c]).Config for c, r in _REGISTRIES.items()}
    classes |= {"data": DataConfig, "run": RunConfig, "": TopConfig}
    return classes, settled, recipes


def _fitting(recipe: Recipe, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the recipe's values, less the settings of a component that the user has replaced by another."""
    meant = {**DEFAULTS, **{c: recipe.values[c] for c in COMPONENTS if c in recipe.values}}
    dropped = {c for c in ("neuron", "plasticity") if meant[c] != names[c]}
    # clipping and schedules exist for every plasticity, so they stay meaningful
    return {
        key: value
        for key, value in recipe.values.items()
        if key not in COMPONENTS and (key.split(".")[0] not in dropped or _shared(key))
    }


def _shared(key: str) -> bool:
    from bioplaus.plasticity.base import PlasticityConfig

    section, _, name = key.partition(".")
    return section == "plasticity" and name in {f.name for f in fields(PlasticityConfig)}


def _assemble(
    classes: Mapping[str, type], names: Mapping[str, str], layers: list[tuple[str, Mapping[str, Any]]]
) -> Settings:
    from omegaconf import OmegaConf

    nodes = {section: OmegaConf.structured(cls) for section, cls in classes.items()}
    lists: dict[str, tuple[Any, ...]] = {}
    sources: dict[str, str] = {}
    for source, values in layers:
        for key, value in values.items():
            section, name = key.split(".", 1) if "." in key else ("", key)
            _check_key(key, section, name, classes)
            lists.pop(key, None)
            if isinstance(value, (list, tuple)) and name in replica_fields(classes[section]):
                for one in value:
                    _set(nodes[section], key, name, one)
                lists[key] = tuple(getattr(nodes[section], name) if len(value) == 1 else _typed(value))
            else:
                _set(nodes[section], key, name, value)
            sources[key] = source
    objects = {section: OmegaConf.to_object(node) for section, node in nodes.items()}
    for key, value in lists.items():
        section, name = key.split(".", 1)
        setattr(objects[section], name, value)
    for component, name in names.items():
        setattr(objects[component], "name", name)  # noqa: B010
    for section, config in objects.items():
        check_fields(config, section)
    top = objects.pop("")
    settings = Settings(top=top, sources=sources, **objects)  # type: ignore[arg-type]
    _check_together(settings)
    return settings


def _typed(values: Iterable[Any]) -> list[float]:
    return [float(v) for v in values]


def _set(node: Any, key: str, name: str, value: Any) -> None:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        OmegaConf.update(node, name, value)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{key}={value}: {str(error).splitlines()[0]}") from error


def _check_key(key: str, section: str, name: str, classes: Mapping[str, type]) -> None:
    known = {s: [f.name for f in fields(cls) if f.name != "name" or not s] for s, cls in classes.items()}
    if section in known and name in known[section]:
        return
    full = [f"{s}.{n}" if s else n for s, found in known.items() for n in found]
    raise ConfigError(f"unknown key '{key}'{registry.nearest(key, [*full, *COMPONENTS])} See bioplaus show")


def _check_together(settings: Settings) -> None:
    """Check what no single field can: lists against seeds, names of probes and engines."""
    for section in ("rule", "plasticity"):
        config = getattr(settings, section)
        for f in fields(config):
            value = getattr(config, f.name)
            if isinstance(value, tuple) and len(value) != settings.top.seeds:
                raise ConfigError(
                    f"{section}.{f.name} lists {len(value)} values for {settings.top.seeds} seeds; give one per seed (seeds={len(value)})"
                )
    for probe in settings.top.probes:
        registry.PROBES.check(probe)
    registry.ENGINES.check(settings.top.backend)
    pack = settings.run.pack
    if pack != "auto" and not (pack.isdigit() and int(pack) > 0):
        raise ConfigError(f"run.pack={pack} must be auto or a number of replicas >= 1")


def as_dict(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain nested data: what ``config.yaml`` holds, and enough to run again."""
    tree: dict[str, Any] = {c: asdict(getattr(settings, c)) for c in (*COMPONENTS, "run")}
    tree |= asdict(settings.top)
    for section in tree.values():
        if isinstance(section, dict):
            section.update({k: list(v) for k, v in section.items() if isinstance(v, tuple)})
    return tree


def to_yaml(settings: Settings) -> str:
    """Return the settings as YAML text."""
    import yaml

    return yaml.safe_dump(as_dict(settings), sort_keys=False)
