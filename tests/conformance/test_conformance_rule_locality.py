"""What every registered rule uses, measured by `bioplaus.audit`, is what its statement of plausibility says."""

from __future__ import annotations

from functools import cache

import pytest
from conformance_kit import SHOWN, Case, build, cases, home, refused, settings_of

from bioplaus.audit.card import Card
from bioplaus.audit.measure import measure


@cache
def card(case: Case, network: str) -> Card:
    """The measured card of a rule on the kit's network and clouds."""
    run = build(case, network, **SHOWN.get((case.rule, network), {}))
    return measure(run.model, run.feed, network, settings_of(case, network).top.epochs)


#: rules and options on the mlp, rules on the convolutional network (the autoencoder starts from weights of nothing: no signal passes)
WHERE = [(case, "mlp") for case in cases()] + [(case, "cnn5") for case in cases() if not case.option]
WHERE += [(case, network) for case in cases() for network in ("cnn3", "memory", "recurrent", "spiking", "spike_times")]
WHERE = [(case, network) for case, network in WHERE if not refused(case, network)]


@pytest.mark.parametrize(("case", "network"), WHERE, ids=str)
def test_the_measured_card_is_as_declared(case: Case, network: str) -> None:
    found = card(case, network)
    assert not found.declared
    assert not found.differs, f"measured: {found.as_dict()}"


def test_the_audit_has_teeth() -> None:
    """Backpropagation reads each weight above the first one for the layers below it: all of them are named, and nothing else."""
    terms = {"forward/0 reads forward/1", "forward/0 reads forward/2", "forward/1 reads forward/2"}
    assert set(card(Case("bp"), "mlp").non_local_terms) == terms


@pytest.mark.parametrize("case", [case for case in cases() if not case.option], ids=str)
def test_the_statement_of_plausibility_is_made(case: Case) -> None:
    run = build(case, home(case))
    stated = run.model.rule.plausibility
    for points in (stated.honoured, stated.violated):
        assert isinstance(points, tuple) and points and all(isinstance(p, str) and p.strip() for p in points)
    assert run.model.rule.reference
