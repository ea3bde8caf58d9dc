"""Tables of ``docs/ccl.md``, from committed results: ``python -m bioplaus.experiments.ccl_page`` renews them, a test keeps them current."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bioplaus.experiments.ccl_ablations import ARMS, BASELINE
from bioplaus.experiments.ccl_answers import answers
from bioplaus.experiments.kept_results import (
    NotRun,
    figure,
    interval,
    not_run,
    of_claim,
    points,
    records,
    source_line,
    value,
    verdict,
)
from bioplaus.generated import between

__all__ = ["PUBLISHED", "SECTIONS", "renewed"]

END = "<!-- end -->"
#: test accuracy on MNIST in %, Kao & Hariharan 2024, table 1
PUBLISHED = {
    "bp": "98.19 +- 0.10",
    "fa": "96.96 +- 0.05",
    "dfa": "97.27 +- 0.06",
    "drtp": "92.16 +- 0.18",
    "fwdtp": "97.20 +- 0.16",
    "ccl": "98.13 +- 0.10",
}
_CELL = re.compile(r"(?:.*: )?feedback ([\d.]+), forward ([\d.]+): test accuracy, %")

Cells = Sequence[str]


def _table(head: Cells, rows: Sequence[Cells]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _seeds(row: Mapping[str, Any]) -> str:
    return "" if row["n"] is None else str(row["n"])


def _whole(claim: str, *, skip: Callable[[str], bool] = lambda name: False) -> str:
    """Return the rows of a claim, less those skipped, under what is said of its data, with its figure."""
    record = of_claim(claim)
    shown = [row for row in record["rows"] if not skip(row["name"])]
    digits = record.get("digits", 2)  # earlier results do not say
    rows = [(row["name"], value(row, digits), _seeds(row), row["target"], verdict(row)) for row in shown]
    head = (f"row ({record['unit']})" if record["unit"] != "see the row" else "row", "mean [95 %]", "seeds", "paper", "")
    data = [remark for remark in record.get("remarks", ()) if remark.startswith("Data: ")]
    return "\n\n".join([source_line(claim), *data, _table(head, rows), figure(claim)]).rstrip()


def _published() -> str:
    """Return table 1 of the paper, MNIST column, beside what was measured under its protocol."""
    rows = []
    for row in of_claim("ccl_mnist")["rows"]:
        name, _, rest = row["name"].partition(", ")
        rows.append((name, "elu", rest.removeprefix("ELU, "), PUBLISHED[name], interval(row), _seeds(row)))
    for row in of_claim("table1_mnist")["rows"]:
        if row["name"] in PUBLISHED:
            rows.append((row["name"], "tanh", "own tuned rate", PUBLISHED[row["name"]], interval(row), _seeds(row)))
    head = ("rule", "neuron", "settings", "paper", "here [95 %]", "seeds")
    return f"{source_line('ccl_mnist')}, {source_line('table1_mnist')}\n\n{_table(head, rows)}"


def _fair() -> str:
    """Return the table in which all rules have one network, one neuron, and rates of their own."""
    rows = []
    for row in of_claim("fair_mnist")["rows"]:
        gap = [part.replace(" points from bp", "") for part in row["note"].split("; ") if "points from bp" in part]
        why = row["note"].split(";")[0] if row["mean"] is None else ""
        rows.append((row["name"], value(row), gap[0] if gap else why, _seeds(row)))
    return f"{source_line('fair_mnist')}\n\n{_table(('rule', '% test accuracy [95 %]', 'less bp, points', 'seeds'), rows)}"


def _rates() -> str:
    """Return figure 7 as a grid, its published value in brackets, above the rows about its shape."""
    found: dict[tuple[str, str], str] = {}
    for row in of_claim("ccl_rates")["rows"]:
        cell = _CELL.fullmatch(row["name"])
        if cell:
            found[cell[1], cell[2]] = f"{value(row)} ({row['target'].split()[0]})"
    down, up = (sorted({key[i] for key in found}, key=float) for i in (0, 1))
    grid = [(f"**{f}**", *(found.get((f, rate), "-") for rate in up)) for f in down]
    head = ("feedback rate \\ forward rate", *(f"**{rate}**" for rate in up))
    shape = _whole("ccl_rates", skip=lambda name: _CELL.fullmatch(name) is not None)
    return f"{shape}\n\nPer cell, test accuracy in %, and in brackets what the paper prints after 100 epochs:\n\n{_table(head, grid)}"


def _ablations() -> str:
    found = {row["name"]: row for row in of_claim("ccl_ablations")["rows"]}
    beside, rows = records("ccl_ablations"), []
    for arm in (arm for arm in ARMS if arm.name in found):
        row, record = found[arm.name], beside.get(arm.name)
        why = "" if record or row["note"].startswith("not run") else row["note"].split(";")[0]
        gap = points(record["difference"], record["ci95"], 2, "+") if record and arm.name != BASELINE else why
        edge = " (end of grid)" if any(f"the {end} tried" in row["note"] for end in ("lowest", "highest")) else ""
        rate = f"{row['settings'].get('rule.lr', 1.0):g}{edge}" if record else ""
        cost = (f"{record['flops'] / 1e6:.2f}", str(record["updates"])) if record else ("", "")
        rows.append((arm.group, arm.name, rate, value(row), gap, *cost))
    head = ("group", "changed", "rate", "% test accuracy [95 %]", "less published settings, points", "MFLOP", "updates")
    return f"{source_line('ccl_ablations')}\n\n{_table(head, rows)}\n\n{figure('ccl_ablations')}".rstrip()


#: part of the page -> what makes it
SECTIONS: dict[str, Callable[[], str]] = {
    "answers": answers,
    "published": _published,
    "fair": _fair,
    "cifar": lambda: _whole("ccl_cifar"),
    "rates": _rates,
    "dynamics": lambda: _whole("ccl_dynamics"),
    "cnn": lambda: _whole("ccl_cnn"),
    "autoencoder": lambda: _whole("ccl_autoencoder"),
    "ablations": _ablations,
    "cost": lambda: _whole("ccl_flops"),
}


def _section(name: str) -> str:
    try:
        return SECTIONS[name]()
    except NotRun as missing:
        return not_run(str(missing))


def renewed(text: str) -> str:
    """Return the page with fresh tables between their marks."""
    for name in SECTIONS:
        text = between(text, f"<!-- {name}: generated by python -m bioplaus.experiments.ccl_page -->", END, _section(name))
    return text


if __name__ == "__main__":
    page = Path(__file__).resolve().parent.parent / "docs" / "ccl.md"
    page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
