"""Verbs that write code to start from: new-rule."""

from __future__ import annotations

import argparse

from bioplaus.errors import ConfigError
from bioplaus.verbs.base import Verb, Word, overrides

__all__ = ["VERBS"]


def _new_rule(args: argparse.Namespace) -> None:
    from bioplaus import config, new_rule

    given = config.parse(args.overrides)
    unknown = [key for key in given if key != "folder"]
    if unknown:
        raise ConfigError(f"unknown key '{unknown[0]}'; bioplaus new-rule takes folder=DIR")
    folder = given.get("folder")
    where = new_rule.write(args.name, None if folder is None else str(folder))
    print(f"wrote the package of rule={args.name} to {where}; next:")
    print(f'  pip install -e "{where}[test]"')
    print(f'  pytest "{where}"')
    print(f"  bioplaus simulate rule={args.name}")


VERBS = (
    Verb(
        "new-rule",
        "write a package with a learning rule of your own, and its tests",
        _new_rule,
        (Word("name", {"help": "name of the rule and of its module, such as my_rule"}), overrides("folder=DIR, where to write it")),
    ),
)
