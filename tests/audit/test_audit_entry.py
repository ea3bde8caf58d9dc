"""`bioplaus audit` and `card_of`: what is printed, rules of other people, networks of other kinds, and what is refused in one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from driving import command

from bioplaus import config, registry
from bioplaus.audit import card_of

FILE = Path(__file__).with_name("audited_rules.py")
BOOLEANS = ("weight_transport", "backward_locking", "update_locking", "needs_labels")


def test_json_holds_the_card() -> None:
    answer = command("audit", "rule=bp", "--json")
    assert answer.code == 0 and answer.err == "" and answer.out.count("\n") == 1
    found = json.loads(answer.out)
    assert found["rule"] == "bp" and all(found[name] is True for name in BOOLEANS)
    assert found["phases"] == 2 and found["global_signals"] == ["output error"]
    assert found["non_local_terms"] == ["forward/0 reads forward/1", "forward/0 reads forward/2", "forward/1 reads forward/2"]
    assert [one["layer"] for one in found["per_layer"]] == ["forward/0", "forward/1", "forward/2"]
    assert found["per_layer"][0]["reads_forward"] == ["forward/1", "forward/2"]


def test_json_of_a_rule_that_needs_nothing_is_false_and_empty() -> None:
    found = json.loads(command("audit", "--json", "rule=top").out)
    assert all(found[name] is False for name in BOOLEANS) and found["phases"] == 1
    assert found["non_local_terms"] == found["global_signals"] == found["differs"] == []


def test_table_is_for_readers() -> None:
    out = command("audit", "rule=bp").out
    for part in ("audit of bp on mlp 7-5", "for a pass from above", "weight transport  yes", "backward locking  yes", "forward/1, forward/2"):
        assert part in out
    assert "- forward/0 reads forward/2" in out


def test_a_rule_of_a_file(tmp_path: Path) -> None:
    known = registry.RULES.names()
    found = json.loads(command("audit", f"rule={FILE}:Feedback", "--json").out)
    assert found["rule"] == f"{FILE}:Feedback" and found["backward_locking"] and not found["weight_transport"]
    assert registry.RULES.names() == known and "_audited_audited_rules" not in sys.modules
    alone = tmp_path / "mine.py"
    alone.write_text("from bioplaus.rules.top import TopLayer\n\nclass Mine(TopLayer):\n    '''Mine.'''\n")
    assert json.loads(command("audit", f"rule={alone}", "--json").out)["update_locking"] is False


@pytest.mark.parametrize(
    ("text", "wanted", "says"),
    [
        ("x = 1\n", "", "holds no rule; write rule="),
        ("x = 1\n", ":Mine", "holds no rule 'Mine'. It holds: none"),
        ("import no_such_module\n", ":Mine", "cannot be run: ModuleNotFoundError: No module named 'no_such_module'"),
        ("from bioplaus.rules.bp import Backprop\nclass Mine(Backprop): ...\n", ":Mint", "did you mean 'Mine'?"),
        ("from bioplaus.rules.bp import Backprop\nclass A(Backprop): ...\nclass B(Backprop): ...\n", "", "holds A, B; write rule="),
        ("def broken(:\n", ":Mine", "cannot be run: SyntaxError"),
    ],
)
def test_a_file_without_the_rule(text: str, wanted: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    answer = command("audit", f"rule={file}{wanted}")
    assert answer.code == 2 and answer.out == "" and answer.err.count("\n") == 1 and says in answer.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "audit needs a rule"),
        (("rule=no_such",), "unknown rule 'no_such'"),
        (("rule=no/such/file.py:Mine",), "rule file no/such/file.py does not exist"),
        (("rule=bp", "network.hiden=[3]"), "did you mean 'network.hidden'?"),
        (("rule=ccl", "rule.loss=maps"), "network=autoencoder"),
        (("rule=bp", "network=cnn5", "data=synthetic"), "images"),
    ],
)
def test_bad_input_is_told_in_one_line(words: tuple[str, ...], says: str) -> None:
    answer = command("audit", *words)
    assert answer.code == 2 and answer.out == "" and answer.err.count("\n") == 1 and says in answer.err


def test_a_rule_that_is_not_the_same_twice_is_not_judged() -> None:
    answer = command("audit", f"rule={FILE}:Unsteady")
    assert answer.code == 1 and "two equal replays differ" in answer.err and answer.err.count("\n") == 1


def test_numbers_that_are_not_finite_are_not_judged() -> None:
    answer = command("audit", "rule=bp", "rule.lr=1e300", "plasticity.clip=none")
    assert answer.code == 1 and "not finite; try a lower rule.lr" in answer.err


def test_one_hidden_layer_does_not_show_a_pass() -> None:
    """FA and DFA are the same there: what cannot be measured is taken over from the rule and marked."""
    for rule, locked in (("bp", True), ("dfa", False)):
        found = card_of({"network.hidden": [6]}, rule=rule)
        assert found.update_locking and found.backward_locking is locked
        assert set(found.declared) == {"backward_locking", "modulators"} and "one hidden layer" in found.declared["backward_locking"]
    assert not card_of({"network.hidden": []}, rule="bp").update_locking
    assert not card_of({"network.hidden": [6]}, rule="top").declared


def test_convolutions() -> None:
    """Small where the user does not say how large."""
    small, wide = card_of({"network": "cnn5"}, rule="bp"), card_of({"network": "cnn5", "network.channels": [2, 2, 3]}, rule="fa")
    assert (small.network, small.short()) == ("cnn5 3-4", "weight transport, backward locking, needs labels")
    assert (wide.network, wide.short()) == ("cnn5 2-2-3", "backward locking, needs labels")


def test_weights_of_nothing_are_no_phase_of_their_own() -> None:
    """The autoencoder's ends start at zero, so that they send the same whatever the batch."""
    found = card_of({"network": "autoencoder"}, rule="bp")
    assert found.phases == 2 and not found.differs


def test_a_rule_of_a_file_that_fails_says_how(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from bioplaus.rules.bp import Backprop\nclass Mine(Backprop):\n    def learn(self, view):\n        yield view.nothing\n")
    answer = command("audit", f"rule={file}")
    assert answer.code == 1 and answer.err.count("\n") == 1 and "failed: AttributeError: 'View' object has no attribute 'nothing'" in answer.err
    assert "Traceback" in command("audit", f"rule={file}", "--debug").err


def test_what_the_run_adds_is_named() -> None:
    found = card_of({"plasticity.clip": "per_network", "network.norm": "batch"}, rule="fa")
    assert found.global_signals == (
        "output error",
        "norm of all changes (plasticity.clip=per_network)",
        "statistics of the batch (network.norm=batch)",
    )
    assert all(one.other_samples for one in found.per_layer if one.layer in ("forward/0", "forward/1"))
    assert "other samples" in found.short()


def test_settings_of_a_run_are_audited_as_they_are() -> None:
    settings = config.resolve({"rule": "dfa", "data": "digits", "network.hidden": [9, 8, 7], "seeds": 3})
    found = card_of(settings)
    assert found.network == "mlp 9-8-7" and found.short() == "update locking, needs labels" and not found.differs


def test_nothing_is_left_behind() -> None:
    """Threads, random numbers and the answer itself are the same afterwards, and a second audit says the same."""
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    one, two = card_of(rule="fa"), card_of(rule="fa")
    assert one == two
    assert torch.get_num_threads() == threads and torch.equal(torch.get_rng_state(), state)
