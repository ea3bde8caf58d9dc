"""Verbs that put rules and runs to the test: compare, audit, robustness, convert."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from bioplaus.errors import ConfigError
from bioplaus.verbs.base import RUN, Verb, overrides

__all__ = ["VERBS", "print_comparison"]


def _compare(args: argparse.Namespace) -> None:
    from bioplaus import config

    given = config.parse(args.overrides)
    from bioplaus.comparison import run

    print_comparison(run.compare(given, progress=True), args.json)


def print_comparison(comparison: Any, as_json: bool) -> None:
    for row in comparison.rows:
        if row["error"]:
            print(f"bioplaus: {row['rule']} has no result: {row['error']}", file=sys.stderr)
    if as_json:
        print(json.dumps(comparison.found, allow_nan=False))
        return
    print(comparison.table())
    print(f"\ndirectory: {comparison.path}\nreport: {comparison.report}")


def _audit(args: argparse.Namespace) -> None:
    from bioplaus import config

    given = config.parse(args.overrides)
    if not isinstance(given.get("rule"), str):
        raise ConfigError("audit needs a rule: bioplaus audit rule=NAME, or rule=path/to/file.py:ClassName; see bioplaus list rules")
    from bioplaus.audit import card_of

    card = card_of(given)
    if args.json:
        print(json.dumps(card.as_dict(), allow_nan=False))
        return
    from bioplaus.tables import as_text

    print(as_text(card.table()))
    for term in card.non_local_terms:
        print(f"  - {term}")


def _robustness(args: argparse.Namespace) -> None:
    from bioplaus import config

    given = config.parse(args.overrides)
    from bioplaus.robustness.run import robustness

    found = robustness(args.run, given)
    if args.json:
        print(json.dumps(found.values, allow_nan=False))
        return
    print("\n".join([found.text, *(f"written: {path}" for path in found.files)]))


def _convert(args: argparse.Namespace) -> None:
    from bioplaus import config

    given = config.parse(args.overrides)
    unknown = set(given) - {"steps", "balance", "out"}
    if unknown:
        raise ConfigError(f"convert takes steps=n, balance=both|robust|max and out=DIR, not {', '.join(sorted(unknown))}")
    if type(given.get("steps", 1)) is not int:
        raise ConfigError(f"steps={given['steps']} must be a whole number >= 1")
    if "out" in given:
        given["out"] = str(given["out"])  # a name such as 3 is read as a number
    from bioplaus.spiking.convert_run import convert_run

    found = convert_run(args.run, **given)
    if args.json:
        print(json.dumps(found.values, allow_nan=False))
        return
    print("\n".join([found.text, *(f"written: {path}" for path in found.files)]))


KEYS = (
    "rules=bp,ccl (or all), tune=grid|none, grid=[0.25,1,4], tune_epochs=n, published=true|false, workers=n, keys of simulate for all rows, "
    "NAME.rule.key=value for the rows of one rule"
)

VERBS = (
    Verb("compare", "put rules beside backprop: tuned rates, intervals, differences, cost", _compare, (overrides(KEYS),), machine=True),
    Verb(
        "audit",
        "measure what information a rule really uses",
        _audit,
        (overrides("rule=NAME or rule=FILE.py:CLASS, network.* and the like"),),
        machine=True,
    ),
    Verb(
        "robustness",
        "attack a trained classifier: noise, static, FGSM, PGD, squares, the exact worst case",
        _robustness,
        (RUN, overrides("eps=0.3, data.limit=n, weights=final, ...")),
        machine=True,
    ),
    Verb(
        "convert",
        "turn a trained relu network into a spiking one",
        _convert,
        (RUN, overrides("steps=100 balance=both|robust|max out=DIR")),
        machine=True,
    ),
)
