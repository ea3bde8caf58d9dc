"""The Python of docs/estimators.md runs as it stands, and does what the text says."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from driving import ROOT


def test_examples() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs" / "estimators.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "estimators.md", "exec"), names)
    assert names["scores"].mean() > 0.9 and names["proba"].shape == (150, 3)
    assert names["r2"] > 0.7
    images = names["images"]
    assert names["codes"].shape == (len(images), 8) and names["error"] < 0.8 * images.var(0).mean()
    np.testing.assert_array_equal(names["recalled"], names["patterns"])
