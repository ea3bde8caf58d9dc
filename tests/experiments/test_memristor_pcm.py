"""The claim on phase-change pairs: what is concluded from differences seed by seed."""

from __future__ import annotations

from typing import Any

import pytest

from bioplaus.experiments.memristor_pcm import _remarks
from bioplaus.experiments.on_devices import drop

#: accuracies of three seeds that differ by 5, 6 and 7 points within a seed, though both spread by 20
LOW, HIGH = [0.60, 0.70, 0.80], [0.65, 0.76, 0.87]


def run(values: list[float]) -> dict[str, Any]:
    return {"test_accuracy": {"values": values}}


@pytest.mark.parametrize(
    ("behind", "verdict"),
    [
        ({"a": (LOW, HIGH), "b": (LOW, HIGH)}, "below both in every interval"),
        ({"a": (LOW, HIGH), "b": (LOW, [0.59, 0.80, 0.79])}, "below both, not told from chance"),
        ({"a": (LOW, HIGH), "b": (HIGH, LOW)}, "not below both"),
    ],
)
def test_the_verdict_is_on_differences_seed_by_seed(behind: dict[str, tuple[list[float], list[float]]], verdict: str) -> None:
    found = {name: drop(run(low), run(high)) for name, (low, high) in behind.items()}
    text = _remarks(found)[-1]
    assert text.endswith(f": {verdict}")
    # mean 6, standard deviation 1: t(2) = 4.3027 times 1/sqrt(3) is 2.484
    assert "-6.00 points from a [-8.48, -3.52]" in text
