"""The tables of combinations in the documentation are the ones that are found by building and learning, and a few of their cells by hand."""

from __future__ import annotations

import pytest
from driving import ROOT

from bioplaus import registry
from bioplaus.spiking import table
from bioplaus.spiking.losses import LOSSES, OF_SPIKES, SUMMED

TEXT = (ROOT / "docs" / "spiking.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found() -> str:
    return table.tables()


def cells(text: str, corner: str) -> dict[tuple[str, str], str]:
    """Read a table of the page: (row, column) -> cell."""
    lines = text[text.index(f"| {corner} |") :].splitlines()
    head = [word.strip() for word in lines[0].strip("|").split("|")]
    rows = [[word.strip(" `") for word in line.strip("|").split("|")] for line in lines[2:] if line.startswith("|")]
    stop = next((i for i, row in enumerate(rows) if len(row) != len(head)), len(rows))
    return {(row[0], column): cell for row in rows[:stop] for column, cell in zip(head[1:], row[1:])}


def test_tables_are_current(found: str) -> None:
    assert found in TEXT, "run: python -m bioplaus.spiking.table"
    stale = TEXT.replace(found, "| old |")
    head, tail = stale.split("| old |")
    assert head.endswith(f"{table.START}\n") and tail.startswith(f"\n{table.END}")


def test_every_rule_and_every_spiking_unit_is_there(found: str) -> None:
    by_unit = cells(found, "rule")
    assert {row for row, _ in by_unit} == set(registry.RULES.names())
    assert set(table.UNITS) == {name for name in registry.NEURONS.names() if registry.NEURONS.get(name).spiking}


def test_who_spikes_is_what_rules_say_of_themselves(found: str) -> None:
    """`Rule.tasks` names those that train spiking units at all; nobody trains a cell without a gradient; one rule trains recurrent layers."""
    by_unit = cells(found, "rule")
    able = {name for name in registry.RULES.names() if "spiking" in registry.RULES.get(name).tasks}
    assert {row for (row, column), cell in by_unit.items() if column == "lif" and cell == table.WORKS} == able
    assert not [row for (row, column), cell in by_unit.items() if column == "hodgkin_huxley" and cell == table.WORKS]
    assert [row for (row, column), cell in by_unit.items() if column == "mlp recurrent" and cell == table.WORKS] == ["eprop"]


def test_losses_by_hand(found: str) -> None:
    """A sum or mean over steps can be learned from step by step; a leaky output has no spikes to count."""
    by_loss = cells(found, "setting")
    for loss in LOSSES:
        assert (by_loss[f"loss={loss}", "surrogate"]) == table.WORKS
        for rule in ("eprop", "decolle"):
            assert (by_loss[f"loss={loss}", rule] == table.WORKS) == (loss in SUMMED)
            assert (by_loss[f"loss={loss}, readout=leaky", rule] == table.WORKS) == (loss in SUMMED and loss not in OF_SPIKES)
        assert (by_loss[f"loss={loss}, readout=leaky", "surrogate"] == table.WORKS) == ("membrane" in loss)


def test_refusals_are_refusals(found: str) -> None:
    """Every number stands for a sentence that says what to use instead; nothing failed half-way."""
    notes = [line for line in found.splitlines() if line[:1].isdigit()]
    assert len(notes) > 4
    for note in notes:
        assert "unchanged" not in note and "finite" not in note
        assert "; " in note and any(word in note for word in ("use ", " can"))
    numbers = {cell.removeprefix("- ") for part in ("rule", "setting") for cell in cells(found, part).values()} - {table.WORKS}
    assert numbers == {str(i) for i in range(1, len(notes) + 1)}
