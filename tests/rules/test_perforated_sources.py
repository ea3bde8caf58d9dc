"""Where the error of perforated dendrites may come from: which rules can be wrapped, bidirectional propagation, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from perforated_kit import Drive, data, make, mlp, network_arrays
from torch import Tensor

from bioplaus import registry
from bioplaus.errors import BioplausError, ConfigError
from bioplaus.feed import Feed
from bioplaus.rules.perforated import Perforated
from bioplaus.rules.perforated_state import DENDRITES, NEURONS, dendrites_of
from bioplaus.tasks import Regression
from bioplaus.world import Model

N = P = 3
DOCS = Path(__file__).resolve().parents[2] / "docs" / "perforated.md"


def pixels(rows: int = 24) -> Feed:
    """Inputs in (0, 1), which a generator wants."""
    plain = data(rows=rows)
    return Feed(plain.x.sigmoid(), plain.y)


def in_dendrite_phase(source: str) -> Drive:
    run = Drive(make((0, 1), error_source=source), pixels()).go(2 * N + P)
    assert run.world.state["phase"].tolist() == [DENDRITES] * 2 and run.world.state["K"].tolist() == [1, 1]
    return run


def slopes(run: Drive) -> dict[str, Tensor]:
    """dL_p/dz of every neuron by autograd, dendrites blocked as perforation has it, with a sum that every pattern adds to by itself."""
    seen = run.seen()
    x, found = seen.batch.x.expand(2, -1, -1), {}
    sums: dict[str, Tensor] = {}
    for layer in run.model.networks["forward"].layers:
        one = layer.dendrites
        assert one is not None and layer.bias is not None
        z = x @ seen.params[layer.weight].mT + seen.params[layer.bias].unsqueeze(1)
        hidden = x.detach() @ seen.params[one.v][:, 0].mT + seen.params[one.c][:, 0].unsqueeze(1)
        z = (z + seen.params[one.u][:, 0].unsqueeze(1) * hidden.sigmoid()).requires_grad_()
        sums[layer.name] = z
        x = z.tanh()
    z = sums["forward/2"]
    loss = -(z.log_softmax(-1) * torch.nn.functional.one_hot(seen.batch.y, 3)).sum()
    for name, grad in zip(sums, torch.autograd.grad(loss, list(sums.values()))):
        found[name] = grad
    return found


@pytest.mark.parametrize("source", ["bp", "bidirectional", "han"])
def test_the_error_of_a_neuron_is_the_slope_of_its_patterns_loss(source: str) -> None:
    """The generator's step comes after the classifier's in a batch and must not be taken for it."""
    run = in_dendrite_phase(source)
    expected = slopes(run)
    heard = run.model.rule.heard(run.seen())  # type: ignore[attr-defined]
    assert heard.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(heard[name].error, value, rtol=1e-9, atol=1e-12)


def test_dendrites_belong_to_the_way_up() -> None:
    """The generator has none: what it generates depends on W and its own biases alone."""
    run = in_dendrite_phase("bidirectional")
    generator = run.model.networks["generator"]
    assert not any("dendrites" in key for key in generator.leaves)
    codes = torch.eye(3, dtype=torch.float64).unsqueeze(0)
    made = generator.forward(run.world.params, codes).out
    x = codes
    for i, layer in enumerate(reversed(run.model.networks["forward"].layers)):
        x = x @ run.world.params[layer.weight] + run.world.params[f"generator/{i}/bias"].unsqueeze(1)
        x = x if i == 2 else x.tanh()
    torch.testing.assert_close(made, x, rtol=1e-10, atol=1e-12)


def test_both_directions_rest_while_dendrites_grow_and_learn_when_they_have_grown() -> None:
    run = Drive(make((0, 1), error_source="bidirectional"), pixels()).go(3 * N + 2 * P)
    ways = ("forward/1/weight", "generator/1/bias", "forward/1/bias")
    for epoch in range(2, 3 * N + 2 * P + 1):
        before, after = run.after[epoch - 1], run.before[epoch]
        same = [torch.equal(value, after.params[key]) for key, value in network_arrays(before).items()]
        if int(before.state["phase"][0]) == DENDRITES:
            assert all(same)
        elif int(before.state["phase"][0]) == NEURONS:
            assert all(not torch.equal(before.params[key], after.params[key]) for key in ways)
    for one in dendrites_of(run.seen()).values():
        assert one.count(run.world.params) == 2


def test_what_a_source_looks_at_before_the_first_batch_is_handed_on() -> None:
    feed = pixels()
    run = Drive(make((0,), error_source="bidirectional"), feed).start()
    mean = torch.stack([feed.x[feed.y == k].mean(0) for k in range(3)])
    torch.testing.assert_close(run.world.state["source/class_mean"][0], mean, rtol=1e-12, atol=1e-12)
    with pytest.raises(ConfigError, match="generates pixels in 0..1.*data.standardise=none"):
        Drive(make((0,), error_source="bidirectional"), data()).start()


def test_without_a_switch_bidirectional_is_itself_bit_for_bit() -> None:
    run = Drive(make((0, 1), error_source="bidirectional", switch_mode="none"), pixels(), 8).go(4)
    rule = registry.RULES.get("bidirectional")(registry.RULES.get("bidirectional").Config(lr=0.02))
    networks = rule.build(mlp())
    groups = rule.groups(networks)
    rates = {name: torch.full((2,), float(g.rate), dtype=torch.float64) for name, g in groups.items()}
    plain = Model(rule, networks, groups, rates, run.model.plasticity, run.model.task, run.model.streams)
    bare = Drive(plain, pixels(), 8).go(4)
    assert all(torch.equal(value, run.world.params[key]) for key, value in bare.world.params.items())


def test_a_source_for_classes_is_refused_on_a_network_that_copies_its_inputs() -> None:
    model = make((0,), mlp((5, 3, 5)), error_source="bidirectional")
    model = Model(model.rule, model.networks, model.groups, model.rates, model.plasticity, Regression(), model.streams)
    feed = pixels()
    with pytest.raises(ConfigError, match="rule.error_source=bidirectional needs classes"):
        Drive(model, Feed(feed.x, feed.x)).start()


def listed(word: str) -> set[str]:
    """Return the rules that a line of the documentation names."""
    (line,) = (line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {word}"))
    return set(re.findall(r"`(\w+)`", line.split("|")[2]))


def works(source: str, where: str) -> bool:
    try:
        run = Drive(make((0,), error_source=source, where=where), pixels(), 24, 20).go(N + P + 1)
    except BioplausError:
        return False
    assert isinstance(run.model.rule, Perforated) and int(run.world.state["K"]) == 1
    return True


@pytest.mark.skipif(not DOCS.is_file(), reason="the documentation is in the checkout only")
@pytest.mark.parametrize("source", registry.RULES.names())
def test_the_documentation_says_which_rules_can_be_wrapped(source: str) -> None:
    """By trying: a dendrite phase long enough to install one dendrite per neuron."""
    if source == "perforated":
        return
    if works(source, "all"):
        assert source in listed("all layers"), source
    else:
        assert (source in listed("output layer")) == works(source, "output"), source
        assert source not in listed("all layers")
