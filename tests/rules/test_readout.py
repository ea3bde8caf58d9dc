"""The control: autograd of each local loss with its input cut off, isolation of layers, and the pair loss it is compared with."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.networks.autoencoder import Autoencoder, AutoencoderConfig
from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.rules.pairs import raw_pair
from bioplaus.rules.readout import Readout, ReadoutConfig
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock, Learned, View

SEEDS, CLASSES = (3, 8), 4


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def make(kind: str, hidden: tuple[int, ...] = (6, 5), **keys: Any) -> tuple[Readout, View]:
    """A rule and one batch of six samples; biases are moved off zero."""
    if kind == "mlp":
        network = Mlp.build(MlpConfig(hidden=list(hidden), bias=True), (7,), (CLASSES,), Tanh())
    else:
        network = Cnn5.build(Cnn5Config(channels=[3, 5], bias=True), (2, 8, 8), (CLASSES,), Tanh())
    rule, streams, params = Readout(ReadoutConfig(**keys)), Streams(SEEDS, dtype=torch.float64), {}
    networks = rule.build(network)
    for part in networks.values():
        params |= part.draw(streams)[0]
    params = {key: value + 0.05 if key.endswith("bias") else value for key, value in params.items()}
    batch = Batch(randn(1, 6, *network.in_shape), torch.tensor([[0, 1, 2, 3, 3, 0]]))
    return rule, View(networks, params, {}, {}, batch, Clock(), streams, Classification(CLASSES))


def learn(rule: Readout, view: View) -> tuple[dict[str, Tensor], Learned]:
    learning, found = rule.learn(view), {}
    while True:
        try:
            wanted = next(learning)
        except StopIteration as stop:
            return found, stop.value
        assert wanted.changes.keys() <= set(rule.groups(view.networks)[wanted.group].leaves)
        found |= {key: change.dense() for key, change in wanted.changes.items()}


def local_gradients(rule: Readout, view: View, r: int) -> tuple[dict[str, Tensor], float]:
    """Minus the gradient of the sum of local losses by autograd, every layer fed a detached input; and the sum over hidden layers."""
    p = {key: value[r].clone().requires_grad_() for key, value in view.params.items()}
    x, y, total, hidden = view.batch.x[0], view.batch.y[0], torch.zeros((), dtype=torch.float64), 0.0
    layers = view.networks["forward"].layers
    for i in range(len(layers)):
        w, b = p[f"forward/{i}/weight"], p[f"forward/{i}/bias"]
        last = i == len(layers) - 1
        z = F.linear(x.flatten(1), w, b) if w.dim() == 2 else F.conv2d(x, w, b, padding=1)
        h = z if last else torch.tanh(z)
        h = F.max_pool2d(h, 2) if w.dim() == 4 else h
        scores = h if last else F.linear(h.flatten(1), p[f"readout/{i}/weight"], p[f"readout/{i}/bias"])
        crossed = last or rule.config.loss == "cross_entropy"
        loss = F.cross_entropy(scores, y) if crossed else F.mse_loss(scores, F.one_hot(y, CLASSES).double())
        loss = loss if last else loss * rule.config.gain
        hidden += 0.0 if last else loss.item()
        total, x = total + loss, h.detach()
    return dict(zip(p, (-g for g in torch.autograd.grad(total, list(p.values()))))), hidden


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared"])
def test_every_change_is_the_gradient_of_its_own_local_loss(kind: str, loss: str) -> None:
    rule, view = make(kind, loss=loss, gain=1.7)
    found, learned = learn(rule, view)
    assert found.keys() == view.params.keys()
    for r in range(len(SEEDS)):
        expected, hidden = local_gradients(rule, view, r)
        for key, value in expected.items():
            torch.testing.assert_close(found[key][r], value, rtol=1e-10, atol=1e-12)
        assert learned.metrics["local_loss"][r].item() == pytest.approx(hidden, rel=1e-12)


def test_with_one_hidden_layer_and_gain_it_is_the_pair_of_counter_current_learning() -> None:
    """Readout weights in place of the codes b: ``c = lambda 256 / d`` of the pair loss is the gain here (raw_pair is tested by itself)."""
    width, weight = 6, 0.5 * 256 / 6
    rule, view = make("mlp", (width,), loss="squared", gain=weight)
    view.params["readout/0/bias"].zero_()
    found, learned = learn(rule, view)
    network = view.networks["forward"]
    run = network.forward(view.params, view.batch.x)
    match = F.one_hot(view.batch.y, CLASSES).double()
    loss, error, codes = raw_pair(run.traces[0].out, view.params["readout/0/weight"], match, weight)
    assert error is not None
    _, expected = network.layers[0].wanted(run.traces[0], error)
    torch.testing.assert_close(learned.metrics["local_loss"], loss, rtol=1e-12, atol=0)
    for key, change in expected.items():
        torch.testing.assert_close(found[key], change.dense(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(found["readout/0/weight"], codes, rtol=1e-10, atol=1e-12)


def test_other_layers_weights_move_nothing_while_activity_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    rule, view = make("mlp", (6, 5, 4))
    before, _ = learn(rule, view)
    network = view.networks["forward"]
    run = network.forward(view.params, view.batch.x)
    monkeypatch.setattr(Network, "forward", lambda self, *args, **keys: run)
    own = {f"{net}/1/{leaf}" for net in ("forward", "readout") for leaf in ("weight", "bias")}
    for key, value in view.params.items():
        if key not in own:
            value += 0.3
    after, _ = learn(rule, view)
    assert all(torch.equal(after[key], before[key]) for key in own)
    view.params["readout/1/weight"].add_(0.3)
    assert not torch.equal(learn(rule, view)[0]["forward/1/weight"], before["forward/1/weight"])


def test_one_readout_per_hidden_layer_with_a_rate_of_its_own() -> None:
    rule, view = make("mlp", lr=0.4, lr_readout=0.1)
    groups = rule.groups(view.networks)
    assert (groups["forward"].rate, groups["readout"].rate) == (0.4, 0.1)
    shapes = {key: tuple(value.shape[1:]) for key, value in view.params.items() if key.startswith("readout")}
    expected = {"readout/0/weight": (4, 6), "readout/0/bias": (4,), "readout/1/weight": (4, 5), "readout/1/bias": (4,)}
    assert shapes == expected and set(groups["readout"].leaves) == set(expected)


def test_without_hidden_layers_only_the_output_learns() -> None:
    rule, view = make("mlp", ())
    assert set(learn(rule, view)[0]) == {"forward/0/weight", "forward/0/bias"}


def test_a_network_that_returns_images_is_refused_with_what_to_use_instead() -> None:
    network = Autoencoder.build(AutoencoderConfig(channels=[3, 4]), (2, 8, 8), (2, 8, 8), Tanh())
    with pytest.raises(ConfigError, match="maps"):
        Readout().build(network)
