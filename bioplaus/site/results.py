"""Pages of committed results: one per claim, with its commands, its table and its figure; and the rows that concern a rule."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioplaus import config
from bioplaus.errors import ConfigError
from bioplaus.experiments import catalogue
from bioplaus.experiments.claims import Claim
from bioplaus.fields import written
from bioplaus.site.markup import cell, table

__all__ = ["Results", "command_of"]

#: Rows of a claim that the page of a rule shows; the rest is behind the link.
SHOWN = 8
VERDICT = {True: "reached", False: "**not reached**", None: ""}


def command_of(settings: Mapping[str, Any]) -> str:
    """Return the command that makes a row; "" for one that is not a run of its own.

    Examples
    --------
    >>> command_of({"rule": "ccl", "network.hidden": [64, 32], "seeds": 3})
    "bioplaus simulate rule=ccl 'network.hidden=[64,32]' seeds=3"
    """
    if "command" in settings:
        return str(settings["command"])
    if "rule" not in settings:
        return ""
    try:
        config.resolve(settings, locate=False)
    except ConfigError:  # more than one command went into it
        return ""
    words = [f"{key}={written(value)}" for key, value in settings.items()]
    return " ".join(["bioplaus simulate", *(f"'{word}'" if set(word) & set("[]{}*?$ ") else word for word in words)])


@dataclass(frozen=True)
class Results:
    """The committed results of a checkout.

    Parameters
    ----------
    folder
        ``experiments/results``.
    """

    folder: Path

    def record(self, name: str) -> dict[str, Any] | None:
        """Return the committed record of a claim, None if it was not run."""
        file = self.folder / f"{name}.json"
        found: dict[str, Any] | None = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
        return found

    def index(self) -> str:
        """Return the page that lists all claims: what each says, what it takes, where its table is."""
        rows = []
        for name in catalogue.MODULES:
            claim, record = catalogue.claim(name), self.record(name)
            rows.append((f"[{claim.title}]({name}.md)", f"`{name}`", claim.cost, claim.quick_cost, _verdicts(record), claim.source))
        text = (
            "# How to reproduce each table\n\n"
            "Every published figure that we hold ourselves against has a name, and one command measures it anew:\n\n"
            "```sh\nbioplaus reproduce list\nbioplaus reproduce ccl_flops\nbioplaus reproduce ccl_mnist quick=true\n```\n\n"
            "`quick=true` is a small run that shows that the command works; it is not held against the target. Tables and figures go to "
            "`results/`, or where `out=DIR` says, and the runs behind them to `results/runs/NAME`: a command that was stopped goes on from "
            "there. MNIST and the like are looked for in `BIOPLAUS_DATA`. A figure that was not reached says so.\n\n"
        )
        return text + table(("claim", "name", "cost", "quick run", "rows with a target", "source"), rows) + "\n"

    def page(self, name: str) -> str:
        """Return the page of a claim."""
        claim, record = catalogue.claim(name), self.record(name)
        whole, quick = f"bioplaus reproduce {name}              # {claim.cost}", f"bioplaus reproduce {name} quick=true   # {claim.quick_cost}"
        commands = f"```sh\n{whole}\n{quick}\n```"
        head = f"# {claim.title}\n\n{commands}\n\n"
        if record is None:
            return f"{head}**Not run.** Target: {claim.target} ({claim.source}).\n"
        kept = (self.folder / f"{name}.md").read_text(encoding="utf-8").partition("\n")[2].strip()
        return f"{head}## What was measured\n\n{kept}\n\n{_row_commands(record)}"

    def of_rule(self, rule: str) -> str:
        """Return the rows of all claims that a rule stands in, per claim a heading, its figure and a table; "" if there are none."""
        return "\n\n".join(part for name in catalogue.MODULES if (part := self._part(name, rule)))

    def _part(self, name: str, rule: str) -> str:
        record = self.record(name)
        if record is None:
            return ""
        named = name == rule or name.startswith(f"{rule}_")
        rows = [row for row in record["rows"] if row["settings"].get("rule") == rule or (named and "rule" not in row["settings"])]
        if not rows:
            return ""
        claim: Claim = catalogue.claim(name)
        shown = [(r["name"], _measured(r), r["n"] or "", r["target"], VERDICT[r["reached"]]) for r in rows[:SHOWN]]
        lines = [f"### {claim.title}", "", f"Target: {claim.target} ({claim.source}). [All rows, notes and commands](../results/{name}.md)", ""]
        if named and (self.folder / f"{name}.png").is_file():
            lines += [f"![{claim.title}](../results/{name}.png)", ""]
        lines.append(table(("row", f"{record['unit']}: mean [95 % interval]", "seeds", "target", ""), shown))
        if len(rows) > SHOWN:
            lines += ["", f"... and {len(rows) - SHOWN} more."]
        return "\n".join(lines)


def _verdicts(record: dict[str, Any] | None) -> str:
    """Return how many rows with a target reached it."""
    if record is None:
        return "not run"
    judged = [row["reached"] for row in record["rows"] if row["reached"] is not None]
    return f"{sum(judged)} of {len(judged)} reached" if judged else "no row has one"


def _measured(row: Mapping[str, Any]) -> str:
    if row["mean"] is None:
        return str(row["note"]) if str(row["note"]).startswith("not run") else "no value"
    ends = f" [{row['ci95'][0]:.4g}, {row['ci95'][1]:.4g}]" if row["ci95"] else ""
    return f"{row['mean']:.{6 if row['n'] is None else 4}g}{ends}"


def _row_commands(record: Mapping[str, Any]) -> str:
    """Return the commands of rows that are one run each, folded away."""
    lines, known = [], set()
    for row in record["rows"]:
        command = command_of(row["settings"])
        if command and command not in known:  # several rows may look at one run
            known.add(command)
            name = cell(row["name"]).replace('"', "'")
            lines += [f'??? note "{name}"', "", "    ```sh", f"    {command}", "    ```", ""]
    head = ["## A row alone", "", "The command of each run behind a row; chosen rates are those that validation chose.", ""]
    return "\n".join([*head, *lines]) if lines else ""
