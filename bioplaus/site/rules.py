"""The page of a rule, from its module: equation, statement, audit card, settings, recipes, results, source."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path

from bioplaus import config
from bioplaus.fields import written
from bioplaus.registry import RULES
from bioplaus.site.markup import from_docstring, settings_table, table
from bioplaus.site.results import Results
from bioplaus.statement import statement

__all__ = ["card_of", "guides_about", "index", "page"]


def index() -> str:
    """Return the page that lists all rules."""
    rows = []
    for name in RULES.names():
        transport = "yes" if RULES.get(name).plausibility.weight_transport else "no"
        rows.append((f"[`{name}`]({name}.md)", RULES.summary(name), transport, RULES.get(name).reference))
    text = (
        "# Rules\n\nWhat changes a synapse. Every rule runs under the same simulator, data and statistics; `bioplaus compare` puts them beside "
        "backpropagation, `bioplaus audit` measures what each one uses ([all cards](../audit.md)). How to add one: "
        "[a rule of your own](../adding_a_rule.md).\n\n"
    )
    return text + table(("rule", "what it is", "weight transport", "source"), rows) + "\n"


def page(name: str, results: Results, docs: Path) -> str:
    """Return the page of a rule.

    Parameters
    ----------
    name
        Its name in the registry.
    results
        Committed results.
    docs
        Folder of the written pages: the cards of the audit are read from ``audit.md``, which a test keeps current.
    """
    rule = RULES.get(name)
    settings = config.resolve({"rule": name}, locate=False)
    stated = statement(rule(settings.rule), settings)
    parts = [
        f"# `{name}`",
        RULES.summary(name),
        f"```sh\nbioplaus simulate rule={name}\nbioplaus audit rule={name}\nbioplaus show rule={name}\n```",
        "## What it does",
        from_docstring(sys.modules[rule.__module__].__doc__),
        _class_notes(rule),
        "## What it honours, and what it does not",
        f"On `data={settings.data.name}`, `network={settings.network.name}`, under its default settings:",
        "\n".join([*(f"- **+** {word}" for word in stated.honoured), *(f"- **−** {word}" for word in stated.violated)]),
        *_card(name, docs / "audit.md"),
        "## Settings",
        settings_table(rule.Config, "rule."),
        *([_aliases(rule.aliases)] if rule.aliases else []),
        *_recipes(rule.recipes),
    ]
    found = results.of_rule(name)
    if found:
        parts += ["## Results", "Means over seeds; a figure that was not reached is marked so.", found]
    guides = guides_about(name, docs)
    if guides:
        parts += ["## Read more", "\n".join(f"- [{title}](../{file})" for file, title in guides)]
    parts += ["## Source", f"{rule.reference}.", f"Code: `{rule.__module__}`, class `{rule.__name__}`."]
    return "\n\n".join(part for part in parts if part) + "\n"


def _class_notes(rule: type) -> str:
    """Return what the docstring of a rule's class says beyond its first line."""
    return from_docstring(inspect.cleandoc(rule.__doc__ or "").partition("\n")[2])


def card_of(name: str, page: Path) -> list[tuple[str, str]]:
    """Return the card of a rule from the table of all cards: (question, answer), () if it is not there."""
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    for i, line in enumerate(lines):
        if line.startswith(f"| `{name}` |"):
            head = next(lines[k - 1] for k in range(i, 0, -1) if lines[k].startswith("|---"))
            questions, answers = ([part.strip() for part in one.strip("| ").split(" | ")] for one in (head, line))
            return list(zip(questions[1:], answers[1:]))
    return []


def _card(name: str, page: Path) -> list[str]:
    found = card_of(name, page)
    if not found:
        return []
    text = "What the [audit](../audit.md) measured, on its default network and under the rule's default settings:"
    return ["## Audit card", text, table(("question", "answer"), found)]


def _aliases(aliases: object) -> str:
    assert isinstance(aliases, dict)
    return "Short for: " + ", ".join(f"`{short}` = `{key}`" for short, key in aliases.items()) + "."


def _recipes(recipes: tuple[object, ...]) -> list[str]:
    """Return the table of defaults that depend on data and network."""
    rows = []
    for recipe in recipes:
        values = " ".join(f"`{key}={written(value)}`" for key, value in recipe.values.items())  # type: ignore[attr-defined]
        where = [", ".join(f"`{one}`" for one in names) or "any" for names in (recipe.data, recipe.network)]  # type: ignore[attr-defined]
        rows.append((*where, values, recipe.source))  # type: ignore[attr-defined]
    if not rows:
        return []
    text = "Defaults that depend on what it is run on, the later of two that apply wins; what you give wins over all of them."
    return ["### Recipes", text, table(("data", "network", "settings", "source"), rows)]


def guides_about(name: str, docs: Path) -> list[tuple[str, str]]:
    """Return (file, title) of the written pages that run a rule."""
    found = []
    for file in sorted(docs.glob("*.md")):
        text = file.read_text(encoding="utf-8")
        if file.stem not in ("architecture", "faq", "index", "concepts") and re.search(rf"\brule={name}\b", text):
            found.append((file.name, text.partition("\n")[0].removeprefix("# ").strip()))
    return found
