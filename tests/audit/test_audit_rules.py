"""Rules whose use of information is known by construction: what an honest one needs is found and no more, and each planted cheat is caught."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from bioplaus import registry
from bioplaus.audit import Card, LayerCard, card_of
from bioplaus.tables import as_text

FILE = Path(__file__).with_name("audited_rules.py")
#: flags of the card in one word each
FLAGS = {
    "transport": "weight_transport",
    "backward": "backward_locking",
    "update": "update_locking",
    "labels": "needs_labels",
    "settles": "settles",
}


@cache
def card(name: str) -> Card:
    """The card of a rule of the file beside this one."""
    return card_of(rule=f"{FILE}:{name}")


def layer(name: str, of: str) -> LayerCard:
    """What was found at one layer."""
    (found,) = [one for one in card(name).per_layer if one.layer == of]
    return found


def flags(found: Card) -> set[str]:
    """The words of all flags that are up."""
    return {word for word, name in FLAGS.items() if getattr(found, name)}


HONEST = {
    "Feedback": ("backward update labels", 2, ""),
    "Direct": ("update labels", 2, "output error"),
    "DirectBack": ("update labels", 2, "output error"),
    "RandomTarget": ("labels", 1, "label"),
    "Readouts": ("labels", 1, "label"),
    "Reward": ("update labels", 2, "loss"),
    "Within": ("", 1, ""),
    "Oja": ("", 1, ""),
    "OtherSamples": ("", 1, ""),
    "TwoPasses": ("labels", 2, ""),
    "Settling": ("update labels settles", 2, ""),
    "Mirror": ("backward update labels", 3, ""),
    "Late": ("backward update labels", 2, ""),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_rule_is_found_to_need_what_it_needs(name: str) -> None:
    words, phases, told = HONEST[name]
    found = card(name)
    assert flags(found) == set(words.split())
    assert found.phases == phases
    assert found.modulators == ((told,) if told else ())
    assert not found.declared


CHEATS = {
    "AroundTheVerbs": "transport backward update labels",
    "ByAutograd": "transport backward update labels",
    "ByAutogradOfTheNetwork": "transport backward update labels",
    "LeakyFeedback": "transport backward update labels",
    "Signs": "transport backward update labels",
    "LateCopy": "transport backward update labels",
    "CopyAtStart": "transport backward update labels",
    "AssignAtStart": "transport backward update labels",
    "MirrorCopy": "transport backward update labels",
    "SettlingTied": "transport update labels settles",
    "OjaSubspace": "transport",
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_is_caught(name: str) -> None:
    assert flags(card(name)) == set(CHEATS[name].split())
    assert "weight transport = False" in card(name).differs


def test_the_culprits_are_named() -> None:
    """The edge of reading and nothing else: who, whose."""
    back = {f"forward/{low} reads forward/{high}" for low, high in ((0, 1), (0, 2), (1, 2))}
    fed = {f"{one.replace('reads forward', 'reads backward')} (feedback synapses)" for one in back}
    assert set(card("ByAutograd").non_local_terms) == set(card("AroundTheVerbs").non_local_terms) == back
    assert set(card("ByAutogradOfTheNetwork").non_local_terms) == back
    assert set(card("Feedback").non_local_terms) == set(card("Settling").non_local_terms) == fed
    assert set(card("LeakyFeedback").non_local_terms) == back | fed
    assert set(card("SettlingTied").non_local_terms) == back
    assert {"backward/1 reads forward/1", "backward/2 reads forward/2"} <= set(card("AssignAtStart").non_local_terms)
    assert {"backward/1 reads forward/1", "backward/2 reads forward/2"} <= set(card("MirrorCopy").non_local_terms)
    assert card("Direct").non_local_terms == card("Within").non_local_terms == card("Oja").non_local_terms == ()
    assert card("DirectBack").non_local_terms == tuple(f"forward/{i} reads direct/{i} (feedback synapses)" for i in (0, 1))
    assert card("Readouts").non_local_terms == tuple(f"forward/{i} reads direct/{i} (outside the forward network)" for i in (0, 1))
    assert card("OjaSubspace").non_local_terms == tuple(f"forward/{i}: a synapse reads the weights of other cells" for i in (0, 1))


def test_each_layer_waits_for_what_it_waits_for() -> None:
    assert layer("Feedback", "forward/0").waits == "for a pass from above"
    assert layer("Feedback", "forward/1").waits == "for the top"
    assert layer("Feedback", "forward/2").waits == ""
    assert {layer("Direct", f"forward/{i}").waits for i in (0, 1)} == {"for the top"}
    assert {layer("Settling", f"forward/{i}").waits for i in (0, 1)} == {"for the network to settle"}


def test_signals_and_how_they_come() -> None:
    assert card("Feedback").global_signals == card("Settling").global_signals == ("output error",)
    assert card("Reward").global_signals == ("loss",)
    assert card("TwoPasses").global_signals == ("label",)
    assert layer("Feedback", "forward/0").broadcast == () and layer("Direct", "forward/0").broadcast == ("output error",)


def test_other_samples_of_the_batch() -> None:
    assert {layer("OtherSamples", f"forward/{i}").other_samples for i in (0, 1)} == {True}
    assert layer("OtherSamples", "forward/2").other_samples is False
    assert {layer("Feedback", f"forward/{i}").other_samples for i in (0, 1, 2)} == {False}
    assert layer("Within", "forward/0").other_samples is None  # dense changes have no rows
    assert {"forward/0 reads other samples of the batch", "forward/1 reads other samples of the batch"} == set(
        card("OtherSamples").non_local_terms
    )


def test_state_is_named() -> None:
    assert card("LateCopy").stored == ("forward/1/weight", "forward/2/weight") and card("Feedback").stored == ()


def test_weights_of_neighbours_do_not_read_as_those_of_another_layer() -> None:
    assert card("OjaSubspace").short() == "neighbours' weights" and card("OjaSubspace").neighbours_only
    assert not card("ByAutograd").neighbours_only and not card("Oja").neighbours_only
    assert "weight transport  yes, but of neighbours' weights alone" in as_text(card("OjaSubspace").table())


def test_a_few_words() -> None:
    assert card("Feedback").short() == "backward locking, needs labels"
    assert card("Direct").short() == "update locking, needs labels"
    assert card("SettlingTied").short() == "weight transport, update locking (settles), needs labels"
    assert card("OtherSamples").short() == "other samples" and card("Oja").short() == "local"


STATIC = [name for name in registry.NEURONS.names() if not registry.NEURONS.get(name).spiking and name not in ("step", "sign", "ising")]


@pytest.mark.parametrize("neuron", STATIC)
def test_autograd_goes_through_every_neuron(neuron: str) -> None:
    """The default one among them; autograd knows no slope of binary units (an Ising unit without noise is one)."""
    assert card_of({"neuron": neuron}, rule=f"{FILE}:ByAutogradOfTheNetwork").weight_transport
