"""Every registered rule, one batch: what `learn` must yield and return, and what it must leave alone."""

from __future__ import annotations

import pytest

from bioplaus.testing import Check, conformance_checks


@pytest.mark.parametrize("check", conformance_checks(part="calls"), ids=str)
def test_rule(check: Check) -> None:
    check()
