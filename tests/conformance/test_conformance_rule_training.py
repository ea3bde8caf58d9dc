"""Every registered rule over some steps of training: rates, seeds, replicas, masks, restart, normalisation, and that it learns."""

from __future__ import annotations

import pytest

from bioplaus.testing import Check, conformance_checks


@pytest.mark.parametrize("check", conformance_checks(part="training"), ids=str)
def test_rule(check: Check) -> None:
    check()
