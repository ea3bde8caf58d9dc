"""What of counter-current learning holds: one sentence per question, every number from a committed result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bioplaus.experiments.ccl_ablations import BASELINE
from bioplaus.experiments.kept_results import (
    NotRun,
    by_name,
    interval,
    not_run,
    of_claim,
    points,
    records,
    unpaired,
    value,
    verdict,
)

__all__ = ["HEADINGS", "QUESTIONS", "answers", "sorted_by_interval"]

READOUTS = ("readout, squared (the pair loss without its chain)", "readout, cross-entropy", "top", "bp")


def _pick(rows: Mapping[str, Any], claim: str, name: str) -> Any:
    if name not in rows:
        raise NotRun(claim)
    return rows[name]


def _mnist() -> str:
    row = _pick(by_name("ccl_mnist"), "ccl_mnist", "ccl, published settings")
    return f"{'Yes' if row['reached'] else 'No'}: {interval(row)} % after 100 epochs ({row['n']} seeds), published 98.13 +- 0.10."


def _beside_bp() -> str:
    rows, tanh = by_name("ccl_mnist"), by_name("table1_mnist")["bp"]
    ccl = rows["ccl, published settings"]
    late = [unpaired(ccl, other) for other in (tanh, rows["bp, ELU, own tuned rate"])]
    told = [f"{points(mean, ends, 2, '+')} ({_shown(ends)})" for mean, ends in late]
    early = _gap(_pick(records("ccl_ablations"), "ccl_ablations", "bp"))
    return (
        f"Points of ccl less bp after 100 epochs, unpaired: {told[0]} with bp on tanh units, which is the paper's baseline, and {told[1]} with "
        f"ELU, which ccl has (paper -0.06). After 20 epochs bp less ccl is {early}, both with ELU, paired by seed."
    )


def _shown(ends: Sequence[float]) -> str:
    return "above" if ends[0] > 0 else "below" if ends[1] < 0 else "no difference is shown"


def _beside_family() -> str:
    theirs, ccl = by_name("table1_mnist"), by_name("ccl_mnist")["ccl, published settings"]
    late = [f"{rule} {points(*unpaired(ccl, theirs[rule]), 2, '+')}" for rule in ("fa", "dfa", "drtp", "fwdtp") if rule in theirs]
    said = f"MNIST after 100 epochs, points of ccl less each, unpaired: {'; '.join(late)}."
    cifar = [row for row in by_name("ccl_cifar").values() if "ccl less fa" in row["name"] or "ccl less dfa" in row["name"]]
    gaps = "; ".join(f"{row['name'].replace('ccl less ', '').split(', points')[0]} {interval(row, 2, '+')}" for row in cifar)
    return said + (f" CIFAR-10, paired by seed: {gaps}." if gaps else " CIFAR-10: not run.") + " DRL, L-DRL: not run at 100 epochs."


def _cifar_figure() -> str:
    rows = by_name("ccl_cifar")
    own = _pick(rows, "ccl_cifar", "ccl, own rate")
    rate = own["note"].split(" (")[0].split(" - ")[0]
    starts = [row for name, row in rows.items() if name.startswith("ccl, rate 1, ")]
    apart = [f"{row['name'].split(', ')[2]}: {row['note'].split(': ')[-1]}" for row in starts]
    said = f"{interval(own)} % after 100 epochs at its own {rate} (table 1: 52.73 at rate 1; figure 7: 51.82 at 0.4), {verdict(own)}."
    return said + (f" At the published rate 1, after 5 epochs: {'; '.join(apart)}." if apart else "")


def _cifar() -> str:
    found = [remark for remark in of_claim("ccl_cifar")["remarks"] if remark.startswith("Does counter-current")]
    if not found:
        raise NotRun("ccl_cifar")
    gaps = [row for row in by_name("ccl_cifar").values() if row["name"].startswith("ccl less")]
    numbers = "; ".join(f"{row['name'].split(', points')[0]} {interval(row, 2, '+')} points" for row in gaps)
    return found[0].partition("? ")[2] + (f" ({numbers}; paper +2.70 over bp with tanh.)" if numbers else "")


def _gap(record: Mapping[str, Any]) -> str:
    return points(record["difference"], record["ci95"], 2, "+")


def _feedback() -> str:
    frozen = _pick(records("ccl_ablations"), "ccl_ablations", "V frozen")
    return f"At the published rate, freezing V changes accuracy after 20 epochs by {_gap(frozen)} points."


def _chain() -> str:
    base, found = _pick(by_name("ccl_ablations"), "ccl_ablations", BASELINE), records("ccl_ablations")
    said = [f"{name} {_gap(found[name])}" for name in READOUTS if name in found]
    squared = found.get(READOUTS[0])
    judged = ""
    if squared and squared["ci95"]:
        low, high = squared["ci95"]
        judged = "**The chain costs accuracy**" if low > 0 else "**The chain gains accuracy**" if high < 0 else "**No difference is shown**"
        judged += " beside the same pair loss on readouts of each layer's own; what it buys is that no layer needs a readout's transpose. "
    return f"{judged}ccl {interval(base)} % after 20 epochs; the others less ccl, in points and paired by seed: {'; '.join(said)}."


def sorted_by_interval(found: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str], list[str], list[str]]:
    """Return the arms whose paired difference lies above 0, below 0, on both sides of it, and is 0 in every seed; the largest first."""
    above: list[str] = []
    below: list[str] = []
    neither: list[str] = []
    same: list[str] = []
    for one in sorted(found, key=lambda one: -abs(one["difference"])):
        low, high = one["ci95"]
        place = same if low == high == 0 else above if low > 0 else below if high < 0 else neither
        place.append(one["name"] if place is same else f"{one['name']} {_gap(one)}")
    return above, below, neither, same


def _parts() -> str:
    arms = [one for name, one in records("ccl_ablations").items() if name not in (BASELINE, *READOUTS) and one["ci95"]]
    usual = records("ccl_ablations").get(BASELINE, {}).get("updates")
    arms = [one if one["updates"] == usual else {**one, "name": f"{one['name']} ({one['updates']} updates for {usual})"} for one in arms]
    if not arms:
        raise NotRun("ccl_ablations")
    words = ("better than the published settings", "worse", "no difference shown", "the very same numbers")
    said = [f"{word}: {'; '.join(found)}" for word, found in zip(words, sorted_by_interval(arms)) if found]
    rows = of_claim("ccl_ablations")["rows"]
    stopped = [row["name"] for row in rows if row["mean"] is None and not row["note"].startswith("not run")]
    said += [f"no finite numbers: {'; '.join(stopped)}"] if stopped else []
    head = "Points after 20 epochs, which measures speed as much as what is reached, paired by seed."
    return f"{head} {'. '.join(word[0].upper() + word[1:] for word in said)}."


def _told(row: Mapping[str, Any], digits: int) -> str:
    """Return a row beside what was asked, its group left out; a count of seeds as such."""
    name = row["name"].split(": ", 1)[-1]
    claim, counted, _ = name.partition(" (seeds")
    if counted:
        return f"{claim} in {row['mean']:.0f} of {row['target'].split()[-1]} seeds"
    return f"{name} {value(row, digits)}, asked {row['target']}"


def _grouped(told: Sequence[Mapping[str, Any]], digits: int) -> str:
    """Return rows in words, those of a group (what stands before the colon of their names) together."""
    groups: dict[str, list[str]] = {}
    for row in told:
        group, colon, _ = row["name"].partition(": ")
        groups.setdefault(group if colon else "", []).append(_told(row, digits))
    return "; ".join((f"*{group}*: " if group else "") + "; ".join(rows) for group, rows in groups.items())


def _targets(claim: str) -> str:
    record = of_claim(claim)
    rows, digits = record["rows"], record.get("digits", 2)
    said = []
    for word, wanted in (("reached", True), ("not reached", False)):
        told = [row for row in rows if row["reached"] is wanted and row["mean"] is not None]
        said += [f"**{word}**: {_grouped(told, digits)}"] if told else []
    missing = [row["name"] for row in rows if row["note"].startswith("not run")]
    said += [f"**not run**: {'; '.join(missing)}"] if missing else []
    return f"Of the bars, the paper's or, where it has none of this size, ours, {'. '.join(said)}." if said else "It has no bar."


def _rates() -> str:
    rows = of_claim("ccl_rates")["rows"]
    whole = max((row["name"].split(": ")[0] for row in rows if row["mean"] is not None), key=lambda grid: int(grid.split()[0]))
    found = {row["name"].removeprefix(f"{whole}: "): row for row in rows if row["name"].startswith(f"{whole}: ")}
    said = []
    for name, row in found.items():
        if not name.startswith("feedback ") or name.startswith("feedback rate"):
            note = f" ({row['note'].split(';')[0]})" if row["note"] else ""
            said.append(f"{name} {value(row)}, asked {row['target']}, {verdict(row)}{note}")
    missing = [row["name"] for row in rows if row["note"].startswith("not run")]
    end = f" Not run: {'; '.join(missing)}." if missing else ""
    return f"{whole}, one seed a cell, so that nothing near its bar is decided: {'; '.join(said)}. On CIFAR-10 the figure was not run.{end}"


def _cost() -> str:
    rows = by_name("ccl_flops").values()
    exact = all(row["reached"] for row in rows)
    return ("Yes, to the last digit: " if exact else "No: ") + "; ".join(f"{row['name']} {row['mean']:.9g}" for row in rows) + " million."


#: heading -> its questions, each with its answer, which names the claim that it waits for
HEADINGS: dict[str, dict[str, Callable[[], str]]] = {
    "What of the paper holds": {
        "Does it learn MNIST as published?": _mnist,
        "And CIFAR-10, by a perceptron?": _cifar_figure,
        "Is it ahead of feedback alignment and target propagation?": _beside_family,
        "Does the feedback network have to learn?": _feedback,
        "Do rates trade off as in figure 7?": _rates,
        "Do layers align as reported?": lambda: _targets("ccl_dynamics"),
        "Do convolutions reach the published figures?": lambda: _targets("ccl_cnn"),
        "Does the autoencoder?": lambda: _targets("ccl_autoencoder"),
        "Does a step cost what table 2 says?": _cost,
    },
    "What holds only under its own baseline": {
        "As well as backprop on MNIST?": _beside_bp,
        "Does it beat backprop on CIFAR-10?": _cifar,
    },
    "What each part contributes": {
        "What does the counter-current chain add to local readouts, to a fixed network, and what is missing to backprop?": _chain,
        "And the others?": _parts,
    },
}
QUESTIONS = {question: answer for questions in HEADINGS.values() for question, answer in questions.items()}


def answers() -> str:
    """Return all questions with their answers; one that waits for a claim says so, with the command."""
    lines: list[str] = []
    for heading, questions in HEADINGS.items():
        lines += ["", f"**{heading}**", ""] if lines else [f"**{heading}**", ""]
        for question, answer in questions.items():
            try:
                lines.append(f"- *{question}* {answer()}")
            except NotRun as missing:
                lines.append(f"- *{question}* {not_run(str(missing))}")
    return "\n".join(lines)
