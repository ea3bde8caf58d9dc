"""What a reader of a comparison must know, in sentences under its tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bioplaus.fields import written
from bioplaus.resampling import coverage, smallest_p

__all__ = ["TIE", "epochs", "notes", "tested"]

#: Width of an interval, in units of the score, below which its values are equal but for rounding.
TIE = 1e-12


def epochs(count: int) -> str:
    """Return the number with its noun."""
    return f"{count} epoch{'' if count == 1 else 's'}"


def tested(found: Mapping[str, Any]) -> str:
    """Return which weights the test scores are of."""
    if found["shared"].get("data.validation") == 0:
        return "Tested weights: those of the last epoch, as there are no validation samples."
    return "Tested weights: per seed, those of the epoch of lowest validation loss (diamonds on the curves)."


def notes(found: Mapping[str, Any]) -> list[str]:
    """Return the notes, one sentence or two each; what holds for several rows is said once."""
    lines = [found["data_note"]] if found["data_note"] else []
    if found.get("conditions"):
        rules = ", ".join(row["rule"] for row in found["rows"] if row["rule"] != found.get("reference", "bp"))
        made_for = ", ".join(f"{key}={written(value)}" for key, value in found["conditions"].items())
        lines.append(f"All rows have what {rules} is made for: {made_for}.")
    lines += [found["tuning"]["text"], tested(found)]
    if found["score"] == "loss":
        lines.append("This task has no accuracy: rows are compared by test loss, lower is better.")
    return [*lines, *_of_intervals(len(found["seeds"])), *_of_rows(found)]


def _of_intervals(seeds: int) -> list[str]:
    if seeds < 2:
        return ["One seed: no interval, no difference that could be told from chance. seeds=5 gives both."]
    if seeds == 2:
        caveat = "with 2 seeds it is just the two values, from the lower to the higher"
    else:
        caveat = f"too narrow with few: with {seeds} seeds it holds the mean in about {coverage(seeds)} of 100 cases"
    least = smallest_p(seeds)
    lines = [
        f"Intervals in the tables: 95 % bootstrap (BCa) of the mean over seeds; {caveat}. Bands and bars in the figures: Student's t.",
        "Differences are within seeds. p: random signs of the differences, two-sided, corrected for the number of rules (Holm); "
        f"with {seeds} seeds no p can be below {least:.3g} before correction.",
    ]
    if least > 0.05:
        lines.append(f"So {seeds} seeds cannot reach p < 0.05, however large a difference is; 6 can, 8 with up to six rules beside backprop.")
    return lines


def _of_rows(found: Mapping[str, Any]) -> list[str]:
    """Return what holds for some rows: their names, and what it is."""
    said: dict[str, list[str]] = {}

    def say(text: str, when: Callable[[Mapping[str, Any]], Any]) -> None:
        """Note a text, in which the row's values may stand, with the rows that it is true of."""
        for row in found["rows"]:
            values = when(row)
            if values:
                said.setdefault(text.format(*values if isinstance(values, tuple) else ()), []).append(row["rule"])

    score = found["score"]
    say("no rate improved on the untrained network.", lambda row: row["tuning"] and not row["tuning"]["improved"])
    say("the best rate is the {}est tried; a better one may lie beyond (grid=[...]).", lambda row: _filled((row["tuning"] or {}).get("edge")))
    say("the tested weights of {} are the untrained ones.", lambda row: _filled(_seeds(row["untrained_seeds"])))
    say(
        "{} stopped: numbers no longer finite. The best epoch before counts, if any.", lambda row: _filled(_seeds(row["stopped_seeds"]))
    )
    say(f"all seeds have one {score}, so there is no interval.", lambda row: _equal(row[score]["ci95"]))
    reference = found.get("reference", "bp")
    say(
        f"all differences to {reference} are equal, so there is no interval.",
        lambda row: row["rule"] != reference and _equal(row["difference_to_bp"]["ci95"]),
    )
    say(
        "the neuron of the published results; the difference to backprop is that of the neuron too (published=false leaves such rows out).",
        lambda row: row["neuron"] != found["neuron"] and not row["error"],
    )
    lines = [f"{', '.join(rules)}: {text}" for text, rules in said.items()]
    return lines + [f"{row['rule']}: no result: {row['error']}" for row in found["rows"] if row["error"]]


def _filled(value: Any) -> tuple[Any, ...]:
    return (value,) if value else ()


def _seeds(which: Sequence[int]) -> str:
    return f"seed{'s' * (len(which) > 1)} {', '.join(map(str, which))}" if which else ""


def _equal(pair: Sequence[float] | None) -> bool:
    """Return whether an interval has no width."""
    return pair is not None and pair[1] - pair[0] < TIE
