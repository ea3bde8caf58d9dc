"""What is said of a run's robustness: a table, and in one line what a gap between the published protocol and the worst of all attacks means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bioplaus.robustness.victim import ROUTES
from bioplaus.tables import as_text

__all__ = ["MASKED", "text", "words"]

#: points of accuracy by which the published protocol may lie above the worst before it is said
MASKED = 0.05
WIDTH = 112


def words(found: Mapping[str, Any]) -> dict[str, str]:
    """Return each measure as a table names it, in the order of the table."""
    steps = found["steps"]
    many = f"{steps} steps, {found['restarts']} start{'' if found['restarts'] == 1 else 's'}"
    rivals = "the likeliest rival" if found["rivals"] == 1 else f"each of {found['rivals']} rivals"
    return {
        "clean": "clean test images",
        "noise": "one-sided noise, 0.1 u",
        "static_sigmoid": "static, ratio of largest sigmoids",
        "static_softmax": "static, ratio of largest softmaxes",
        "fgsm_paper": "FGSM, own label, float32 (published protocol)",
        "fgsm_true64": "FGSM, right label, float64",
        "fgsm_margin": "FGSM on the margin of logits",
        f"pgd{steps}_margin": f"PGD on the margin, {many}",
        f"pgd{steps}_loss": f"PGD on the loss, {many}",
        f"pgd{steps}_rivals": f"PGD towards {rivals}, {many}",
        "gradient_free": f"random squares, no gradient, {found['queries']} queries",
        "exact_worst_case": "exact worst case (one linear layer)",
        "zero_gradient_fraction": "images whose gradient is 0 in the published protocol",
        "worst": "WORST: images that survive every attack",
    }


def text(found: Mapping[str, Any]) -> str:
    """Return the table and what has to be said below it."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    title = Text(f"{found['what']}: {found['images']:,} test images, L-infinity eps = {found['eps']:g}", style="bold")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, min_width=72)
    for header in ("measure", "mean", "95 % interval"):
        table.add_column(header, justify="left" if header == "measure" else "right")
    for name, what in words(found).items():
        one = found[name]
        if one is not None:
            share = not name.startswith("static")
            table.add_row(what, _value(one["mean"], share), _interval(one["ci95"], share), style="bold" if name == "worst" else None)
    return "\n".join([as_text(table, WIDTH), "", *_remarks(found)])


def _remarks(found: Mapping[str, Any]) -> list[str]:
    lines = []
    if found["gradient"] is not None:
        lines.append(f"gradient: {ROUTES[found['gradient']]}.")
    absent: dict[str, list[str]] = {}
    for name, reason in found["reasons"].items():
        absent.setdefault(reason, []).append(name)
    lines += [f"not measured: {', '.join(names)}: {reason}." for reason, names in absent.items()]
    paper, worst = (found[name] and found[name]["mean"] for name in ("fgsm_paper", "worst"))
    if paper is not None and worst is not None and paper - worst > MASKED:
        gap = f"{100 * (paper - worst):.1f} points"
        lines.append(f"The published protocol leaves {gap} more images standing than the worst attack: quote the worst (docs/robustness.md).")
    if found["curve"] and found["curve_images"] < found["images"]:
        lines.append(f"The curve over eps is that of the first {found['curve_images']:,} images (curve.limit).")
    if found.get("classes_missing"):
        lines.append(f"No image of class {', '.join(map(str, found['classes_missing']))} is among them; raise data.limit.")
    if found["weights"] == "final":
        lines.append("Weights are those of the last update, not those that validation selected.")
    if len(found["seeds"]) == 1:
        lines.append("One seed, so no interval.")
    return lines


def _value(value: float | None, share: bool) -> str:
    return "-" if value is None else f"{100 * value:.2f} %" if share else f"{value:.3g}"


def _interval(ci95: list[float] | None, share: bool) -> str:
    return "" if ci95 is None else f"{_value(ci95[0], share).removesuffix(' %')} to {_value(ci95[1], share)}"
