"""``bioplaus robustness RUN``: what noise, static and attacks make of a finished run; a table, figures, and its numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from bioplaus import api, checkpoint
from bioplaus.errors import ConfigError, RunError
from bioplaus.robustness.heads import head_of
from bioplaus.robustness.measure import Options, measured
from bioplaus.robustness.report import text

__all__ = ["KEYS", "Robustness", "robustness"]

KEYS = (
    "eps=0.3 or a list, data.limit=n, curve.limit=1000, steps=40, restarts=2, rivals=9, queries=200, seed=0, "
    "weights=selected|final, figures=true|false"
)
#: published sizes: grey images, and colour images
GREY, COLOUR = 0.3, 0.03
#: test images of networks in a compiled loop, unless a number is asked for: an answer of theirs may take many milliseconds
FEW = 100
#: what an earlier call may have left
FIGURES = ("robustness.png", "attacked.png")
#: images of the curve over eps, each point of which costs as much as the table
CURVE_IMAGES = 1000
#: where accuracy is measured for the figure, in parts of eps, unless a list is given
CURVE = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Robustness:
    """What came out: plain data, words, and where the files are."""

    values: dict[str, Any]
    text: str
    files: list[Path]


def robustness(path: str | Path, given: Mapping[str, Any] | None = None) -> Robustness:
    """Measure the robustness of a finished run and write it into ``robustness/`` of the run.

    Parameters
    ----------
    path
        Run directory of a classifier.
    given
        ``eps`` (0 <= eps <= 1; by default 0.3, and 0.03 for colour images; of a list, the largest is that of the table, and the curve is
        measured at all of them), ``data.limit`` (test images; all, or 100 for networks in compiled loops), ``curve.limit`` (images of the curve
        over eps; 1,000 at most), ``steps``, ``restarts`` and ``rivals`` of PGD, ``queries`` of the attack without a gradient, ``seed`` of all
        draws, ``weights`` (selected by validation, or final), ``figures``.

    Returns
    -------
    Robustness
        Values: clean, noise, static_sigmoid, static_softmax, fgsm_paper, fgsm_true64, fgsm_margin, pgd40_margin, pgd40_loss,
        pgd40_rivals, gradient_free, exact_worst_case, zero_gradient_fraction, worst, each as `bioplaus.stats.summarise` has it or None (see
        "reasons").

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
    figures, few = settings.pop("figures", True), settings.pop("curve.limit", CURVE_IMAGES)
    if isinstance(eps, list):
        levels, eps = tuple(sorted({float(one) for one in eps})), float(max(eps))
    else:
        levels, eps = tuple(round(part * eps, 12) for part in CURVE) if figures and eps else (), float(eps)
    options = Options(eps=eps, images=limit, curve=levels, curve_images=few, **settings)
    folder = _made(Path(path).expanduser() / "robustness")
    values: dict[str, Any] = {
        "run": str(path),
        "what": f"{summary['rule']} on {summary['data']} ({summary['network']})",
        "seeds": list(simulator.seeds),
        "images": options.images,
        **{key: getattr(options, key) for key in ("eps", "steps", "restarts", "queries", "seed", "weights")},
        "rivals": min(options.rivals, simulator.splits.classes - 1),
    }
    values |= measured(simulator, options) | {"asked": dict(given or {})}
    kept = simulator.feeds.test.first(options.images).y
    values["classes_missing"] = sorted(set(range(simulator.splits.classes)) - set(kept.unique().tolist()))
    return Robustness(values, text(values), _written(values, folder, simulator, options, figures))


def _made(folder: Path) -> Path:
    """Return a folder that exists and takes files, before anything is measured for it."""
    try:
        folder.mkdir(exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RunError(f"cannot write into the folder {folder}: {error.strerror or error}; mend its permissions") from error
    return folder


def _written(values: dict[str, Any], folder: Path, simulator: Any, options: Options, figures: bool) -> list[Path]:
    table = folder / "robustness.json"
    checkpoint.write_text(table, json.dumps(values, indent=2, allow_nan=False) + "\n")
    for name in FIGURES:  # of other numbers than those in the table
        (folder / name).unlink(missing_ok=True)
    if not figures or not options.curve:
        return [table]
    from bioplaus.plots import draw_picture
    from bioplaus.robustness.figures import accuracy_curves, attacked_images

    shown = (accuracy_curves(values), attacked_images(simulator, values, options))
    return [table, *(draw_picture(picture, folder) for picture in shown if picture is not None)]


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options, each of its type and in its range."""
    least = {"data.limit": 1, "curve.limit": 1, "steps": 1, "restarts": 1, "rivals": 1, "queries": 1, "seed": 0}
    unknown = sorted(set(given) - {"eps", "figures", "weights", *least})
    if unknown:
        raise ConfigError(f"robustness takes {KEYS}, not {', '.join(unknown)}")
    for key, value in given.items():
        if key == "eps":
            values = value if isinstance(value, list) and value else [value]
            if any(isinstance(one, bool) or not isinstance(one, (int, float)) or not 0 <= one <= 1 for one in values):
                raise ConfigError(f"eps={value} must be a number from 0 to 1, the range of a pixel, or a list of such numbers")
        elif key == "figures":
            if not isinstance(value, bool):
                raise ConfigError(f"figures={value} must be true or false")
        elif key == "weights":
            if value not in ("selected", "final"):
                raise ConfigError(f"weights={value} must be selected or final")
        elif type(value) is not int or value < least[key]:
            raise ConfigError(f"{key}={value} must be a whole number >= {least[key]}")
    return dict(given)
