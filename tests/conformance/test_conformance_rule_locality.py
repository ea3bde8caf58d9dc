"""What every registered rule uses, measured by `bioplaus.audit`, is what its statement of plausibility says."""

from __future__ import annotations

import pytest

from bioplaus.testing import Check, conformance_checks
from bioplaus.testing.kit import Case
from bioplaus.testing.locality import card


@pytest.mark.parametrize("check", conformance_checks(part="locality"), ids=str)
def test_rule(check: Check) -> None:
    check()


def test_the_audit_has_teeth() -> None:
    """Backpropagation reads each weight above the first one for the layers below it: all of them are named, and nothing else."""
    terms = {"forward/0 reads forward/1", "forward/0 reads forward/2", "forward/1 reads forward/2"}
    assert set(card(Case("bp"), "mlp").non_local_terms) == terms
