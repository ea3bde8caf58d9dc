"""``bioplaus convert RUN``: the spiking form of a finished run, its accuracy against time, a figure, and its arrays."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bioplaus import api, checkpoint, registry
from bioplaus.errors import ConfigError, RunError
from bioplaus.neurons.smooth import Identity
from bioplaus.pictures import Curves, Panel, Series
from bioplaus.rules.base import Rule
from bioplaus.spiking.conversion import BALANCES, Converted, accuracy_over_time, check_convertible, convert, pools
from bioplaus.stats import summarise

__all__ = ["Conversion", "convert_run", "curves", "spread"]

#: Steps beyond which even one sample at a time fills the memory.
MOST_STEPS = 10_000


@dataclass(frozen=True)
class Conversion:
    """What came out: plain data, words, and where the files are."""

    values: dict[str, Any]
    text: str
    files: list[Path]


def convert_run(path: str | Path, steps: int = 100, balance: str = "both", out: str | Path | None = None) -> Conversion:
    """Convert the selected weights of a finished run and measure the spiking network on the test set.

    Parameters
    ----------
    path
        Run directory of a network of relu units that classifies.
    steps
        Time steps T, >= 1.
    balance
        robust | max | both: how weights are scaled (`bioplaus.spiking.conversion`).
    out
        Folder for ``conversion.json``, ``conversion.png`` and ``conversion.safetensors``; ``conversion/`` in the run by default.

    Raises
    ------
    ConfigError, RunError
        One line: a run that cannot be converted, a value out of range, a folder that cannot be written.
    """
    if type(steps) is not int or steps < 1:
        raise ConfigError(f"steps={steps} must be a whole number >= 1")
    if steps > MOST_STEPS:
        raise ConfigError(f"steps={steps} is more than memory holds; it must be <= {MOST_STEPS}")
    if balance not in ("both", *BALANCES):
        raise ConfigError(f"balance={balance} is not known; choose both, {' or '.join(BALANCES)}")
    wanted = BALANCES if balance == "both" else (balance,)
    result = api.load(path)
    accuracy = _checked(result, path)
    folder = _made(Path(out) if out is not None else Path(path) / "conversion")
    what = f"{result.summary['rule']} on {result.summary['data']} ({result.summary['network']})"
    values: dict[str, Any] = {"run": str(path), "what": what, "steps": steps, "network_accuracy": accuracy, "balances": {}}
    arrays: dict[str, torch.Tensor] = {}
    for name in wanted:
        curves, rates = [], []
        for pack in result.simulator.packs:
            feeds, world = result.simulator.feeds.of(pack.replicas), pack.best.into(pack.world)
            unit = registry.NEURONS.get("if")(steps=steps)
            made = convert(pack.model.networks["forward"], world.params, world.buffers, feeds.train, unit, Identity(), name)
            curve, rate = accuracy_over_time(made, feeds.test, steps)
            curves.append(curve)
            rates.append(rate)
            arrays |= _named(made, name, pack.replicas)
        curve = torch.cat(curves)
        final = summarise(curve[:, -1].tolist())
        values["balances"][name] = {
            "accuracy": final,
            "gap": accuracy["mean"] - final["mean"],
            "accuracy_over_time": curve.mean(0).tolist(),
            "error_over_time": (curve.std(0) / len(curve) ** 0.5).tolist() if len(curve) > 1 else None,
            "firing_rate": torch.cat(rates).mean(0).tolist(),
        }
    values["note"] = "maximum pooling takes the largest spike of a step, not the largest rate" if pools(made.network) else ""
    return Conversion(values, _text(values), _written(values, arrays, folder))


def _checked(result: api.Result, path: str | Path) -> dict[str, Any]:
    """Return the test accuracy of a run that can be converted, before any work is done."""
    accuracy, model = result.summary.get("test_accuracy"), result.simulator.packs[0].model
    if not accuracy:
        raise ConfigError(f"{path} does not classify; only classifiers are converted")
    if accuracy["mean"] is None:
        raise ConfigError(f"{path} has no accuracy: every seed of it diverged before its first epoch; train again with a lower rule.lr")
    rule = model.rule
    if type(rule).predict is not Rule.predict:
        raise ConfigError(f"rule={rule.config.name} reads its answer from more than one pass through the network; convert a run of rule=bp")
    check_convertible(model.networks["forward"])
    return accuracy  # type: ignore[no-any-return]


def _made(folder: Path) -> Path:
    """Return a folder that exists and can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise RunError(f"cannot make the folder {folder}: {error.strerror or error}; choose another with out=DIR") from error
    return folder


def _named(made: Converted, balance: str, replicas: tuple[int, ...]) -> dict[str, torch.Tensor]:
    first = replicas[0] if replicas else 0
    return {f"{balance}/{first}/{key}": value.contiguous() for key, value in made.params.items()}


def _text(values: dict[str, Any]) -> str:
    lines = [f"relu network: test accuracy {100 * values['network_accuracy']['mean']:.2f} %; spiking after {values['steps']} steps:"]
    for name, found in values["balances"].items():
        interval = found["accuracy"]["ci95"]
        shown = f" [{100 * interval[0]:.2f}, {100 * interval[1]:.2f}]" if interval else ""
        rates = ", ".join(f"{rate:.3f}" for rate in found["firing_rate"])
        off = f"{abs(100 * found['gap']):.2f} points {'below' if found['gap'] >= 0 else 'above'}"
        fired = f"; spikes per unit and step, bottom layer first: {rates}" if rates else ""
        lines.append(f"  {name:<7} {100 * found['accuracy']['mean']:.2f} %{shown}, {off}{fired}")
    return "\n".join([*lines, *([f"  note: {values['note']}"] if values["note"] else [])])


def _written(values: dict[str, Any], arrays: dict[str, torch.Tensor], folder: Path) -> list[Path]:
    from bioplaus.plots import draw_picture

    table, weights = folder / "conversion.json", folder / "conversion.safetensors"
    checkpoint.write_text(table, json.dumps(values, indent=2, allow_nan=False) + "\n")
    checkpoint.save(weights, arrays, {"run": values["run"], "steps": values["steps"]})
    return [table, weights, draw_picture(_picture(values), folder)]


def curves(values: dict[str, Any]) -> list[Series]:
    """Return accuracy in percent against the number of steps, one line per balance, and the level of the network before."""
    steps, series = list(range(1, values["steps"] + 1)), []
    for i, (name, found) in enumerate(values["balances"].items()):
        error = found["error_over_time"] and [100 * e for e in found["error_over_time"]]
        series.append(Series(f"spiking, {name} balance", steps, [100 * a for a in found["accuracy_over_time"]], error, colour=i))
    level = 100 * values["network_accuracy"]["mean"]
    return [*series, Series("relu network", [steps[0], steps[-1]], [level, level], dashed=True, colour=None)]


def spread(values: dict[str, Any]) -> str:
    """Return what the bands of `curves` are."""
    seeds = len(values["network_accuracy"]["values"])
    return f"Mean over {seeds} seeds; band: one standard error." if seeds > 1 else "One seed."


def _picture(values: dict[str, Any]) -> Curves:
    """Return accuracy against the number of steps, beside that of the network before."""
    panel = Panel("time steps", "test accuracy, %", curves(values), log_x=values["steps"] > 30, whole_x=True, legend="lower right")
    return Curves("conversion.png", f"From rates to spikes: {values['what']}", [panel], spread(values))
