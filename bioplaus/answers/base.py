"""What a theory on the command line is: settings, an answer to them, and what a scan asks of it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bioplaus.errors import ConfigError
from bioplaus.fields import choice, ranged
from bioplaus.pictures import Picture
from bioplaus.progress import Silent

__all__ = ["Answer", "ExamplesConfig", "Line", "Theory", "TheoryConfig", "check_examples", "finite"]


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


@dataclass
class ExamplesConfig(TheoryConfig):
    """Settings of what the synapses learn."""

    learning: str = choice("storing", "storing", "supervised", "unsupervised")
    """What the synapses hold: the patterns | the mean of each pattern's examples | every example."""
    M: int | None = ranged(None, 1)
    """Examples of each pattern; needed where learning is not storing."""
    r: float = ranged(1.0, above=0, high=1)
    """Quality of an example: an entry keeps its sign with probability (1 + r)/2."""
    law: str = choice("binomial", "binomial", "gaussian")
    """Law of the mean example: binomial (exact) | gaussian (its limit for many examples)."""


def check_examples(config: ExamplesConfig) -> None:
    """Refuse settings of examples where none are learnt, and learning from no examples.

    Raises
    ------
    ConfigError
        One line: what to choose.
    """
    if config.learning != "storing":
        if config.M is None:
            raise ConfigError(f"learning={config.learning} needs M, the number of examples of each pattern, for example M=20 r=0.5")
        return
    given = [f"M={config.M}"] * (config.M is not None) + [f"r={config.r:g}"] * (config.r != 1) + ["scan=r"] * (config.scan == "r")
    if given:
        raise ConfigError(f"{' and '.join(given)}: learning=storing sees no examples; choose learning=supervised or learning=unsupervised")


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


@dataclass(frozen=True)
class Line:
    """A number of each point of a scan, drawn as a line, with simulated points where there are any.

    Parameters
    ----------
    label
        As legend and table say it.
    key
        Of what `Theory.solved` returns.
    at
        Which of its numbers, where there are several under a key.
    measured
        Key of what `Theory.simulated` returns, its standard error being under the same with ``_se`` behind; "" if none.
    """

    label: str
    key: str
    at: int | str | None = None
    measured: str = ""

    def of(self, row: Mapping[str, Any], key: str) -> float:
        """Return the number that a row holds under a key, not a number where the row was not solved."""
        value = row[key]
        if isinstance(value, (list, Mapping)):
            value = value[self.at]  # type: ignore[index]
        return math.nan if value is None else float(value)


class Theory(ABC):
    """A theory that can be asked from the command line. Final classes hold nothing."""

    #: name of its figures
    name: ClassVar[str]
    Config: ClassVar[type[TheoryConfig]] = TheoryConfig
    #: settings that may be scanned, with the words at the axis
    scannable: ClassVar[Mapping[str, str]] = {}
    #: keys of a row of a scan
    columns: ClassVar[tuple[str, ...]] = ()
    #: words at the upright axis
    upright: ClassVar[str] = "overlap m"
    #: what the lines of a scan are
    drawn: ClassVar[str] = "Lines: theory."

    def check(self, config: Any) -> None:  # noqa: B027
        """Refuse combinations of settings that make no sense.

        Raises
        ------
        ConfigError
            One line.
        """

    @abstractmethod
    def title(self, config: Any, *skip: str) -> str:
        """Return what was asked, less the settings to skip."""

    @abstractmethod
    def point(self, config: Any, progress: Silent) -> Answer:
        """Return the answer to one setting.

        Raises
        ------
        ConfigError, SolverError
            One line: a value out of range, or equations that were not solved.
        """

    @abstractmethod
    def limits(self, config: Any) -> tuple[float, float]:
        """Return where a scan begins and ends if nothing is said."""

    @abstractmethod
    def solved(self, config: Any) -> Mapping[str, Any]:
        """Return `columns` at one setting, without simulation; raises as `point`."""

    @abstractmethod
    def lines(self, config: Any) -> Sequence[Line]:
        """Return what a scan shows."""

    def marks(self, config: Any) -> Sequence[tuple[float, str]]:
        """Return where something changes along a scan, with its name."""
        return ()

    def jumps(self, before: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
        """Return whether the state jumps between two rows of a scan, so that no line joins them."""
        return bool(before.get("phase") != row.get("phase"))

    def size(self, config: Any) -> int | None:
        """Return the neurons of the simulations in a scan, None for no simulation."""
        return None

    def simulated(self, config: Any, N: int) -> Mapping[str, Any]:
        """Return what N neurons do at one setting."""
        raise NotImplementedError


def finite(value: Any) -> Any:
    """Return plain data with None for every number that is not finite."""
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
