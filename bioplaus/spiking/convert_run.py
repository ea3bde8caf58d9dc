"""``bioplaus convert RUN``: the spiking form of a finished run, its accuracy against time, a figure, and its arrays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bioplaus import api, checkpoint, registry
from bioplaus.errors import ConfigError, RunError
from bioplaus.neurons.smooth import Identity
from bioplaus.pictures import Curves, Panel, Series
from bioplaus.rules.base import Rule
from bioplaus.spiking.conversion import BALANCES, Converted, accuracy_over_time, convert, pools
from bioplaus.stats import summarise

__all__ = ["Conversion", "convert_run"]


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
    if steps < 1:
        raise ConfigError(f"steps={steps} must be a whole number >= 1")
    if balance not in (*BALANCES, "both"):
        raise ConfigError(f"balance={balance} is not known; choose both, {' or '.join(BALANCES)}")
    wanted = BALANCES if balance == "both" else (balance,)
    result = api.load(path)
    accuracy = result.summary.get("test_accuracy")
    if not accuracy:
        raise ConfigError(f"{path} does not classify; only classifiers are converted")
    if accuracy["mean"] is None:
        raise ConfigError(f"{path} has no accuracy: a seed of it diverged before its first epoch; train again with a lower rule.lr")
    rule = result.simulator.packs[0].model.rule
    if type(rule).predict is not Rule.predict:
        raise ConfigError(f"rule={rule.config.name} reads its answer from more than one pass through the network; convert a run of rule=bp")
    values: dict[str, Any] = {"run": str(path), "steps": steps, "network_accuracy": accuracy, "balances": {}}
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
            "gap": None if final["mean"] is None else accuracy["mean"] - final["mean"],
            "accuracy_over_time": curve.mean(0).tolist(),
            "firing_rate": torch.cat(rates).mean(0).tolist(),
        }
    values["note"] = "maximum pooling takes the largest spike of a step, not the largest rate" if pools(made.network) else ""
    folder = Path(out) if out is not None else Path(path) / "conversion"
    return Conversion(values, _text(values), _written(values, arrays, folder))


def _named(made: Converted, balance: str, replicas: tuple[int, ...]) -> dict[str, torch.Tensor]:
    first = replicas[0] if replicas else 0
    return {f"{balance}/{first}/{key}": value.contiguous() for key, value in made.params.items()}


def _text(values: dict[str, Any]) -> str:
    lines = [f"relu network: test accuracy {100 * values['network_accuracy']['mean']:.2f} %; spiking after {values['steps']} steps:"]
    for name, found in values["balances"].items():
        interval = found["accuracy"]["ci95"]
        shown = f" [{100 * interval[0]:.2f}, {100 * interval[1]:.2f}]" if interval else ""
        rates = ", ".join(f"{rate:.3f}" for rate in found["firing_rate"])
        gap, side = 100 * abs(found["gap"]), "below" if found["gap"] >= 0 else "above"
        fired = f"; spikes per unit and step {rates}" if rates else ""
        lines.append(f"  {name:<7} {100 * found['accuracy']['mean']:.2f} %{shown}, {gap:.2f} points {side}{fired}")
    return "\n".join([*lines, *([f"  note: {values['note']}"] if values["note"] else [])])


def _written(values: dict[str, Any], arrays: dict[str, torch.Tensor], folder: Path) -> list[Path]:
    from bioplaus.plots import draw_picture

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {folder}: {error.strerror or error}; choose another with out=DIR") from error
    table, weights = folder / "conversion.json", folder / "conversion.safetensors"
    checkpoint.write_text(table, json.dumps(values, indent=2, allow_nan=False) + "\n")
    checkpoint.save(weights, arrays, {"run": values["run"], "steps": values["steps"]})
    steps = list(range(1, values["steps"] + 1))
    series = [
        Series(f"spiking, {name} balance", steps, [100 * a for a in found["accuracy_over_time"]], colour=i)
        for i, (name, found) in enumerate(values["balances"].items())
    ]
    level = 100 * values["network_accuracy"]["mean"]
    series.append(Series("relu network", [steps[0], steps[-1]], [level, level], dashed=True, colour=None))
    count = len(values["network_accuracy"]["values"])
    note = f"Mean of {count} seeds." if count > 1 else ""
    panel = Panel("time steps", "test accuracy, %", series, log_x=values["steps"] > 30, whole_x=True)
    return [table, weights, draw_picture(Curves("conversion.png", "From rates to spikes", [panel], note), folder)]
