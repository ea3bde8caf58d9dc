"""The verb that takes a trained network elsewhere: export."""

from __future__ import annotations

import argparse
import json

from bioplaus.errors import ConfigError
from bioplaus.verbs.base import RUN, Verb, overrides

__all__ = ["VERBS"]


def _export(args: argparse.Namespace) -> None:
    from bioplaus import config

    given = config.parse(args.overrides)
    unknown = set(given) - {"format", "out", "seed"}
    if unknown:
        raise ConfigError(f"export takes format=torch|onnx|nir, out=FILE and seed=n, not {', '.join(sorted(unknown))}")
    seed = given.get("seed")
    if seed is not None and type(seed) is not int:
        raise ConfigError(f"seed={seed} must be a whole number")
    given |= {key: str(given[key]) for key in ("format", "out") if key in given}
    from bioplaus.export.run import export

    found = export(args.run, **given)
    print(json.dumps(found.values, allow_nan=False) if args.json else found.text)


VERBS = (
    Verb(
        "export",
        "write a trained network for other programs: torch, ONNX, NIR",
        _export,
        (RUN, overrides("format=torch|onnx|nir out=FILE seed=n")),
        machine=True,
    ),
)
