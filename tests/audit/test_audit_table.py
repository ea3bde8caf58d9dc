"""The table of cards in the documentation is the one that is measured."""

from __future__ import annotations

from driving import ROOT

from bioplaus import registry
from bioplaus.audit.card import Card, LayerCard
from bioplaus.audit.table import HEAD, cards_table, renewed, row

TEXT = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")


def test_table_is_current() -> None:
    table = cards_table()
    assert table in TEXT, "run: python -m bioplaus.audit.table"
    rows = table.splitlines()[2:]
    assert [one.split("`")[1] for one in rows] == registry.RULES.names()
    assert all(one.count("|") == len(HEAD) + 1 for one in rows)
    stale = TEXT.replace(table, "| old |")
    assert stale != TEXT and renewed(stale) == TEXT


def test_a_row_by_hand() -> None:
    layers = (LayerCard("forward/0", True, ("forward/1",), ("backward/1",), "other cells", other_samples=True), LayerCard("forward/1", True))
    card = Card("x", "mlp", True, False, True, False, 3, settles=True, modulators=("loss", "label"), stored=("mean",), per_layer=layers)
    reads = "forward weights of other layers, weights of feedback or readout synapses, weights of other synapses of the layer, other samples"
    assert row(card) == f"| `x` | yes | no, but settles | yes | no | 3 | loss, label | {reads}, state kept between batches |"
    plain = Card("y", "mlp", False, True, False, True, 1)
    assert row(plain) == "| `y` | no | yes | no | yes | 1 | - | - |"


def test_neighbours_are_named() -> None:
    layers = (LayerCard("forward/0", True, reads_neighbours="other cells"),)
    card = Card("x", "mlp", True, False, False, False, 1, per_layer=layers)
    assert row(card) == "| `x` | neighbours' weights | no | no | no | 1 | - | weights of other synapses of the layer |"
