"""What a rule uses, measured by `bioplaus.audit`, is what its statement of plausibility says."""

from __future__ import annotations

from functools import cache

from bioplaus.audit.card import Card
from bioplaus.audit.measure import measure
from bioplaus.testing.benches import SHOWN
from bioplaus.testing.checks import check
from bioplaus.testing.kit import Case, build, home, settings_of

#: the autoencoder starts from weights of nothing: no signal passes
AUDITED = ("mlp", "cnn5", "cnn3", "memory", "recurrent", "spiking", "spike_times")


@cache
def card(case: Case, network: str) -> Card:
    """Return the measured card of a rule on the kit's network and clouds."""
    run = build(case, network, **SHOWN.get((case.rule, network), {}))
    return measure(run.model, run.feed, network, settings_of(case, network).top.epochs)


@check("case", "network", where=lambda case, network: network in AUDITED and not (network == "cnn5" and case.option))
def the_measured_card_is_as_declared(case: Case, network: str) -> None:
    """The claims of `plausibility` are what the audit measures. Mend the claim, or the rule; `bioplaus audit` shows what each layer reads."""
    found = card(case, network)
    assert not found.declared
    assert not found.differs, f"declared is {', '.join(found.differs)}, and measured is {found.as_dict()}"


@check("case", "network", where=lambda case, network: not case.option and network == home(case))
def the_statement_of_plausibility_is_made(case: Case, network: str) -> None:
    """`plausibility` says in words what is honoured and what is not, and `reference` names the source."""
    run = build(case, network)
    stated = run.model.rule.plausibility
    for points in (stated.honoured, stated.violated):
        assert isinstance(points, tuple) and points and all(isinstance(p, str) and p.strip() for p in points)
    assert run.model.rule.reference
