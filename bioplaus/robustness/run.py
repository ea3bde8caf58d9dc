"""``bioplaus robustness RUN``: what noise, static and attacks make of a finished run; a table, figures, and its numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioplaus import api, checkpoint
from bioplaus.errors import ConfigError, RunError
from bioplaus.robustness.heads import head_of
from bioplaus.robustness.measure import Options, measured
from bioplaus.robustness.report import text

__all__ = ["KEYS", "Robustness", "robustness"]

KEYS = "eps=0.3, data.limit=n, steps=40, restarts=2, queries=200, seed=0, figures=true|false"
#: published sizes: grey images, and colour images
GREY, COLOUR = 0.3, 0.03
#: test images of networks in a compiled loop, unless a number is asked for: an answer of theirs may take many milliseconds
FEW = 100
#: what an earlier call may have left
FIGURES = ("robustness.png", "attacked.png")
#: where accuracy is measured, in parts of eps
CURVE = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Robustness:
    """What came out: plain data, words, and where the files are."""

    values: dict[str, Any]
    text: str
    files: list[Path]


def robustness(path: str | Path, given: Mapping[str, Any] | None = None) -> Robustness:
    """Measure the robustness of a finished run's selected weights and write it into ``robustness/`` of the run.

    Parameters
    ----------
    path
        Run directory of a classifier.
    given
        ``eps`` (0 <= eps <= 1; by default 0.3, and 0.03 for colour images), ``data.limit`` (test images; all, or 100 for networks in compiled
        loops), ``steps`` and ``restarts`` of PGD, ``queries`` of the attack without a gradient, ``seed`` of all draws, ``figures``.

    Returns
    -------
    Robustness
        Values: clean, noise, static_sigmoid, static_softmax, fgsm_paper, fgsm_true64, fgsm_margin, pgd40_margin, gradient_free,
        exact_worst_case, zero_gradient_fraction, worst, each as `bioplaus.stats.summarise` has it or None (see "reasons").

    Raises
    ------
    ConfigError, RunError
        One line: a run without a classifier or without an accuracy, an unknown option, a value out of range, a folder that cannot be written.
    """
    settings = _checked(given or {})
    result = api.load(path)
    simulator, summary = result.simulator, result.summary
    model = simulator.packs[0].model
    if head_of(model.task) is None:
        raise ConfigError(f"{path} is a run without a classifier; robustness is measured on runs that name a class for an image")
    if not summary.get("test_accuracy") or summary["test_accuracy"]["mean"] is None:
        raise ConfigError(f"{path} has no accuracy: every seed of it diverged before its first epoch; train again with a lower rule.lr")
    test, compiled = len(simulator.feeds.test), model.networks["forward"].compiled
    limit = settings.pop("data.limit", min(test, FEW) if compiled else test)
    if limit > test:
        raise ConfigError(f"data.limit={limit} must be between 1 and {test}, the size of the test set")
    eps = settings.pop("eps", COLOUR if simulator.splits.shape[0] == 3 else GREY)
    figures = settings.pop("figures", True)
    options = Options(eps=float(eps), images=limit, **settings)
    levels = tuple(round(part * options.eps, 12) for part in CURVE) if figures and options.eps else ()
    values: dict[str, Any] = {
        "run": str(path),
        "what": f"{summary['rule']} on {summary['data']} ({summary['network']})",
        "seeds": list(simulator.seeds),
        "eps": options.eps,
        "images": options.images,
        "steps": options.steps,
        "restarts": options.restarts,
        "queries": options.queries,
        "seed": options.seed,
    }
    values |= measured(simulator, options, levels)
    folder = Path(path).expanduser() / "robustness"
    return Robustness(values, text(values), _written(values, folder, simulator, options, levels))


def _written(values: dict[str, Any], folder: Path, simulator: Any, options: Options, levels: tuple[float, ...]) -> list[Path]:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {folder}: {error.strerror or error}; mend its permissions") from error
    table = folder / "robustness.json"
    checkpoint.write_text(table, json.dumps(values, indent=2, allow_nan=False) + "\n")
    for name in FIGURES:  # of other numbers than those in the table
        (folder / name).unlink(missing_ok=True)
    if not levels:
        return [table]
    from bioplaus.plots import draw_picture
    from bioplaus.robustness.figures import accuracy_curves, attacked_images

    shown = (accuracy_curves(values), attacked_images(simulator, values, options, levels))
    return [table, *(draw_picture(picture, folder) for picture in shown if picture is not None)]


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options, each of its type and in its range."""
    least = {"data.limit": 1, "steps": 1, "restarts": 1, "queries": 1, "seed": 0}
    unknown = sorted(set(given) - {"eps", "figures", *least})
    if unknown:
        raise ConfigError(f"robustness takes {KEYS}, not {', '.join(unknown)}")
    for key, value in given.items():
        if key == "eps":
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
                raise ConfigError(f"eps={value} must be a number from 0 to 1, the range of a pixel")
        elif key == "figures":
            if not isinstance(value, bool):
                raise ConfigError(f"figures={value} must be true or false")
        elif type(value) is not int or value < least[key]:
            raise ConfigError(f"{key}={value} must be a whole number >= {least[key]}")
    return dict(given)
