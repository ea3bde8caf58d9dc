"""Forward-Forward: each layer's change against autograd of its own loss, and what must not reach it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from rule_kit import learn_once
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.rectified import Relu
from bioplaus.rules.ff import ForwardForward, ForwardForwardConfig, normalised, with_code
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock, Learned, View

CLASSES, SIZE = 4, 6


def make(**settings: object) -> ForwardForward:
    return ForwardForward(ForwardForwardConfig(**settings))  # type: ignore[arg-type]


def mlp(*hidden: int) -> Network:
    return Mlp.build(MlpConfig(hidden=list(hidden or (9, 8)), bias=True, init_scale=4), (7,), (CLASSES,), Relu())


def cnn() -> Network:
    return Cnn5.build(Cnn5Config(channels=[3, 5], bias=True, init_scale=4), (2, 8, 8), (CLASSES,), Relu())


def view_of(rule: ForwardForward, network: Network) -> View:
    draw, streams = torch.Generator().manual_seed(1), Streams((3, 8), dtype=torch.float64)
    params, buffers = rule.build(network)["forward"].draw(streams)
    params = {key: value + 0.1 if key.endswith("bias") else value for key, value in params.items()}
    x = torch.randn(2, SIZE, *network.in_shape, generator=draw, dtype=torch.float64)
    y = torch.randint(CLASSES, (2, SIZE), generator=draw)
    return View({"forward": network}, params, buffers, {}, Batch(x, y), Clock(), streams, Classification(CLASSES))


def all_changes(rule: ForwardForward, view: View) -> tuple[dict[str, Tensor], Learned]:
    """The changes of all groups together."""
    run, found = rule.learn(view), {}
    while True:
        try:
            found |= {key: change.dense() for key, change in next(run).changes.items()}
        except StopIteration as end:
            return found, end.value


def labelled(x: Tensor, labels: Tensor) -> Tensor:
    """One sample after another: the first K values become the sample's smallest value, that of the label its largest."""
    found = x.clone()
    for sample, own, label in zip(found, x, labels):
        flat = sample.view(-1)
        flat[:CLASSES] = own.min()
        flat[label] = own.max()
    return found


