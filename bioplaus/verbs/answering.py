"""Verbs that answer without training: list, show, theory, device, reproduce."""

from __future__ import annotations

import argparse

from bioplaus.errors import ConfigError
from bioplaus.verbs.base import Verb, Word, overrides

__all__ = ["VERBS"]


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


def _reproduce(args: argparse.Namespace) -> None:
    from bioplaus import config
    from bioplaus.experiments import catalogue

    options = config.parse(args.overrides)
    if args.claim == "list":
        print(catalogue.listing())
        return
    print(catalogue.reproduce(args.claim, options))


FAMILIES = "rules, neurons, plasticity, devices, data, networks, probes, backends or theories; all by default"

VERBS = (
    Verb("list", "list what there is to choose from", _list, (Word("family", {"nargs": "?", "help": FAMILIES}),)),
    Verb("show", "show every setting with its default, range and source", _show, (overrides(None),)),
    Verb(
        "theory",
        "solve a theory, beside a simulation",
        _theory,
        (
            Word("name", {"help": "name of the theory, or 'list'; bioplaus theory NAME help=true shows its settings"}),
            overrides("its settings; out=DIR, figure=true|false"),
        ),
        machine=True,
    ),
    Verb(
        "device",
        "list, draw and fit memristive devices",
        _device,
        (
            Word("what", {"help": "list | show NAME | fit FILE"}),
            Word("name", {"nargs": "?", "help": "name of a device or a device file (show), file of pulse data (fit)"}),
            overrides("show: fields of the device; fit: model, unit; out=DIR"),
        ),
        machine=True,
    ),
    Verb(
        "reproduce",
        "reproduce a published figure: target beside result",
        _reproduce,
        (Word("claim", {"help": "name of the claim, or 'list'"}), overrides("quick=true for a small run")),
    ),
)
