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
from bioplaus.fields import LARGEST, check_fields, plain, replica_fields, set_field
from bioplaus.recipes import COMMON, Recipe
from bioplaus.settings import COMPONENTS, RunConfig, Settings, TopConfig

__all__ = ["as_dict", "flat", "parse", "read_file", "resolve", "to_yaml"]

DEFAULTS = {"rule": "bp", "data": "digits", "network": "mlp", "neuron": "elu", "plasticity": "sgd"}
_REGISTRIES = {
    "rule": registry.RULES,
    "network": registry.NETWORKS,
    "neuron": registry.NEURONS,
    "plasticity": registry.PLASTICITY,
}
#: Most networks of one run: beyond it the machine runs out of memory before it can say so.
MOST_SEEDS = 100_000
#: Settings that are free text, such as folders: 2024_11 and 007 stay what they are.
_TEXTS = {f"{s}.{f.name}" for s, c in (("data", DataConfig), ("run", RunConfig)) for f in fields(c) if "str" in str(f.type)}


def parse(words: Iterable[str]) -> dict[str, Any]:
    """Turn ``key=value`` words into a flat mapping; values are YAML (1e-3, [1,2], true, null, text).

    Raises
    ------
    ConfigError
        If a word is not ``key=value``, its value is not YAML, or a key comes twice.

    Examples
    --------
    >>> parse(["rule=ccl", "rule.lr=[1e-3,0.5]", "network.bias=true", "data.limit=null", "run.root=2024_11"])
    {'rule': 'ccl', 'rule.lr': [0.001, 0.5], 'network.bias': True, 'data.limit': None, 'run.root': '2024_11'}
    """
    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise ConfigError(f"'{word}' is not key=value; write for example rule=ccl epochs=10")
        if key in found:
            raise ConfigError(f"{key} is given twice; keep one")
        found[key] = _value(key, text)
    return found


