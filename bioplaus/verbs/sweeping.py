"""The verb that spreads many runs: sweep."""

from __future__ import annotations

import argparse
import json
from typing import Any

from bioplaus.verbs.base import Verb, overrides

__all__ = ["VERBS", "print_sweep"]


def _sweep(args: argparse.Namespace) -> None:
    from bioplaus.sweeping import grammar, plan

    made = plan.make_plan(grammar.parse(args.overrides))
    from bioplaus.sweeping import run

    print_sweep(run.run_plan(made, silent=False), args.json)


def print_sweep(sweep: Any, as_json: bool) -> None:
    """Print the table of a sweep and where its report is, or all of it as JSON."""
    if as_json:
        print(json.dumps(sweep.found, allow_nan=False))
        return
    print(sweep.table())
    print(f"\ndirectory: {sweep.path}\nreport: {sweep.report}")


KEYS = (
    "any key of simulate, with several values: rule=ccl,fa rule.lr=0.01,0.1 or log(0.01,1,5) seed=range(0,5) network.hidden=[64],[128,128]; "
    "seeds=n, workers=n, executor=local|dask, scheduler=tcp://host:8786, sampler=grid|tpe|random, trials=n, prune=median|none, by=accuracy|loss"
)

VERBS = (
    Verb("sweep", "run every combination of settings, or search them, over processes or a cluster", _sweep, (overrides(KEYS),), machine=True),
)
