"""seed_step=0: networks that differ in a list of settings alone, which is how rates are compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import TINY

import bioplaus
from bioplaus import config
from bioplaus.errors import ConfigError

RATES = [0.05, 0.4, 1.0]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("step", "expected"), [(1, (5, 6, 7)), (0, (5, 5, 5)), (10, (5, 15, 25))])
def test_seeds(step: int, expected: tuple[int, ...]) -> None:
    assert config.resolve({"seed": 5, "seeds": 3, "seed_step": step}).seed_list == expected


def test_the_last_seed_must_fit() -> None:
    with pytest.raises(ConfigError, match="the last of 3 seeds must fit"):
        config.resolve({"seeds": 3, "seed_step": 2**62})


@pytest.mark.parametrize("pack", ["1", "3"])
def test_each_network_is_the_single_run_with_its_rate(pack: str) -> None:
    keys: dict[str, Any] = {**TINY, "seed": 7, "dtype": "float64"}
    grid = bioplaus.simulate({**keys, "seeds": 3, "seed_step": 0, "rule.lr": RATES, "run.pack": pack})
    single = [bioplaus.simulate({**keys, "rule.lr": lr, "run.save": False}) for lr in RATES]
    for split in ("validation", "test"):
        assert grid.summary[f"{split}_loss"]["values"] == pytest.approx([s.summary[f"{split}_loss"]["mean"] for s in single], rel=1e-9)
    for key, whole in grid.parameters().items():
        np.testing.assert_allclose(whole, np.stack([s.parameters(7)[key] for s in single]), rtol=1e-9, atol=1e-12)
    with pytest.raises(ConfigError, match="3 networks of this run have seed 7"):
        grid.parameters(7)
    assert grid.run_dir is not None
    again = bioplaus.load(grid.run_dir)
    assert again.summary == grid.summary and again.metrics.equals(grid.metrics)
    assert all(path.is_file() for path in _drawn(grid))


def _drawn(result: Any) -> list[Path]:
    """Figures of a run whose seeds repeat cannot tell them apart, but are drawn."""
    from bioplaus.plots import draw_all

    return draw_all(result.metrics, None, Path("drawn"), "title")
