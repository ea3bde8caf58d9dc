"""The command line: ``bioplaus VERB [key=value ...]``. Nothing heavy is imported before it is needed."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn, TextIO

from bioplaus import __version__
from bioplaus.errors import BioplausError, RunError
from bioplaus.verbs import VERBS

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

    for verb in VERBS.values():
        words = verbs.add_parser(verb.name, help=verb.text, description=verb.text)
        words.add_argument("--debug", action="store_true", help="show the traceback of an error")
        if verb.machine:
            words.add_argument("--json", action="store_true", help="print one JSON object on stdout and nothing else")
        for word in verb.words:
            words.add_argument(word.name, **word.options)
    return parser


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
            VERBS[args.verb].run(args)
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