def goodness(leaves: dict[str, Tensor], i: int, h: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """Activity and goodness of layer i, its input taken as a constant."""
    h = h.detach()
    u = h / (h.flatten(1).norm(dim=1).view(-1, *[1] * (h.dim() - 1)) + 1e-4)
    w, b = leaves[f"forward/{i}/weight"], leaves[f"forward/{i}/bias"]
    out = F.max_pool2d(F.conv2d(u, w, b, padding=1).relu(), 2) if w.dim() == 4 else F.linear(u, w, b).relu()
    squares = out.flatten(1).square()
    return out, squares.mean(1) if kind == "mean" else squares.sum(1)


@pytest.mark.parametrize("kind", ["mean", "sum"])
@pytest.mark.parametrize("network", [mlp, cnn], ids=["mlp", "conv"])
def test_each_layer_goes_down_its_own_loss(network: object, kind: str) -> None:
    rule = make(goodness=kind, theta=0.3)
    view = view_of(rule, network())  # type: ignore[operator]
    wanted, learned = learn_once(rule, view)
    wrong = rule._wrong(view)
    assert (wrong != view.batch.y).all() and len(wrong.unique()) > 1
    for r in range(2):
        leaves = {key: value[r].clone().requires_grad_() for key, value in view.params.items()}
        good, bad = labelled(view.batch.x[r], view.batch.y[r]), labelled(view.batch.x[r], wrong[r])
        total = 0.0
        for i, layer in enumerate(view.networks["forward"].layers[:-1]):
            (good, g), (bad, n) = (goodness(leaves, i, h, kind) for h in (good, bad))
            theta = 0.3 * (math.prod(layer.out_shape) if kind == "sum" else 1)
            loss = F.softplus(theta - g).mean() + F.softplus(n - theta).mean()
            keys = [f"forward/{i}/weight", f"forward/{i}/bias"]
            for key, grad in zip(keys, torch.autograd.grad(loss, [leaves[key] for key in keys], retain_graph=True)):
                assert grad.abs().max() > 1e-4
                torch.testing.assert_close(wanted.changes[key].dense()[r], -grad, rtol=0, atol=1e-10)
            total += loss.item()
        assert learned.metrics["loss"][r].item() == pytest.approx(total, rel=1e-12)
    assert set(wanted.changes) == set(rule.groups(view.networks)["forward"].leaves)


def test_no_change_depends_on_a_layer_above() -> None:
    rule = make()
    view = view_of(rule, mlp(9, 8, 7))
    before, _ = learn_once(rule, view)
    for above in range(1, 4):
        moved = {key: value + 1 if int(key.split("/")[1]) >= above else value for key, value in view.params.items()}
        after, _ = learn_once(rule, replace(view, params=moved))
        for key in before.changes:
            same = torch.equal(before.changes[key].dense(), after.changes[key].dense())
            assert same is (int(key.split("/")[1]) < above)


@pytest.mark.parametrize("kind", ["mean", "sum"])
def test_goodness_at_the_threshold_costs_two_ln_two_per_layer(kind: str) -> None:
    """Weights of zero and a bias of sqrt(theta) in every cell: each layer's goodness is theta whatever the label."""
    rule = make(theta=0.49, goodness=kind)
    view = view_of(rule, mlp())
    at_threshold = {
        key: torch.full_like(value, 0.7 if key.endswith("bias") else 0.0) for key, value in view.params.items()
    }
    _, learned = learn_once(rule, replace(view, params=at_threshold))
    torch.testing.assert_close(
        learned.metrics["loss"], torch.full((2,), 4 * math.log(2), dtype=torch.float64), rtol=1e-12, atol=0
    )


def test_only_the_direction_of_an_activity_goes_on() -> None:
    h = torch.rand(2, 3, 4, 5, 5, dtype=torch.float64) + 1
    u = normalised(h)
    # what is left of the length is the 1e-4 in its denominator
    torch.testing.assert_close(normalised(h * 50), u, rtol=1e-4, atol=0)
    torch.testing.assert_close(u.flatten(2).norm(dim=-1), torch.ones(2, 3, dtype=torch.float64), rtol=1e-4, atol=0)
    assert not normalised(torch.zeros(1, 1, 3)).any()


@pytest.mark.parametrize(("hidden", "counted"), [((9, 8, 7), (1, 2)), ((9,), (0,))])
def test_prediction_sums_goodness_over_all_layers_but_the_first(
    hidden: tuple[int, ...], counted: tuple[int, ...]
) -> None:
    rule = make()
    view = view_of(rule, mlp(*hidden))
    scores = rule.predict(view)
    assert scores.shape == (2, SIZE, CLASSES)
    for r in range(2):
        leaves = {key: value[r] for key, value in view.params.items()}
        for label in range(CLASSES):
            h, total = labelled(view.batch.x[r], torch.full((SIZE,), label)), torch.zeros(SIZE, dtype=torch.float64)
            for i in range(len(hidden)):
                h, g = goodness(leaves, i, h, "mean")
                total += g if i in counted else 0
            torch.testing.assert_close(scores[r, :, label], total, rtol=1e-12, atol=1e-14)


def test_prediction_in_parts_is_the_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = make()
    view = view_of(rule, cnn())
    whole = rule.predict(view)
    monkeypatch.setattr("bioplaus.rules.ff.ROWS", 2 * SIZE)
    torch.testing.assert_close(rule.predict(view), whole, rtol=1e-12, atol=1e-14)


def test_hard_negatives_are_the_wrong_labels_of_most_goodness() -> None:
    rule = make(negatives="hard")
    view = view_of(rule, mlp())
    wrong, scores = rule._wrong(view), rule.predict(view)
    for r in range(2):
        for b in range(SIZE):
            others = [(float(scores[r, b, k]), k) for k in range(CLASSES) if k != view.batch.y[r, b]]
            assert wrong[r, b] == max(others)[1]


@pytest.mark.parametrize(("skip", "seen"), [(0, (0, 1)), (1, (1,)), (5, (1,))])
def test_the_softmax_reads_directions_of_an_input_without_label(skip: int, seen: tuple[int, ...]) -> None:
    rule = make(predict="softmax", label=2.0, skip=skip)
    view = view_of(rule, mlp())
    readers = {0: "readout/0/weight", 1: "forward/2/weight"}
    networks = rule.build(view.networks["forward"])
    draw = torch.Generator().manual_seed(4)
    extra = {
        key: torch.randn(2, *leaf.shape, generator=draw, dtype=torch.float64)
        for net in networks.values()
        for key, leaf in net.leaves.items()
    }
    view = replace(view, networks=networks, params={**extra, **view.params})
    changes, learned = all_changes(rule, view)
    assert set(changes) == {key for net in networks.values() for key in net.leaves}
    out = rule.predict(view)
    for r in range(2):
        leaves = {key: value[r].clone().requires_grad_() for key, value in view.params.items()}
        h = with_code(view.batch.x[r : r + 1], torch.full((1, 1, CLASSES), 2 / CLASSES, dtype=torch.float64))[0]
        scores = leaves["forward/2/bias"].expand(SIZE, CLASSES)
        for i in range(2):
            h, _ = goodness(leaves, i, h, "mean")
            if i in seen:
                u = (h / (h.norm(dim=1, keepdim=True) + 1e-4)).detach()
                scores = scores + F.linear(u, leaves[readers[i]])
        torch.testing.assert_close(out[r], scores.detach(), rtol=1e-12, atol=1e-14)
        loss = F.cross_entropy(scores, view.batch.y[r])
        keys = [readers[i] for i in seen]
        for key, grad in zip(keys, torch.autograd.grad(loss, [leaves[key] for key in keys])):
            torch.testing.assert_close(changes[key][r], -grad, rtol=0, atol=1e-12)
        assert learned.metrics["loss"][r].item() == pytest.approx(loss.item(), rel=1e-12)


@pytest.mark.parametrize("network", [mlp, cnn], ids=["mlp", "conv"])
def test_a_label_beside_the_input_has_synapses_that_go_down_the_same_loss(network: object) -> None:
    rule = make(label_place="beside", label=1.5, theta=0.3)
    net = network()  # type: ignore[operator]
    view = view_of(rule, net)
    networks = rule.build(net)
    draw = torch.Generator().manual_seed(4)
    told = {
        key: torch.randn(2, *leaf.shape, generator=draw, dtype=torch.float64)
        for key, leaf in networks["label"].leaves.items()
    }
    view = replace(view, networks=networks, params={**view.params, **told})
    changes, _ = all_changes(rule, view)
    wrong, first = rule._wrong(view), net.layers[0]
    for r in range(2):
        w, b, v = (view.params[key][r].clone().requires_grad_() for key in (first.weight, first.bias, "label/0/weight"))
        x = view.batch.x[r]
        u = x / (x.flatten(1).norm(dim=1).view(-1, *[1] * (x.dim() - 1)) + 1e-4)
        loss = torch.zeros((), dtype=torch.float64)
        for labels, sign in ((view.batch.y[r], 1), (wrong[r], -1)):
            from_label = 1.5 * v.mT[labels]
            if w.dim() == 4:
                out = F.max_pool2d((F.conv2d(u, w, b, padding=1) + from_label[..., None, None]).relu(), 2)
            else:
                out = (F.linear(u, w, b) + from_label).relu()
            loss = loss + F.softplus(sign * (0.3 - out.flatten(1).square().mean(1))).mean()
        for key, grad in zip((first.weight, first.bias, "label/0/weight"), torch.autograd.grad(loss, (w, b, v))):
            assert grad.abs().max() > 1e-4
            torch.testing.assert_close(changes[key][r], -grad, rtol=0, atol=1e-10)


def test_wrong_labels_read_off_the_prediction_are_declared_as_locking() -> None:
    assert make(negatives="hard").statement().update_locking and not make().statement().update_locking


def test_what_it_cannot_do_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"network\.hidden"):
        make().build(Mlp.build(MlpConfig(hidden=[]), (7,), (CLASSES,), Relu()))
    with pytest.raises(ConfigError, match="nothing would be left"):
        make().build(Mlp.build(MlpConfig(hidden=[5]), (4,), (CLASSES,), Relu()))
