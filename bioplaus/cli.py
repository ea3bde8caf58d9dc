"""The command line: ``bioplaus VERB [key=value ...]``. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TextIO

from bioplaus import __version__
from bioplaus.errors import BioplausError, ConfigError, RunError

__all__ = ["main"]

DESCRIPTION = "Run biologically plausible learning rules on real data, beside backpropagation."
EXAMPLES = """\
examples:
  bioplaus simulate rule=ccl                         digits (embedded), seconds, no download
  bioplaus simulate rule=ccl data=mnist seeds=5      published settings; data.root=DIR or BIOPLAUS_DATA=DIR
  bioplaus audit rule=ccl                            what information does this rule really use?
  bioplaus compare rules=bp,ccl,top seeds=5          against backprop: tuned rates, intervals, paired differences, report.html
  bioplaus theory multitasking K=3 d=0.5 T=0.1       equations of state; mc.N=10000 simulates beside them
  bioplaus device show ag_asi                        a memristive device: curves, steps, noise; also device list, device fit FILE
  bioplaus show rule=ccl                             every setting with its default, unit and source
  bioplaus list rules                                also: neurons, plasticity, data, networks, probes, backends, theories
  bioplaus resume runs/...                           go on after Ctrl-C, kill or power cut
"""


COMPARE_KEYS = (
    "rules=bp,ccl (or all), tune=grid|none, grid=[0.25,1,4], tune_epochs=n, published=true|false, workers=n, keys of simulate for all rows, "
    "NAME.rule.key=value for the rows of one rule"
)


class _Parser(argparse.ArgumentParser):
    """Answers a wrong word with one line; argparse would put its usage above."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"bioplaus: {message}; see {self.prog} --help\n")


def _parser() -> _Parser:
    parser = _Parser(
        prog="bioplaus", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"bioplaus {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")

    def add(name: str, text: str, *, machine: bool = False) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=text, description=text)
        verb.add_argument("--debug", action="store_true", help="show the traceback of an error")
        if machine:
            verb.add_argument("--json", action="store_true", help="print one JSON object on stdout and nothing else")
        return verb

    simulate = add("simulate", "train networks with a rule", machine=True)
    simulate.add_argument("--config", metavar="FILE", help="start from a configuration file, such as a run's config.yaml")
    simulate.add_argument("overrides", nargs="*", default=[], metavar="key=value", help="see bioplaus show")
    compare = add("compare", "put rules beside backprop: tuned rates, intervals, differences, cost", machine=True)
    compare.add_argument("overrides", nargs="*", default=[], metavar="key=value", help=COMPARE_KEYS)
    for name, text in (("evaluate", "measure a finished run on the test set again"), ("resume", "go on with an unfinished run or comparison")):
        verb = add(name, text, machine=True)
        verb.add_argument("run", metavar="RUN", help="run directory")
        verb.add_argument("overrides", nargs="*", default=[], metavar="key=value", help="evaluate: data.limit=n; resume: nothing")
    add("plot", "draw a run's figures again").add_argument("run", metavar="RUN", help="run directory")
    listing = add("list", "list what there is to choose from")
    families = "rules, neurons, plasticity, devices, data, networks, probes, backends or theories; all by default"
    listing.add_argument("family", nargs="?", help=families)
    show = add("show", "show every setting with its default, range and source")
    show.add_argument("overrides", nargs="*", default=[], metavar="key=value")
    convert = add("convert", "turn a trained relu network into a spiking one", machine=True)
    convert.add_argument("run", metavar="RUN", help="run directory")
    convert.add_argument("overrides", nargs="*", default=[], metavar="key=value", help="steps=100 balance=both|robust|max out=DIR")
    robust = add("robustness", "attack a trained classifier: noise, static, FGSM, PGD, squares, the exact worst case", machine=True)
    robust.add_argument("run", metavar="RUN", help="run directory")
    robust.add_argument("overrides", nargs="*", default=[], metavar="key=value", help="eps=0.3, data.limit=n, weights=final, ...")
    theory = add("theory", "solve a theory, beside a simulation", machine=True)
    theory.add_argument("name", help="name of the theory, or 'list'; bioplaus theory NAME help=true shows its settings")
    theory.add_argument("overrides", nargs="*", default=[], metavar="key=value", help="its settings; out=DIR, figure=true|false")
    device = add("device", "list, draw and fit memristive devices", machine=True)
    device.add_argument("what", help="list | show NAME | fit FILE")
    device.add_argument("name", nargs="?", help="name of a device or a device file (show), file of pulse data (fit)")
    device.add_argument("overrides", nargs="*", default=[], metavar="key=value", help="show: fields of the device; fit: model, unit; out=DIR")
    audit = add("audit", "measure what information a rule really uses", machine=True)
    audit.add_argument("overrides", nargs="*", default=[], metavar="key=value", help="rule=NAME or rule=FILE.py:CLASS, network.* and the like")
    reproduce = add("reproduce", "reproduce a published figure: target beside result")
    reproduce.add_argument("claim", help="name of the claim, or 'list'")
    reproduce.add_argument("overrides", nargs="*", default=[], metavar="key=value", help="quick=true for a small run")
    return parser


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

    extra = config.parse(args.overrides)
    if extra:
        raise ConfigError(f"resume takes no settings (got {', '.join(extra)}): a run goes on under its own config.yaml")
    if os.path.isfile(os.path.join(os.path.expanduser(args.run), "plan.json")):
        from bioplaus.comparison import run

        _print_comparison(run.resume(args.run, progress=True), args.json)
        return
    from bioplaus import api
    from bioplaus.progress import Progress
    from bioplaus.store import Store

    store = Store.open(args.run)
    if store.summary() is None and not store.last.is_file():
        print("bioplaus: no checkpoint was written before the run stopped; it starts from the beginning", file=sys.stderr)
    _print_result(api.resume(args.run, Progress(), controls=True), args.json)


