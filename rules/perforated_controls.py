"""The controls without which a gain from dendrites proves nothing, and the table that puts a run beside them.

continued: the same phases without dendrites; random: dendrites that never learn; gd: they learn by the loss gradient, error passing through;
no_perforation: they follow the error as always, but it passes through them; width_matched: a plain network as large as the grown one, trained
for as long. All start from the same seeds, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bioplaus.network import Network
from bioplaus.pictures import Curves, Findings, Panel, Series
from bioplaus.rules.perforated_settings import PerforatedConfig
from bioplaus.stats import paired_difference, summarise

__all__ = ["ARMS", "beside", "controls", "matched"]

ARMS = ("continued", "random", "gd", "no_perforation", "width_matched")
WIDEST = 100_000


def controls(config: PerforatedConfig, summary: Mapping[str, Any], network: Network) -> dict[str, dict[str, Any]]:
    """Return in what each control differs from a run; none for a run that is itself one, or in which none ever grew."""
    cycles = summary.get("cycles") or []
    if not config.controls or config.mode != "pb" or not config.perforated or len(cycles) < 2:
        return {}
    alone = {"rule.controls": False}
    found: dict[str, dict[str, Any]] = {mode: {"rule.mode": mode, **alone} for mode in ("continued", "random", "gd")}
    found["no_perforation"] = {"rule.perforated": False, **alone}
    widths = matched(network, max(one["parameters"] for one in cycles if one["parameters"]))
    if widths is not None:
        found["width_matched"] = {"rule.mode": "continued", **widths, **alone}
    return found


def matched(network: Network, parameters: int) -> dict[str, list[int]] | None:
    """Return the hidden widths (channels) of the largest plain network of the same kind with at most so many parameters.

    All widths grow by one factor; a network without a hidden layer gets one. None where widths cannot be read off.
    """
    hidden = [layer.connection.out_shape[0] for layer in network.layers[:-1]]
    convolutional = [len(layer.connection.out_shape) == 3 for layer in network.layers[:-1]]
    if any(convolutional) and not all(convolutional):
        return None
    key = "network.channels" if any(convolutional) else "network.hidden"

    def scaled(width: int) -> list[int]:
        return [max(1, round(one * width / max(hidden))) for one in hidden] if hidden else [width]

    low, high = 1, WIDEST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _size(network, scaled(middle)) <= parameters else (low, middle - 1)
    return {key: scaled(low)}


def _size(network: Network, widths: Sequence[int]) -> int:
    """Return the parameters of a plain network with other hidden widths: every layer keeps its fan-in per unit below, its bias and its norm."""
    layers, total = network.layers, 0
    units = [layer.connection.weight_shape[0] for layer in layers]
    fan_ins = [layer.connection.fan_in for layer in layers]
    if len(widths) == len(layers):  # a hidden layer where there was none
        return widths[0] * (fan_ins[0] + (layers[0].bias is not None)) + units[0] * (widths[0] + (layers[0].bias is not None))
    posts = [*widths, units[-1]]
    for i, (layer, post) in enumerate(zip(layers, posts)):
        fan_in = fan_ins[i] if i == 0 else fan_ins[i] // units[i - 1] * posts[i - 1]
        norm = sum(leaf.shape[0] for one in layer.norms for leaf in one.leaves.values()) // units[i] * post
        total += post * (fan_in + (layer.bias is not None)) + norm
    return total


def beside(summary: Mapping[str, Any], controls: Mapping[str, Mapping[str, Any]]) -> Findings:
    """Return test accuracies of all arms with intervals, paired differences, and scores against parameters."""
    metric = "accuracy" if summary.get("test_accuracy") else "loss"
    mine = summary[f"test_{metric}"]
    values: dict[str, Any] = {}
    for name in ARMS:
        one = controls.get(name)
        if one is None:
            values[name] = None
            continue
        found = one.get(f"test_{metric}")
        if found is None:
            values[name] = {metric: None, "error": one.get("error", "")}
            continue
        last = (one.get("cycles") or [{}])[-1]
        values[name] = {
            metric: {"mean": found["mean"], "ci95": found["ci95"], "values": found["values"]},
            "difference": paired_difference(mine["values"], found["values"]),
            "parameters": last.get("parameters"),
            "train_loss": last.get("train_loss"),
            "train_accuracy": last.get("train_accuracy"),
            "cycles": one.get("cycles"),
            "run_dir": one.get("run_dir"),
        }
    return Findings({"controls": values}, _table(summary, values, metric), [_figure(summary, values)])


def _table(summary: Mapping[str, Any], arms: Mapping[str, Any], metric: str) -> str:
    percent = metric == "accuracy"

    def shown(found: Mapping[str, Any] | None) -> str:
        if not found or found["mean"] is None:
            return "-"
        scale, digits = (100, 2) if percent else (1, 4)
        text = f"{scale * found['mean']:.{digits}f}"
        return text if found["ci95"] is None else f"{text} [{scale * found['ci95'][0]:.{digits}f}, {scale * found['ci95'][1]:.{digits}f}]"

    last = summary["cycles"][-1]
    base = summary["cycle_values"][0][f"test_{metric}"]
    mine = summary[f"test_{metric}"]
    unit = "%" if percent else ""
    lines = [f"{'arm':<15} {'parameters':>10} {'train loss':>10}  {f'test {metric} {unit}':<22} {'perforated less this':<22}"]

    def line(name: str, parameters: Any, loss: Any, test: Any, difference: Any) -> str:
        number = "-" if loss is None else f"{loss:.4g}"
        return f"{name:<15} {parameters or '-':>10} {number:>10}  {shown(test):<22} {shown(difference):<22}".rstrip()

    lines.append(line("perforated", last["parameters"], last["train_loss"], mine, None))
    first = summary["cycles"][0]
    lines.append(line("no dendrites", first["parameters"], first["train_loss"], summarise(base), paired_difference(mine["values"], base)))
    for name, one in arms.items():
        if one is None:
            lines.append(f"{name:<15} not run: no network of equal size could be made")
        elif one[metric] is None:
            lines.append(f"{name:<15} not run: {one['error']}")
        else:
            lines.append(line(name, one["parameters"], one["train_loss"], one[metric], one["difference"]))
    if mine["ci95"] is None:
        lines.append("one seed, so no intervals; seeds=5 gives them")
    chosen = "Test scores are those of the epoch that validation selects; train losses those of the last cycle."
    lines.append(f"{chosen} Differences are paired by seed.")
    return "\n".join(lines)


def _figure(summary: Mapping[str, Any], arms: Mapping[str, Any]) -> Curves:
    runs = {"perforated": summary["cycles"], **{name: one["cycles"] for name, one in arms.items() if one and one.get("cycles")}}
    panels = []
    for key, title in (("test_accuracy", "test accuracy, %"), ("train_loss", "training loss")):
        scale = 100 if key == "test_accuracy" else 1
        series = []
        for i, (name, cycles) in enumerate(runs.items()):
            there = [(one["parameters"], scale * one[key]) for one in cycles if one[key] is not None and one["parameters"]]
            xs, ys = [x for x, _ in there], [y for _, y in there]
            still = len(set(xs)) <= 1  # arms that do not grow are points above each other
            series.append(Series(name, xs, ys, colour=i, points=still, marker="osDv^P"[i % 6], hollow=name == "continued"))
        panels.append(Panel("parameters", title, series, log_y=key == "train_loss"))
    note = "One point per cycle, means over seeds; arms that do not grow stand at one number of parameters."
    return Curves("arms.png", "Scores against parameters", panels, note, shared=False)
