"""The conformance suite: what every learning rule has to hold, whoever wrote it.

In the tests of a package that brings a rule::

    import pytest
    from bioplaus.testing import conformance_checks

    @pytest.mark.parametrize("check", conformance_checks("my_rule"), ids=str)
    def test_conformance(check):
        check()

`bioplaus new-rule my_rule` writes such a package. The suite itself needs no pytest.
"""

from __future__ import annotations

from collections.abc import Mapping

from bioplaus.testing import calls, locality, training
from bioplaus.testing.checks import Check, listed

__all__ = ["Check", "calls", "conformance_checks", "locality", "training"]


def conformance_checks(*rules: str, part: str | None = None, exempt: Mapping[str, str] | None = None) -> list[Check]:
    """Return the checks of rules, each to be called without arguments.

    A rule is tried with each option that its settings declare by `choice`, on every small network that it does not refuse.

    Parameters
    ----------
    rules
        Registered names; all rules if there are none.
    part
        "calls" (one batch), "training" (some steps) or "locality" (the audit beside the statement of plausibility); None: all three.
    exempt
        Name of a check -> why it does not hold for these rules, such as ``{"the_order_within_a_batch_does_not_matter": "noise per sample"}``.

    Raises
    ------
    ConfigError
        If a name is not registered.
    ValueError
        If there is no such part, or what is exempt is no check.

    Examples
    --------
    >>> from bioplaus.testing import conformance_checks
    >>> str(conformance_checks("top", part="locality")[0])
    'the_measured_card_is_as_declared-top-mlp'
    """
    parts = ("calls", "training", "locality")
    if part not in (None, *parts):
        raise ValueError(f"part={part!r} is not one of {', '.join(parts)}")
    found = listed(*rules, part=part, exempt=exempt)
    unknown = set(exempt or {}) - {check.name for check in listed(*rules)}
    if unknown:
        raise ValueError(f"exempt names no check of these rules: {', '.join(sorted(unknown))}")
    return found
