"""The statement of plausibility follows the settings: it names what is on, and nothing that is off."""

from __future__ import annotations

from typing import Any

from bioplaus import config, registry
from bioplaus.statement import statement


def _violated(**keys: Any) -> str:
    settings = config.resolve({key.replace("__", "."): value for key, value in keys.items()})
    return "; ".join(statement(registry.RULES.get(settings.rule.name)(settings.rule), settings).violated)


def test_batches_and_clipping_are_named_only_when_they_are_on() -> None:
    usual = _violated(rule="ccl")
    assert "mini-batch averaging (batch_size=64)" in usual and "clipping by the norm of a whole network" in usual
    local = _violated(rule="ccl", batch_size=1, plasticity__clip="per_layer")
    assert "mini-batch" not in local and "clipping" not in local


def test_the_autoencoder_has_no_classes() -> None:
    text = _violated(rule="ccl", network="autoencoder", network__channels=[4, 8])
    assert "classes" not in text and "cross-entropy" not in text and "squared error" in text and "statistics of the batch" in text
    assert "cross-entropy" in _violated(rule="ccl")


def test_losses_of_spiking_units_are_named_as_they_are() -> None:
    for loss, name, other in (("membrane", "cross-entropy", "squared"), ("mse_count", "squared error", "entropy")):
        text = _violated(rule="surrogate", neuron__loss=loss)
        assert name in text and other not in text


def test_weight_transport_is_the_rules_own() -> None:
    assert "weight transport" in _violated(rule="bp") and "weight transport" not in _violated(rule="ccl")
