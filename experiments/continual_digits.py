"""Five permutations of the digits in sequence, 64-128-128-10: variational binary weights beside other ways to forget less."""

from __future__ import annotations

from typing import Any

from bioplaus.experiments.claims import Claim, Measurement, Report
from bioplaus.pictures import Curves, Panel, Series

__all__ = ["CLAIM"]

COMMON: dict[str, Any] = {
    "data": "permuted_digits",
    "tasks": 5,
    "epochs": 15,
    "network.hidden": [128, 128],
    "neuron": "relu",
    "data.standardise": "none",
    "batch_size": 32,
    "probes": [],
    "threads": 1,
}
VCL: dict[str, Any] = {"rule": "vcl_binary", "plasticity": "adam", "plasticity.beta2": 0.99}
FIXED: dict[str, Any] = {**VCL, "rule.anneal": False, "rule.beta": 1.0}
BP: dict[str, Any] = {"rule": "bp", "plasticity": "sgd", "plasticity.clip": "per_network"}
EWC: dict[str, Any] = {"rule": "ewc", "plasticity": "sgd", "plasticity.clip": "per_network"}
BINARY: dict[str, Any] = {"rule": "bp", "plasticity": "metaplastic", "plasticity.clip": "none"}
RATES: dict[str, tuple[float, ...]] = {
    "vcl_binary": (0.003, 0.01, 0.03, 0.1, 0.3),
    "bp": (0.05, 0.1, 0.2, 0.4, 0.8),
    "metaplastic": (0.0001, 0.0003, 0.001, 0.003, 0.01),
}
STRENGTHS = (1.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0)
METAS = (1.35, 5.0, 20.0, 60.0)
SEEDS = 5


def _run(quick: bool, folder: str) -> Report:
    from bioplaus.experiments.sequences import chosen_by_validation, sequence_rows

    small: dict[str, Any] = {"data.limit": 200, "epochs": 2, "tasks": 3} if quick else {}
    seeds = 2 if quick else SEEDS
    rows: list[Measurement] = []
    finals: dict[str, dict[str, Any]] = {}

    def rate(own: dict[str, Any], rates: tuple[float, ...]) -> tuple[dict[str, Any], str]:
        return chosen_by_validation({**COMMON, **own, **small}, "rule.lr", rates[-2:] if quick else rates, folder)

    def add(name: str, settings: dict[str, Any], note: str) -> None:
        finals[name] = {**settings, "seeds": seeds}
        rows.extend(sequence_rows(name, finals[name], folder, note))

    for name, own in (
        ("vcl_binary, annealed beta, step KL (published)", VCL),
        ("vcl_binary, annealed beta, no KL", {**VCL, "rule.kl": "none"}),
        ("vcl_binary, beta 1, step KL", FIXED),
        ("vcl_binary, beta 1, no KL", {**FIXED, "rule.kl": "none"}),
    ):
        add(name, *rate(own, RATES["vcl_binary"]))
    first = next(iter(finals))
    add("vcl_binary as published, read by signs", {**finals[first], "rule.prediction": "sign"}, "the rate of the first row")
    for words, norm in (("", "none"), (", batch normalisation", "batch")):
        plain, how = rate({**BINARY, "network.norm": norm, "plasticity.m_meta": 0.0}, RATES["metaplastic"])
        add(f"binary{words}, straight through (m_meta 0)", plain, how)
        meta, how = chosen_by_validation(plain, "plasticity.m_meta", METAS[-2:] if quick else METAS, folder)
        add(f"binary{words}, metaplastic", meta, f"the rate of the row above; {how}")
    bp, how = rate(BP, RATES["bp"])
    add("backpropagation", bp, how)
    strong, how = chosen_by_validation({**bp, **EWC}, "rule.strength", STRENGTHS[-2:] if quick else STRENGTHS, folder)
    add("elastic weight consolidation", strong, f"the rate of backpropagation; {how}")

    names = list(finals)
    for key, word, better in (("average_accuracy", "average accuracy", 1), ("forgetting", "forgetting", -1)):
        name = f"annealed beta, step KL less beta 1, no KL, seed by seed: {word}"
        rows.append(_difference(name, finals[names[0]], finals[names[3]], key, better, folder))
    picture = _picture(finals, folder, int(small.get("epochs", COMMON["epochs"])), int(small.get("tasks", COMMON["tasks"])), seeds)
    remarks = (
        "all rows: weights at the end of the sequence; settings chosen by validation at the end of the sequence, test images chose nothing.",
        "forgetting: best accuracy on a task after it was learned, less that at the end, mean over all tasks but the last; "
        "learning accuracy (plasticity): accuracy on a task right after it was learned, mean over all tasks.",
        "batch normalisation keeps one set of running statistics, that of the last task in the end: the published metaplastic network keeps one "
        "per task and is told the task at test time.",
    )
    return Report("%", tuple(rows), picture=picture, remarks=remarks)


def _difference(name: str, a: dict[str, Any], b: dict[str, Any], key: str, better: int, folder: str) -> Measurement:
    """Return the paired difference of two rows in percentage points; reached if its interval lies on the better side of 0."""
    from bioplaus.experiments.rows import measure
    from bioplaus.stats import paired_difference

    found = paired_difference(measure(a, folder)[key]["values"], measure(b, folder)[key]["values"])
    ci95 = (100 * found["ci95"][0], 100 * found["ci95"][1]) if found["ci95"] else None
    reached = ci95 is not None and min(better * ci95[0], better * ci95[1]) > 0
    mean = None if found["mean"] is None else 100 * found["mean"]
    return Measurement(name, "above 0" if better > 0 else "below 0", mean, ci95, found["n"], reached, a)


def _picture(finals: dict[str, dict[str, Any]], folder: str, epochs: int, tasks: int, seeds: int) -> Curves:
    """Return the course of the first task: the four switches of vcl_binary, and the published one beside the other methods."""
    from bioplaus.experiments.sequences import course_of_task

    def panel(title: str, shown: dict[str, str]) -> Panel:
        lines = [Series(label, *course_of_task(finals[name], folder, 0), colour=colour) for colour, (label, name) in enumerate(shown.items())]
        marks = [(float(epochs * t), "") for t in range(1, tasks)]
        return Panel("epoch", "validation accuracy of task 1 (%)", lines, title, marks, legend="lower left", whole_x=True, y_limits=(0.0, 100.0))

    names = list(finals)
    switches = dict(zip(("annealed, KL", "annealed, no KL", "beta 1, KL", "beta 1, no KL"), names))
    others = {"vcl_binary": names[0], "binary": names[5], "metaplastic": names[6], "backprop": names[9], "EWC": names[10]}
    title = "Permuted digits: what is left of the first task"
    panels = [panel("variational binary weights", switches), panel("beside others", others)]
    return Curves("", title, panels, f"Mean of {seeds} seeds; upright lines: the next task begins.")


CLAIM = Claim(
    name="continual_digits",
    title="Five permutations of the digits in sequence: variational binary weights, metaplastic ones, elastic weight consolidation, backprop",
    source="Li et al. 2022, arXiv:2212.02846 (method); bar ours",
    target="annealing and step KL together remember more and forget less than neither, seed by seed; the rest is a table",
    cost="12 min on one core",
    quick_cost="1 min",
    run=_run,
)
