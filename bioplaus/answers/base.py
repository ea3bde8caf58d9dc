"""What a theory on the command line is: settings, and an answer to them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from bioplaus.errors import ConfigError
from bioplaus.fields import check_fields, plain, ranged, set_field
from bioplaus.pictures import Picture
from bioplaus.progress import Silent
from bioplaus.registry import nearest

__all__ = ["Answer", "Theory", "TheoryConfig", "finite", "scan_points", "settings_of"]


@dataclass
class TheoryConfig:
    """Settings that every theory has."""

    scan: str | None = None
    """Name of a number to scan, from `from` to `to`; the rest stays as it is."""
    from_: float | None = None
    """First value of a scan."""
    to: float | None = None
    """Last value of a scan."""
    points: int = ranged(39, 2)
    """Values of a scan, at equal distances."""


@dataclass(frozen=True)
class Answer:
    """What came out.

    Parameters
    ----------
    values
        Plain data: what ``--json`` prints.
    text
        For readers.
    pictures
        Figures, the first of them the one to look at.
    """

    values: Mapping[str, Any]
    text: str
    pictures: Sequence[Picture] = field(default=())


class Theory(ABC):
    """A theory that can be asked from the command line. Final classes hold nothing."""

    Config: ClassVar[type[TheoryConfig]] = TheoryConfig
    #: settings that may be scanned
    scannable: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def answer(self, config: Any, progress: Silent) -> Answer:
        """Return the answer to one setting, or to a scan; progress is told how far it is.

        Raises
        ------
        ConfigError, SolverError
            One line: a value out of range, or equations that were not solved.
        """


def settings_of(theory: type[Theory], overrides: Mapping[str, Any]) -> Any:
    """Return the settings of a theory from flat keys; ``mc.N`` is the field mc_N, ``from`` the field from_.

    Raises
    ------
    ConfigError
        An unknown key (with the nearest one), a value of another type or out of range, a scan of what cannot be scanned.
    """
    from omegaconf import OmegaConf

    known = {_key(f.name): f.name for f in fields(theory.Config)}
    node = OmegaConf.structured(theory.Config)
    for key, value in overrides.items():
        if key not in known:
            raise ConfigError(f"unknown key '{key}'{nearest(key, list(known))} Known: {', '.join(known)}")
        set_field(node, theory.Config, key, known[key], plain(value))
    config: Any = OmegaConf.to_object(node)
    check_fields(config, "")
    if config.scan is not None and config.scan not in theory.scannable:
        raise ConfigError(f"scan={config.scan} is not a number that can be scanned; choose one of {', '.join(theory.scannable)}")
    if config.scan is None and (config.from_ is not None or config.to is not None):
        raise ConfigError(f"from and to belong to a scan; add scan={theory.scannable[0] if theory.scannable else '...'}")
    return config


def _key(name: str) -> str:
    return name.removesuffix("_").replace("mc_", "mc.", 1) if name.startswith("mc_") else name.removesuffix("_")


def scan_points(config: TheoryConfig, low: float, high: float) -> list[float]:
    """Return the values of a scan, between the given limits where the user named none.

    Raises
    ------
    ConfigError
        If the first is not below the last.
    """
    first, last = (low if config.from_ is None else config.from_), (high if config.to is None else config.to)
    if not (math.isfinite(first) and math.isfinite(last) and first < last):
        raise ConfigError(f"from={first} must be below to={last}")
    return [first + (last - first) * i / (config.points - 1) for i in range(config.points)]


def finite(value: Any) -> Any:
    """Return plain data with None for every number that is not finite."""
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
