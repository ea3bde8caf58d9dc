"""Verbs that make a run and go back to one: simulate, resume, evaluate, plot."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from bioplaus.errors import ConfigError
from bioplaus.verbs.base import RUN, Verb, Word, overrides
from bioplaus.verbs.comparing import print_comparison
from bioplaus.verbs.sweeping import print_sweep

__all__ = ["VERBS"]


def _simulate(args: argparse.Namespace) -> None:
    from bioplaus import config

    given = config.parse(args.overrides)
    file = config.read_file(args.config) if args.config else None
    settings = config.resolve(given, file=file)
    from bioplaus import api
    from bioplaus.progress import Progress

    _print_result(api.run(settings, Progress(), controls=True), args.json)


def _resume(args: argparse.Namespace) -> None:
    from bioplaus import config

    if os.path.isfile(os.path.join(os.path.expanduser(args.run), "sweep-plan.json")):
        from bioplaus.sweeping import grammar
        from bioplaus.sweeping import run as sweeping

        print_sweep(sweeping.resume(args.run, grammar.parse(args.overrides), progress=True), args.json)
        return
    extra = config.parse(args.overrides)
    if extra:
        raise ConfigError(f"resume takes no settings (got {', '.join(extra)}): a run goes on under its own config.yaml")
    if os.path.isfile(os.path.join(os.path.expanduser(args.run), "plan.json")):
        from bioplaus.comparison import run

        print_comparison(run.resume(args.run, progress=True), args.json)
        return
    from bioplaus import api
    from bioplaus.progress import Progress
    from bioplaus.store import Store

    store = Store.open(args.run)
    if store.summary() is None and not store.last.is_file():
        print("bioplaus: no checkpoint was written before the run stopped; it starts from the beginning", file=sys.stderr)
    _print_result(api.resume(args.run, Progress(), controls=True), args.json)


def _evaluate(args: argparse.Namespace) -> None:
    from bioplaus import config

    extra = config.parse(args.overrides)
    limit = extra.pop("data.limit", None)
    if extra:
        raise ConfigError(f"evaluate takes data.limit=n only (got {', '.join(extra)})")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
        raise ConfigError(f"data.limit={limit} must be a whole number")
    from bioplaus import api

    summary = api.evaluate(args.run, limit)
    if args.json:
        print(json.dumps(summary, allow_nan=False))
    else:
        _print_table(summary)
        print(f"test scores measured now, on {summary['test_samples']:,} test samples; the rest is the summary of the run")


def _plot(args: argparse.Namespace) -> None:
    from bioplaus import api

    for path in api.load(args.run).plot():
        print(path)


def _print_result(result: Any, as_json: bool) -> None:
    for seed, step in zip(result.summary["seeds"], result.summary["stopped_at"] or []):
        if step is not None:
            print(
                f"bioplaus: seed {seed} stopped at step {step}: its numbers were no longer finite; {_counts(result.summary)}. "
                "Try a lower rule.lr, plasticity.clip=per_network or plasticity.warmup",
                file=sys.stderr,
            )
    for key, text in result.summary.items():
        if key.endswith("_warning") and text:
            print(f"bioplaus: {text}", file=sys.stderr)
    if as_json:
        print(json.dumps(result.summary, allow_nan=False))
        return
    _print_table(result.summary)
    if result.run_dir:
        print(f"\nrun_dir: {result.run_dir}")
        figures = sorted(p.name for p in (result.run_dir / "figures").glob("*.png"))
        if figures:
            print(f"figures: {', '.join(figures)}")


def _counts(summary: dict[str, Any]) -> str:
    if "accuracy_matrix" in summary:
        return "it does not count, since the weights at the end of a sequence are the result"
    return "it counts with its best epoch before, if it had one"


def _print_table(summary: dict[str, Any]) -> None:
    from bioplaus.tables import as_text, plausibility_text, result_table

    print(as_text(result_table(summary)))
    if summary.get("report"):
        print(f"\n{summary['report']}\n")
    card = summary["plausibility"]
    print(plausibility_text(card["honoured"], card["violated"]))


VERBS = (
    Verb(
        "simulate",
        "train networks with a rule",
        _simulate,
        (
            Word("--config", {"metavar": "FILE", "help": "start from a configuration file, such as a run's config.yaml"}),
            overrides("see bioplaus show"),
        ),
        machine=True,
    ),
    Verb("evaluate", "measure a finished run on the test set again", _evaluate, (RUN, overrides("data.limit=n")), machine=True),
    Verb(
        "resume",
        "go on with an unfinished run, comparison or sweep",
        _resume,
        (RUN, overrides("of a sweep: workers=n, executor=..., scheduler=...")),
        machine=True,
    ),
    Verb("plot", "draw a run's figures again", _plot, (RUN,)),
)