def _value(key: str, text: str) -> Any:
    import yaml
    from omegaconf import OmegaConf

    bare = text.strip()
    if key in _TEXTS and bare[:1] not in ("'", '"'):
        return None if bare in ("", "null") else bare
    if "${" in text:
        raise ConfigError(f"{key}={text}: values that refer to others are not known here; write the value itself")
    try:
        value = OmegaConf.from_dotlist([f"value={text}"])
    except (yaml.YAMLError, ValueError) as error:  # a value such as 2024-13-45 is a date to YAML
        raise ConfigError(f"{key}={text} cannot be read ({str(error).splitlines()[0]}); quote it or mend the brackets") from error
    return OmegaConf.to_container(value)["value"]  # type: ignore[index,call-overload]


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
    except OSError as error:
        raise ConfigError(f"configuration {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(f"configuration {path} is not YAML: {' '.join(str(error).split())[:200]}") from error
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
    for key, value in overrides.items():
        if key in COMPONENTS and value is None:
            raise ConfigError(f"{key}= names nothing; see bioplaus list")
    given = {key: plain(value) for key, value in {**(file or {}), **overrides}.items()}
    if overrides.get("epochs") is not None and overrides.get("iterations") is not None:
        raise ConfigError("epochs and iterations both say how long a run is; keep one")
    if "epochs" in given and ("epochs" in overrides or "iterations" not in given):
        given["iterations"] = None  # those of a file or a recipe give way
    # the file's settings of a component that the command line replaces belong to another component
    replaced = [c for c in COMPONENTS if c in overrides and (file or {}).get(c) not in (None, overrides[c])]
    given = {k: v for k, v in given.items() if k in overrides or k.split(".")[0] not in replaced}
    wanted = {c: given.get(c) for c in COMPONENTS}
    for component, name in wanted.items():
        if name is not None and not isinstance(name, str):
            raise ConfigError(f"{component}={name} is not a name; see bioplaus list")
    if wanted["data"] or not wanted["rule"]:
        _check_light(given, wanted["data"] or DEFAULTS["data"], locate)
    classes, names, recipes = _chosen(wanted, given)
    # a short name is one where what it stands for exists: neurons without time have no steps
    aliases = {short: key for short, key in registry.RULES.get(names["rule"]).aliases.items() if _exists(key, classes)}
    given = _unaliased(given, overrides, aliases)
    _check_light(given, names["data"], locate)
    outranked = _outranked(given, classes["neuron"])
    layers: list[tuple[str, Mapping[str, Any]]] = [
        (f"recipe: {r.source}", {k: v for k, v in _fitting(r, names, classes["network"]).items() if k not in outranked}) for r in recipes
    ]
    layers.append(("given", {k: v for k, v in given.items() if k not in COMPONENTS}))
    return _assemble(classes, names, layers)


def _check_light(given: Mapping[str, Any], name: str, locate: bool) -> None:
    """Check the data and run settings, and that the data are there; before torch is imported where the data are named."""
    from omegaconf import OmegaConf

    light: dict[str, type] = {"data": data.config_class(name), "run": RunConfig}
    nodes = {section: OmegaConf.structured(cls) for section, cls in light.items()}
    for key, value in given.items():
        section, _, field = key.partition(".")
        if field and section in light:
            _check_key(key, section, field, {**light, "": TopConfig})
            set_field(nodes[section], light[section], key, field, value)
    config: DataConfig = OmegaConf.to_object(nodes["data"])  # type: ignore[assignment]
    config.name = name
    if locate:
        data.locate(config)


def _exists(key: str, classes: Mapping[str, type]) -> bool:
    section, _, name = key.rpartition(".")
    return section not in classes or name in _names(classes[section])


def _outranked(given: Mapping[str, Any], neuron: type) -> set[str]:
    """Return the decays of a recipe that give way to a time constant which the user gives, ``neuron.beta`` to ``neuron.tau_mem``.

    Raises
    ------
    ConfigError
        If the user gives both.
    """
    usual = {f"neuron.{f.name}": f.default for f in fields(neuron)}
    pairs = [(f"neuron.{decay}", f"neuron.{constant}") for decay, constant in getattr(neuron, "decays", {}).items()]
    for decay, constant in pairs:  # the settings of a finished run name all
        if constant in given and given.get(decay) is not None and given[constant] != usual[constant]:
            raise ConfigError(f"{decay} is a decay per step and {constant} the time constant it follows from; keep one")
    return {decay for decay, constant in pairs if constant in given and decay not in given}


def _unaliased(given: Mapping[str, Any], overrides: Mapping[str, Any], aliases: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings under their own names; an override outranks the file under whichever name either uses.

    A short name that is a setting of the run as well, such as steps, means that one where what it is short for is given beside it.
    """
    found: dict[str, Any] = {}
    origin: dict[str, str] = {}
    own = {f.name for f in fields(TopConfig)}
    for key, value in sorted(given.items(), key=lambda item: item[0] in overrides):
        name = aliases.get(key, key)
        if key in own and name in given and (key in overrides) == (name in overrides):
            name = key
        if name in found and (key in overrides) == (origin[name] in overrides):
            raise ConfigError(f"{origin[name]} and {key} are the same setting; keep one")
        found[name], origin[name] = value, key
    return found


def _chosen(names: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[dict[str, type], dict[str, str], list[Recipe]]:
    """Settle which component each choice means (recipes may choose too) and import their Config classes."""
    rule_name = registry.RULES.check(names["rule"] or DEFAULTS["rule"])
    for component in ("network", "neuron", "plasticity"):
        if names[component]:
            _REGISTRIES[component].check(names[component])
    rule = registry.RULES.get(rule_name)
    usual = {**DEFAULTS, **rule.home(given)}
    data_name, network_name = names["data"] or usual["data"], names["network"] or usual["network"]
    recipes = [r for r in (*COMMON, *rule.recipes) if r.applies(data_name, network_name)]
    settled = {"rule": rule_name, "data": data_name, "network": network_name}
    for component in ("neuron", "plasticity"):
        by_recipe = [r.values[component] for r in recipes if component in r.values]
        settled[component] = names[component] or (by_recipe[-1] if by_recipe else DEFAULTS[component])
    classes: dict[str, type] = {c: r.get(settled[c]).Config for c, r in _REGISTRIES.items()}
    classes |= {"data": data.config_class(data_name), "run": RunConfig, "": TopConfig}
    return classes, settled, recipes


def _fitting(recipe: Recipe, names: Mapping[str, str], network: type) -> dict[str, Any]:
    """Return the recipe's values, less the settings of a component that the user has replaced by another, or that the network has not."""
    foreign = {key for key in recipe.values if key.startswith("network.") and key.removeprefix("network.") not in _names(network)}
    meant = {**DEFAULTS, **{c: recipe.values[c] for c in COMPONENTS if c in recipe.values}}
    dropped = {c for c in ("neuron", "plasticity") if meant[c] != names[c]}
    # clipping and schedules exist for every plasticity, so they stay meaningful
    return {
        key: value
        for key, value in recipe.values.items()
        if key not in COMPONENTS and key not in foreign and (key.split(".")[0] not in dropped or _shared(key))
    }


def _names(config: type) -> set[str]:
    return {f.name for f in fields(config)}


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
            if isinstance(value, list) and name in replica_fields(classes[section]):
                for one in value:
                    set_field(nodes[section], classes[section], key, name, "null" if one is None else one)
                lists[key] = tuple(float(one) for one in value)
            else:
                set_field(nodes[section], classes[section], key, name, value)
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


def _check_key(key: str, section: str, name: str, classes: Mapping[str, type]) -> None:
    known = {s: [f.name for f in fields(cls) if f.name != "name" or not s] for s, cls in classes.items()}
    if section in known and name in known[section]:
        return
    full = [f"{s}.{n}" if s else n for s, found in known.items() for n in found]
    same = [one for one in full if one.rpartition(".")[2] == key.rpartition(".")[2]]
    hint = f", did you mean '{same[0]}'?" if same else registry.nearest(key, [*full, *COMPONENTS])
    raise ConfigError(f"unknown key '{key}'{hint} See bioplaus show")


def _check_together(settings: Settings) -> None:
    """Check what no single field can: lists against seeds, names of probes and engines."""
    top = settings.top
    if top.seeds > MOST_SEEDS:
        raise ConfigError(f"seeds={top.seeds} is out of range; it must be <= {MOST_SEEDS}")
    if top.seed + (top.seeds - 1) * top.seed_step > LARGEST:
        raise ConfigError(f"seed={top.seed} is out of range; the last of {top.seeds} seeds must fit into 64 bits")
    for section in ("rule", "plasticity"):
        config = getattr(settings, section)
        for f in fields(config):
            value = getattr(config, f.name)
            if isinstance(value, tuple) and len(value) != top.seeds:
                advice = f" (seeds={len(value)})" if value else ""
                raise ConfigError(f"{section}.{f.name} lists {len(value)} values for {top.seeds} seeds; give one per seed{advice}")
    data.check_tasks(settings.data.name, top.tasks)
    if top.tasks > 1 and top.iterations is not None:
        raise ConfigError(f"iterations={top.iterations} counts updates of one task; for tasks={top.tasks} give epochs, those of each")
    for probe in top.probes:
        registry.PROBES.check(probe)
        if top.probes.count(probe) > 1:
            raise ConfigError(f"probes names {probe} twice; keep one")
    registry.ENGINES.check(top.backend)
    pack = settings.run.pack
    if pack != "auto" and not (pack.isdecimal() and int(pack) > 0):
        raise ConfigError(f"run.pack={pack} must be auto or a number of replicas >= 1")


def as_dict(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain nested data: what ``config.yaml`` holds, and enough to run again."""
    tree: dict[str, Any] = {c: asdict(getattr(settings, c)) for c in (*COMPONENTS, "run")}
    tree |= asdict(settings.top)
    for section in tree.values():
        if isinstance(section, dict):
            section.update({k: list(v) for k, v in section.items() if isinstance(v, tuple)})
    return tree


def flat(settings: Settings) -> dict[str, Any]:
    """Return the settings as flat keys, as `read_file` returns those of a saved run."""
    return _flatten(as_dict(settings))


def to_yaml(settings: Settings) -> str:
    """Return the settings as YAML text."""
    import yaml

    return yaml.safe_dump(as_dict(settings), sort_keys=False)
