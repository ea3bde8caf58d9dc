"""The list of checks, and what one check is: a function, called with a rule, a network, a number of replicas and a precision."""

from __future__ import annotations

import inspect
import itertools
import unittest
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bioplaus.testing.benches import NETWORKS
from bioplaus.testing.exempt import EXEMPT
from bioplaus.testing.kit import Case, cases, refused

__all__ = ["Check", "check", "listed"]

#: what the function of each name is called with; options of a rule are tried on three replicas only
REPLICAS, PRECISIONS = (1, 3), ("float32", "float64")


@dataclass(frozen=True)
class Spec:
    """A check before it is told whom to look at."""

    function: Callable[..., None]
    axes: tuple[str, ...]
    where: Callable[[Case, str], bool]


SPECS: list[Spec] = []


def check(*axes: str, where: Callable[[Case, str], bool] = lambda case, network: True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """List a function as a check.

    Parameters
    ----------
    axes
        Its arguments: "case" and "network", and if it wants them "replicas" and "dtype".
    where
        Whether it is about a rule and network that get on with each other.
    """

    def listing(function: Callable[..., None]) -> Callable[..., None]:
        SPECS.append(Spec(function, axes, where))
        return function

    return listing


@dataclass(frozen=True)
class Check:
    """One check of one rule on one network: call it; an AssertionError says what does not hold, with a note of what should.

    Parameters
    ----------
    name, case, network
        Which check, of which rule and option, on which network.
    function, given
        What it calls.
    reason
        Why it does not hold for this rule; then a call raises `unittest.SkipTest`, which pytest counts as skipped.
    """

    name: str
    case: Case
    network: str
    function: Callable[..., None]
    given: tuple[tuple[str, Any], ...]
    reason: str = ""

    def __call__(self) -> None:
        if self.reason:
            raise unittest.SkipTest(self.reason)
        try:
            self.function(**dict(self.given))
        except AssertionError as error:  # a reader who did not write the check has to be told what it is about
            error.add_note(inspect.cleandoc(self.function.__doc__ or ""))
            raise

    def __str__(self) -> str:
        return "-".join([self.name, *(str(value) for _, value in self.given)])


def listed(*rules: str, part: str | None = None, exempt: Mapping[str, str] | None = None) -> list[Check]:
    """Return the checks of rules, see `bioplaus.testing.conformance_checks`; of one module of this package if it is named."""
    found = []
    for spec in SPECS:
        name, module = spec.function.__name__, spec.function.__module__.rpartition(".")[2]
        if part not in (None, module):
            continue
        for case, network in itertools.product(cases(*rules), NETWORKS):
            if refused(case, network) or not spec.where(case, network):
                continue
            reason = (exempt or {}).get(name, "") or _exempt(case, network, name)
            axes = {"case": (case,), "network": (network,), "replicas": (3,) if case.option else REPLICAS, "dtype": PRECISIONS}
            for values in itertools.product(*(axes[axis] for axis in spec.axes)):
                found.append(Check(name, case, network, spec.function, tuple(zip(spec.axes, values)), reason))
    return found


def _exempt(case: Case, network: str, name: str) -> str:
    return next((EXEMPT[who, name] for who in (case.rule, str(case), network, f"{case.rule} on {network}") if (who, name) in EXEMPT), "")
