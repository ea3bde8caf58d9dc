"""Settings of a theory: flat keys on the command line, dataclasses inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from inspect import get_annotations
from typing import Any

from bioplaus.answers.base import Theory
from bioplaus.errors import ConfigError
from bioplaus.fields import check_fields, describe_range, field_docs, plain, set_field, written
from bioplaus.registry import nearest

__all__ = ["settings_of", "settings_text"]


@dataclass(frozen=True)
class _Setting:
    owner: type
    name: str
    group: str


def settings_of(theory: type[Theory], overrides: Mapping[str, Any]) -> Any:
    """Return the settings of a theory from flat keys; ``mc.N`` is the field N of the field mc, ``from`` the field from_.

    Raises
    ------
    ConfigError
        An unknown key (with the nearest one), a value of another type or out of range, a scan of what cannot be scanned.
    """
    from omegaconf import OmegaConf

    known = _known(theory.Config)
    node = OmegaConf.structured(theory.Config)
    for key, value in overrides.items():
        if key not in known:
            raise ConfigError(f"unknown key '{key}'{nearest(key, list(known))} Known: {', '.join(known)}")
        at = known[key]
        set_field(node[at.group] if at.group else node, at.owner, key, at.name, plain(value))
    config: Any = OmegaConf.to_object(node)
    check_fields(config, "")
    for group in sorted({at.group for at in known.values()} - {""}):
        check_fields(getattr(config, group), group)
    if config.scan is not None and config.scan not in theory.scannable:
        raise ConfigError(f"scan={config.scan} is not a number that can be scanned; choose one of {', '.join(theory.scannable)}")
    if config.scan is None and (config.from_ is not None or config.to is not None):
        raise ConfigError(f"from and to belong to a scan; add scan={next(iter(theory.scannable))}")
    return config


def settings_text(config: type) -> str:
    """Return every setting with its default, range and meaning, those of the theory itself first."""
    lines = []
    for key, at in _known(config).items():
        f = next(f for f in fields(at.owner) if f.name == at.name)
        allowed = describe_range(f.metadata)
        lines += [f"  {key}={written(f.default)}" + (f"   [{allowed}]" if allowed else ""), f"      {field_docs(at.owner)[at.name]}"]
    return "\n".join(lines)


def _known(config: type, group: str = "") -> dict[str, _Setting]:
    """Return the settings by key, fields of a class before those of its bases."""
    found: dict[str, _Setting] = {}
    by_name = {f.name: f for f in fields(config)}
    for cls in config.__mro__:
        for name in (name for name in get_annotations(cls) if name in by_name):
            inner = by_name[name].default_factory
            if isinstance(inner, type) and is_dataclass(inner):
                found |= _known(inner, name)
            else:
                found.setdefault(f"{group}.{name}" if group else name.removesuffix("_"), _Setting(config, name, group))
    return found
