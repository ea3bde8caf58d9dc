"""Data sets as plain arrays: `names`, `describe`, `locate`, `load`, `register`.

A source is a module with ``SUMMARY``, ``locate(config)`` and ``read(config)`` or ``draw(config, seeds)`` (see
`bioplaus.data.base.Source`); the table below is the only place that knows them. Importing this package
reads no data and imports neither numpy, scikit-learn nor torch.
"""

from __future__ import annotations

import difflib
import importlib
from dataclasses import replace
from typing import cast

from bioplaus.data.base import DataConfig, Raw, Source, Splits, check_config, data_root
from bioplaus.errors import ConfigError, DataError

__all__ = ["DataConfig", "Raw", "Source", "Splits", "check_tasks", "config_class", "describe", "load", "locate", "names", "register"]

_SOURCES: dict[str, str | Source] = {
    "digits": "bioplaus.data.digits",
    "synthetic": "bioplaus.data.synthetic",
    "patterns": "bioplaus.data.patterns",
    "xor": "bioplaus.data.xor",
    "parity": "bioplaus.data.parity",
    "two_spirals": "bioplaus.data.two_spirals",
    "permuted_digits": "bioplaus.data.permuted_digits",
    "split_digits": "bioplaus.data.split_digits",
    "teacher": "bioplaus.data.teacher",
    "mnist": "bioplaus.data.mnist",
    "permuted_mnist": "bioplaus.data.permuted_mnist",
    "split_mnist": "bioplaus.data.split_mnist",
    "mnist_fashion": "bioplaus.data.mnist_fashion",
    "fashion_mnist": "bioplaus.data.fashion_mnist",
    "cifar10": "bioplaus.data.cifar10",
    "cifar100": "bioplaus.data.cifar100",
}


def names() -> list[str]:
    """Names of all data sets, those that need no files first."""
    return list(_SOURCES)


def describe(name: str) -> str:
    """One-line summary of a data set.

    Raises
    ------
    ConfigError
        Unknown name.
    """
    return _source(name).SUMMARY


def config_class(name: str) -> type[DataConfig]:
    """Return the class of a data set's settings: `DataConfig`, or the source's own.

    Raises
    ------
    ConfigError
        Unknown name.
    """
    found: type[DataConfig] = getattr(_source(name), "Config", DataConfig)
    return found


def register(name: str, source: str | Source) -> None:
    """Add a data set.

    Parameters
    ----------
    name : str
        The value of ``data.name`` that selects it.
    source : module, object, or dotted name of a module
        Has ``SUMMARY``, ``locate(config)`` and ``read(config)`` or ``draw(config, seeds)``. A dotted name is imported when first used.

    Raises
    ------
    ConfigError
        The name is taken, or something is missing from the source.
    """
    if name in _SOURCES:
        raise ConfigError(f"data={name} is already registered; choose another name")
    if not isinstance(source, str):
        _check_source(name, source)
    _SOURCES[name] = source


def locate(config: DataConfig) -> None:
    """Check at once, reading no arrays, that `load` will find its files (or may download them).

    Raises
    ------
    ConfigError
        Unknown name or a value out of range.
    DataError
        Files are missing: where they were looked for, and how to get them.
    """
    _must_download(config)


def check_tasks(name: str, tasks: int) -> None:
    """Refuse a sequence of tasks of data that are one task.

    Raises
    ------
    ConfigError
        Several tasks are asked for and the source has no ``sequence``.
    """
    if tasks > 1 and not hasattr(_source(name), "sequence"):
        able = ", ".join(one for one in _SOURCES if hasattr(_source(one), "sequence"))
        raise ConfigError(f"tasks={tasks}: data={name} is one task; data that come as a sequence: {able}")


def load(config: DataConfig, seeds: tuple[int, ...] = (0,), tasks: int = 1) -> Splits:
    """Read, split and scale a data set (downloading it first if ``config.download`` is set and it is missing).

    Seeds matter only to sources that draw a set for each of them. Of several tasks the first is returned, the others are its ``later``.

    Raises
    ------
    ConfigError
        Unknown name, a value out of range, or a limit above what there is.
    DataError
        Files are missing, truncated or corrupt.
    """
    if _must_download(config):
        from bioplaus.data import download

        download.fetch(config.name, data_root(config)[0])
    source = _source(config.name)
    if tasks > 1:
        check_tasks(config.name, tasks)
        first, *later = cast(list[Splits], source.sequence(config, seeds, tasks))  # type: ignore[attr-defined]
        return replace(first, later=tuple(later))
    if hasattr(source, "draw"):
        return cast(Splits, source.draw(config, seeds))
    from bioplaus.data.splitting import split

    return split(source.read(config), config)


def _must_download(config: DataConfig) -> bool:
    source = _source(config.name)
    check_config(config)
    try:
        source.locate(config)
    except DataError:
        if not config.download:
            raise
        from bioplaus.data import download

        if config.name not in download.SETS:
            raise
        return True
    return False


def _source(name: str) -> Source:
    if name not in _SOURCES:
        near = difflib.get_close_matches(name.lower().replace("-", "_"), _SOURCES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(f"data={name} is not known; {hint}Known: {', '.join(_SOURCES)}")
    entry = _SOURCES[name]
    if not isinstance(entry, str):
        return entry
    source = cast(Source, importlib.import_module(entry))
    _check_source(name, source)
    return source


def _check_source(name: str, source: object) -> None:
    missing = [part for part in ("SUMMARY", "locate", "draw" if hasattr(source, "draw") else "read") if not hasattr(source, part)]
    if missing:
        lacking = " and no ".join(missing)
        raise ConfigError(f"data={name}: the source has no {lacking}; see bioplaus.data.base.Source")