def _compare(args: argparse.Namespace) -> None:
    from bioplaus import config

    given = config.parse(args.overrides)
    from bioplaus.comparison import run

    _print_comparison(run.compare(given, progress=True), args.json)


def _print_comparison(comparison: Any, as_json: bool) -> None:
    for row in comparison.rows:
        if row["error"]:
            print(f"bioplaus: {row['rule']} has no result: {row['error']}", file=sys.stderr)
    if as_json:
        print(json.dumps(comparison.found, allow_nan=False))
        return
    print(comparison.table())
    print(f"\ndirectory: {comparison.path}\nreport: {comparison.report}")


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


def _print_result(result: Any, as_json: bool) -> None:
    for seed, step in zip(result.summary["seeds"], result.summary["stopped_at"] or []):
        if step is not None:
            print(
                f"bioplaus: seed {seed} stopped at step {step}: its numbers were no longer finite; it counts with its best epoch before, "
                "if it had one. Try a lower rule.lr, plasticity.clip=per_network or plasticity.warmup",
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


def _print_table(summary: dict[str, Any]) -> None:
    from bioplaus.tables import as_text, plausibility_text, result_table

    print(as_text(result_table(summary)))
    if summary.get("report"):
        print(f"\n{summary['report']}\n")
    card = summary["plausibility"]
    print(plausibility_text(card["honoured"], card["violated"]))


def _plot(args: argparse.Namespace) -> None:
    from bioplaus import api

    for path in api.load(args.run).plot():
        print(path)


def _list(args: argparse.Namespace) -> None:
    from bioplaus import data
    from bioplaus.registry import FAMILIES, nearest

    known = [*FAMILIES, "data"]
    if args.family is not None and args.family not in known:
        raise ConfigError(f"unknown family '{args.family}'{nearest(args.family, known)} Known: {', '.join(known)}")
    for family in known if args.family is None else [args.family]:
        if args.family is None:
            print(f"{family}:")
        registry = FAMILIES.get(family)
        for name in data.names() if registry is None else registry.names():
            text = data.describe(name) if registry is None else registry.summary(name)
            print(f"  {name:<14} {text}")


def _show(args: argparse.Namespace) -> None:
    from bioplaus import config, show

    print(show.text(config.resolve(config.parse(args.overrides), locate=False)))


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


def _robustness(args: argparse.Namespace) -> None:
    from bioplaus import config

    given = config.parse(args.overrides)
    from bioplaus.robustness.run import robustness

    found = robustness(args.run, given)
    if args.json:
        print(json.dumps(found.values, allow_nan=False))
        return
    print("\n".join([found.text, *(f"written: {path}" for path in found.files)]))


def _theory(args: argparse.Namespace) -> None:
    from bioplaus import config
    from bioplaus.answers import command

    words = args.overrides
    if args.name != "list" and words and "=" not in words[0]:  # theory perceptron transition
        words = [f"what={words[0]}", *words[1:]]
    given = config.parse(words)
    if args.name == "list":
        print(command.listing())
    elif given.pop("help", False):
        print(command.settings(args.name))
    else:
        print(command.ask(args.name, given, as_json=args.json))


def _device(args: argparse.Namespace) -> None:
    from bioplaus import config
    from bioplaus.answers import device

    print(device.ask(args.what, args.name, config.parse(args.overrides), as_json=args.json))


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


def _reproduce(args: argparse.Namespace) -> None:
    from bioplaus import config
    from bioplaus.experiments import catalogue

    options = config.parse(args.overrides)
    if args.claim == "list":
        print(catalogue.listing())
        return
    print(catalogue.reproduce(args.claim, options))


VERBS: dict[str, Callable[[argparse.Namespace], None]] = {
    "simulate": _simulate,
    "compare": _compare,
    "evaluate": _evaluate,
    "resume": _resume,
    "plot": _plot,
    "list": _list,
    "show": _show,
    "convert": _convert,
    "robustness": _robustness,
    "theory": _theory,
    "device": _device,
    "audit": _audit,
    "reproduce": _reproduce,
}


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with SystemExit(code): 0 fine, 2 bad input, 1 failed run, 130 Ctrl-C."""
    # threads that wait should sleep, not spin: on a machine that others use too, spinning makes a run several times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    parser = _parser()
    words = list(sys.argv[1:] if argv is None else argv)
    _refuse_unknown_verb(words)
    args = _parse(parser, words)
    if args.verb is None:
        parser.print_help()
        raise SystemExit(0)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without box characters gets question marks, not an error
            stream.reconfigure(errors="replace")
    try:
        with contextlib.redirect_stdout(io.StringIO()) as answer:  # all or nothing: what fails has printed nothing
            VERBS[args.verb](args)
        _print(answer.getvalue())
    except BioplausError as error:
        if args.debug:
            traceback.print_exc()
        print(f"bioplaus: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        print("bioplaus: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        _mute(sys.stdout)
        raise SystemExit(0) from None
    raise SystemExit(0)


def _parse(parser: _Parser, words: Sequence[str]) -> argparse.Namespace:
    """Parse the words; ``key=value`` may also stand behind an option, where argparse alone no longer expects it."""
    args, rest = parser.parse_known_args(words)
    strangers = [word for word in rest if word.startswith("-") or "=" not in word or not hasattr(args, "overrides")]
    if strangers:
        parser.error(f"unknown argument '{strangers[0]}'")
    if rest:
        args.overrides = [*args.overrides, *rest]
    return args


def _print(text: str) -> None:
    """Write the answer out while an error in that can still be told."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _mute(sys.stdout)
        raise RunError(f"the result cannot be printed: {error.strerror}; what was saved is whole") from error


def _mute(stream: TextIO) -> None:
    """Let what is still to be flushed at exit go nowhere: its reader has left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _refuse_unknown_verb(words: Sequence[str]) -> None:
    """Name the nearest verb; argparse would only list them all."""
    from bioplaus.registry import nearest

    if words and not words[0].startswith("-") and words[0] not in VERBS:
        print(f"bioplaus: unknown verb '{words[0]}'{nearest(words[0], list(VERBS))} Known: {', '.join(VERBS)}", file=sys.stderr)
        raise SystemExit(2)
