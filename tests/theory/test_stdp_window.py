"""Pairs and triplets in closed form beside sums over spikes written out, and what was published of them; the answer on the command line."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from bioplaus.answers.command import ask, solve
from bioplaus.errors import ConfigError
from bioplaus.theory.stdp import PAIR, PAIRINGS, TRIPLET, by_events, per_pairing, protocol, window


def written_out(pre: list[float], post: list[float], c, nearest: bool) -> float:
    """Every trace a sum over earlier spikes."""

    def before(spikes: list[float], t: float, tau: float) -> float:
        earlier = [s for s in spikes if s < t - 1e-6]
        return sum(math.exp(-(t - s) / tau) for s in (earlier[-1:] if nearest else earlier))

    up = sum(before(pre, t, c.tau_plus) * (c.a_plus + c.a3_plus * before(post, t, c.tau_y)) for t in post)
    return up - sum(before(post, s, c.tau_minus) * (c.a_minus + c.a3_minus * before(pre, s, c.tau_x)) for s in pre)


def test_the_window() -> None:
    assert window([10.0, -10.0, 0.0]) == pytest.approx([0.00606531, -0.00636857, 0.0], abs=5e-9)


@pytest.mark.parametrize("pairing", PAIRINGS)
@pytest.mark.parametrize("rule", [PAIR, replace(TRIPLET, a_plus=0.002)], ids=["pair", "triplet"])
def test_a_protocol_is_the_sum_over_its_spikes(rule, pairing: str) -> None:
    for delay, frequency in ((10.0, 20.0), (-10.0, 20.0), (0.0, 20.0), (-3.0, 5.0), (7.0, 50.0)):
        pre = [k * 1000 / frequency for k in range(12)]
        post = [t + delay for t in pre]
        expected = written_out(pre, post, rule, pairing == "nearest")
        assert protocol(delay, frequency, 12, rule, pairing) == pytest.approx(expected, rel=1e-9)
        assert by_events(pre, post, rule, pairing) == pytest.approx(expected, rel=1e-9)
        many = protocol(delay, frequency, 4001, rule, pairing) - protocol(delay, frequency, 4000, rule, pairing)
        assert per_pairing(delay, frequency, rule, pairing) == pytest.approx(many, rel=1e-6)


def test_frequency_turns_depression_into_potentiation() -> None:
    """Pfister & Gerstner 2006, visual cortex; the pair rule stays with the order of the spikes where pairs are apart."""
    assert protocol(-10, 10) < 0 < protocol(10, 10) and protocol(-10, 50) > 0 and protocol(10, 50) > 0
    assert protocol(-10, 50, timing=PAIR, pairing="nearest") < 0


def test_the_answer(tmp_path: Path) -> None:
    values = solve("stdp", {"delay": -10, "frequency": 50}).values
    assert values["change"] == pytest.approx(values["by_events"]) and values["change"] == pytest.approx(0.727247, abs=1e-6)
    assert values["change_reversed"] == pytest.approx(protocol(10, 50))
    assert "stdp-pair.png" in ask("stdp", {"form": "pair", "out": str(tmp_path)}) and (tmp_path / "stdp-pair.png").exists()
    rows = solve("stdp", {"scan": "frequency", "delay": -10, "from": 10, "to": 50, "points": 2}).values["points"]
    assert rows[0]["change"] < 0 < rows[1]["change"]


def test_bad_settings() -> None:
    with pytest.raises(ConfigError, match="a3_plus=0.1 belongs to form=triplet"):
        solve("stdp", {"form": "pair", "a3_plus": 0.1})
    with pytest.raises(ConfigError, match="delay=10.0 must be"):
        solve("stdp", {"frequency": 200})
