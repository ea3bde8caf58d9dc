"""The claim on one-sided writing: what its remarks conclude from given means, and its quick form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bioplaus import data
from bioplaus.data.base import DataConfig
from bioplaus.errors import BioplausError
from bioplaus.experiments import memristor_unidirectional as claim

SCHEMES = list(claim.SCHEMES)


@pytest.mark.parametrize(
    ("accuracies", "verdict"),
    [((20.0, 40.0, 70.0, 75.0), "it wins with the late one too"), ((50.0, 40.0, 70.0, 75.0), "yes"), ((50.0, 40.0, 45.0, 75.0), "no")],
)
def test_the_conclusion_follows_from_the_means(accuracies: tuple[float, ...], verdict: str) -> None:
    means = {(64, 4.0, scheme): (value, 0.0) for scheme, value in zip(SCHEMES, accuracies)}
    remarks = claim._remarks(False, (4.0,), (64,), means)
    assert any(f"prompt refresh? {verdict}: bi {accuracies[0]:.1f}, uni {accuracies[1]:.1f}" in text for text in remarks)
    assert any(f"P 64, NL 4: {accuracies[2] - accuracies[0]:+.1f} points, {accuracies[1] - accuracies[0]:+.1f}" in text for text in remarks)
    assert sum("94.50 %" in text and "ISCAS" in text for text in remarks) == 1


def test_what_a_row_took_is_a_mean_over_seeds_of_all_layers() -> None:
    summary: dict[str, Any] = {
        "pulses": {"a": {"potentiation": [10, 30], "depression": [0, 2]}, "b": {"potentiation": [1, 3], "depression": [4, 6]}},
        "refreshes": [100, 300],
        "energy_joule": [1.0, 2.0],
    }
    assert claim._cost(summary) == "200 pairs refreshed; 22 pulses up, 6 down; 1.5 J"
    assert claim._cost({}) == ""


def test_the_quick_form(tmp_path: Path) -> None:
    try:
        data.locate(DataConfig("mnist"))
    except BioplausError:
        pytest.skip("MNIST is not here")
    report = claim.CLAIM.run(True, str(tmp_path))
    rows = {row.name: row for row in report.rows}
    assert len(rows) == 2 * len(SCHEMES) + 6 and all(row.mean is not None and row.mean > 20 for row in rows.values())
    assert rows["P 64, NL 4, bi"].note.startswith("0 pairs refreshed")
    assert " 0 down" in rows[f"P 64, NL 4, {SCHEMES[2]}"].note and not rows[f"P 64, NL 4, {SCHEMES[2]}"].note.startswith("0 pairs")
    assert rows["P 64, NL 4, bi"].target == "16.4 (our rough program)"
