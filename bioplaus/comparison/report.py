"""The report: one page of HTML that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bioplaus.audit.card import NEIGHBOURS
from bioplaus.comparison.notes import epochs
from bioplaus.comparison.table import AUDIT, COST, SCORES, cells
from bioplaus.page import bullets, details, document, figure

__all__ = ["page"]

CAPTIONS = {
    "curves.png": "Accuracy (or loss) on the validation samples after each epoch.",
    "compute.png": "The same against floating-point operations: what a rule reaches for what it costs.",
    "angles.png": "Angle between the change a rule asks for and the gradient's, per layer of weights; 0° is backprop itself, 90° no relation.",
}
#: Questions of a card that stand in the table, in its order.
CARD = (
    "weight_transport", "backward_locking", "update_locking", "settles", "needs_labels", "phases", "global_signals", "modulators", "stored",
    "network",
)  # fmt: skip
_TEXT = {"rule", "angles", "cosines", "audit"}


def page(found: Mapping[str, Any], figures: Sequence[Path]) -> str:
    """Return the whole page; every text in it is escaped, every image lies in it."""
    rows = found["rows"]
    seeds = f"seeds {found['seeds'][0]} to {found['seeds'][-1]}" if len(found["seeds"]) > 1 else f"seed {found['seeds'][0]}"
    head = (
        f"{found['data']}, network {found['network']}, {found['neuron']}, {epochs(found['epochs'])}, batch {found['batch_size']}, {seeds}, "
        f"{found['train_samples']:,} training samples, on {found['device']}"
    )
    title = f"{', '.join(row['rule'] for row in rows)} on {found['data']}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="under">{escape(head)}</p>',
        f"<h2>Test {escape(found['score'])}{' (%)' if found['score'] == 'accuracy' else ''} and difference to backprop, "
        "intervals by bootstrap</h2>",
        _table(found, SCORES),
        bullets(found["notes"]),
        "<h2>Cost and alignment</h2>",
        _table(found, COST),
        bullets(_COST_NOTES),
        *(figure(path, CAPTIONS.get(path.name, path.stem)) for path in figures),
        _cards(found),
        "<h2>Settings</h2>",
        "<p>Equal for all rows: data, split, network, neuron (unless the row says otherwise), seeds, epochs, batch size, precision. "
        "Optimiser, clipping and all else of a rule are its own recipe unless given.</p>",
        _settings("shared by all rows", found["shared"]),
        *(_settings(row["rule"], _of_row(row)) for row in rows),
        f"<footer>bioplaus compare, {escape(found['date'])}; {escape(', '.join(f'{k} {v}' for k, v in found['versions'].items()))}. "
        "The numbers are in comparison.json and comparison.parquet beside this page; each row's runs are in rows/.</footer>",
    ]
    return document(title, parts)


_COST_NOTES = (
    "Epochs to 95 %: the first epoch at which validation accuracy is at least 95 % of what the tested weights have there; mean over seeds.",
    "s/epoch: updates alone, one network; s to 95 % is the product of the two. Rows ran side by side, one thread each.",
    "MFLOP: matrix products of one training step, per sample. MB: most memory held by the row's process: Python, torch, data, all networks of "
    "search and run.",
    "Angle: degrees between wanted change and gradient, per layer, bottom first; feedback: cosine between each forward weight and the weight "
    "that takes errors down past it. First line at the start, second at the end; means over seeds.",
)


def _table(found: Mapping[str, Any], columns: Sequence[tuple[str, str]]) -> str:
    words = {"score": found["score"], "reference": found.get("reference", "bp")}
    heads = "".join(f"<th{_kind(key)}>{escape(head.format(**words))}</th>" for head, key in columns)
    lines = []
    for row in found["rows"]:
        if row["error"] is not None:
            why = f'<td class="text wrap" colspan="{len(columns) - 1}">{escape(row["error"])}</td>'
            lines.append(f'<tr class="failed"><td>{escape(row["rule"])}</td>{why}</tr>')
            continue
        texts = cells(row, found["score"], found.get("reference", "bp"))
        tds = "".join(f"<td{_kind(key)}>{'<br>'.join(map(escape, texts[key].splitlines()))}</td>" for _, key in columns)
        lines.append(f"<tr>{tds}</tr>")
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _kind(key: str) -> str:
    return f' class="text{" wrap" if key == "audit" else ""}"' if key in _TEXT else ""


def _cards(found: Mapping[str, Any]) -> str:
    """Return the audit in one line per row and its cards, nothing if no row has one."""
    audited = [(row["rule"], row["audit"]["card"]) for row in found["rows"] if (row["audit"] or {}).get("card")]
    if not audited:
        return ""
    heads = "".join(f"<th>{escape(key.replace('_', ' '))}</th>" for key in CARD)
    lines = "".join(
        f"<tr><td>{escape(rule)}</td>{''.join(f'<td>{escape(_answer(card, key))}</td>' for key in CARD)}</tr>" for rule, card in audited
    )
    table = f'<table class="card"><thead><tr><th>rule</th>{heads}</tr></thead><tbody>{lines}</tbody></table>'
    terms = "".join(details(rule, card["non_local_terms"]) for rule, card in audited if card["non_local_terms"])
    beyond = f"<p>What changes use beyond the two sides of their synapses, layer by layer:</p>{terms}" if terms else ""
    head = "<h2>Audit: what information each rule uses, measured</h2>"
    return f'{head}{_table(found, AUDIT)}<p></p><div class="wide">{table}</div>{beyond}'


def _answer(card: Mapping[str, Any], key: str) -> str:
    return NEIGHBOURS if key == "weight_transport" and card.get("neighbours_only") else _word(card.get(key))


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "-" if value is None else str(value)


def _of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is a row's own: its rule's and its optimiser's settings, and the search of its rate."""
    own = row["settings"] or {}
    flat = {f"{part}.{key}": value for part in ("rule", "neuron", "plasticity") for key, value in own.get(part, {}).items()}
    if row["tuning"]:
        search = row["tuning"]
        reached = (search["accuracy"], "accuracy") if any(v is not None for v in search["accuracy"]) else (search["loss"], "loss")
        tried = ", ".join(f"{lr:g}: {'diverged' if v is None else f'{v:.4f}'}" for lr, v in zip(search["rates"], reached[0]))
        flat[f"search (rate: validation {reached[1]})"] = tried
    return flat


def _settings(name: str, values: Mapping[str, Any]) -> str:
    return details(name, [f"{key}={'null' if value is None else value}" for key, value in values.items()] or ["none: the row did not run"])
