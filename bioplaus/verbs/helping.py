"""Verbs about the installation itself: doctor, completion."""

from __future__ import annotations

import argparse
import json

from bioplaus.errors import ConfigError
from bioplaus.verbs.base import Verb, Word, overrides

__all__ = ["VERBS"]


def _doctor(args: argparse.Namespace) -> int:
    from bioplaus import config

    given = config.parse(args.overrides)
    unknown = set(given) - {"data.root", "run.root"}
    if unknown:
        raise ConfigError(f"doctor takes data.root=DIR and run.root=DIR, not {', '.join(sorted(unknown))}")
    from bioplaus import doctor

    found = doctor.examine(given.get("data.root"), given.get("run.root") or "runs")
    print(json.dumps({"checks": [one.as_dict() for one in found]}) if args.json else doctor.text(found))
    return int(any(one.state == "broken" for one in found))


def _completion(args: argparse.Namespace) -> None:
    from bioplaus import completion

    print(completion.script(args.shell, args.parser))


VERBS = (
    Verb(
        "doctor",
        "look at the installation: versions, threads, GPU, data, disk, and how to mend what is wrong",
        _doctor,
        (overrides("data.root=DIR run.root=DIR"),),
        machine=True,
    ),
    Verb("completion", "print the script that completes words in a shell", _completion, (Word("shell", {"help": "bash | zsh | fish"}),)),
)
