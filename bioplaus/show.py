"""``bioplaus show``: every setting of a run, with its value, where that came from, its range and its meaning."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from bioplaus import registry
from bioplaus.fields import describe_range, field_docs
from bioplaus.settings import COMPONENTS, Settings
from bioplaus.statement import statement

__all__ = ["text"]


def text(settings: Settings) -> str:
    """Return the settings as readable text, with the rule's statement of plausibility."""
    rule = registry.RULES.get(settings.rule.name)
    lines = [f"rule {settings.rule.name}: {registry.RULES.summary(settings.rule.name)}"]
    if rule.reference:
        lines.append(f"source: {rule.reference}")
    for section in (*COMPONENTS, "run", "top"):
        config = getattr(settings, section)
        prefix = "" if section == "top" else f"{section}."
        name = getattr(config, "name", None)
        lines += ["", f"{section}={name}" if section in COMPONENTS else {"run": "run directory", "top": "run"}[section]]
        lines += _fields(config, prefix, settings)
    if rule.aliases:
        lines += ["", "aliases: " + ", ".join(f"{a} for {key}" for a, key in rule.aliases.items())]
    stated = statement(rule(settings.rule), settings)
    lines += ["", "honoured:", *(f"  + {word}" for word in stated.honoured)]
    lines += ["not honoured:", *(f"  - {word}" for word in stated.violated)]
    return "\n".join(lines)


def _fields(config: Any, prefix: str, settings: Settings) -> list[str]:
    docs, lines = field_docs(type(config)), []
    for f in fields(config):
        if f.name == "name":
            continue
        key, value = f"{prefix}{f.name}", getattr(config, f.name)
        notes = [describe_range(f.metadata), "one per seed allowed" if f.metadata.get("replica") else ""]
        notes.append(settings.sources.get(key, ""))
        extra = "; ".join(note for note in notes if note)
        lines.append(f"  {key}={value}" + (f"   [{extra}]" if extra else ""))
        if f.name in docs:
            lines.append(f"      {docs[f.name]}")
    return lines
