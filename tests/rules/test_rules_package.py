"""The package of rules: light to import, and every public name leads to its class."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import bioplaus
import bioplaus.rules
from bioplaus.registry import RULES

PUBLIC = {"Rule", "RuleConfig", "Group", "Plausibility", "Backprop", "TopLayer", "CounterCurrent"}


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, bioplaus.rules as r; dir(r); sys.exit('torch' in sys.modules)"
    root = Path(bioplaus.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_public_names_lead_to_classes_of_that_name() -> None:
    assert set(bioplaus.rules.__all__) >= PUBLIC and set(dir(bioplaus.rules)) >= PUBLIC
    for name in bioplaus.rules.__all__:
        found = getattr(bioplaus.rules, name)
        assert isinstance(found, type) and found.__name__ == name


def test_built_in_rules_are_public_and_named_in_their_settings() -> None:
    for name in ("bp", "ccl", "top"):
        rule = RULES.get(name)
        assert getattr(bioplaus.rules, rule.__name__) is rule and rule.Config().name == name


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Backdrop"):
        bioplaus.rules.Backdrop  # noqa: B018
