"""The control: gradients of the output layer alone, nothing wanted below it."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.networks.convolutional import Cnn5, Cnn5Config
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Tanh
from bioplaus.rules.top import TopConfig, TopLayer
from bioplaus.streams import Streams
from bioplaus.tasks import Classification
from bioplaus.view import Batch, Clock, View


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_only_the_output_layer_wants_its_gradient(kind: str) -> None:
    if kind == "mlp":
        network = Mlp.build(MlpConfig(hidden=[6, 5], bias=True, norm="batch"), (7,), (4,), Tanh())
    else:
        network = Cnn5.build(Cnn5Config(channels=[3, 5], bias=True, norm="batch"), (2, 8, 8), (4,), Tanh())
    streams = Streams((3, 8), dtype=torch.float64)
    params, buffers = network.draw(streams)
    x, y = randn(1, 6, *network.in_shape), torch.tensor([[0, 1, 2, 3, 3, 0]])
    view = View({"forward": network}, params, buffers, {}, Batch(x, y), Clock(), streams, Classification(4))
    run = TopLayer().learn(view)
    wanted = next(run)
    with pytest.raises(StopIteration) as end:
        next(run)
    assert wanted.group == "forward" and set(wanted.changes) == {"forward/2/weight", "forward/2/bias"}
    features = network.forward(params, x, buffers, train=True).traces[1].out.flatten(2)
    for r in range(2):
        w, b = (params[f"forward/2/{leaf}"][r].clone().requires_grad_() for leaf in ("weight", "bias"))
        loss = F.cross_entropy(F.linear(features[r], w, b), y[0])
        for key, grad in zip(("weight", "bias"), torch.autograd.grad(loss, [w, b])):
            torch.testing.assert_close(wanted.changes[f"forward/2/{key}"].dense()[r], -grad, rtol=1e-10, atol=1e-12)
        assert end.value.value.metrics["loss"][r].item() == pytest.approx(loss.item(), rel=1e-12)
    assert set(end.value.value.running) == set(buffers)


def test_group_holds_the_output_layer_alone() -> None:
    network = Mlp.build(MlpConfig(hidden=[6] * 11, bias=True, dendrites=True), (7,), (4,), Tanh())
    groups = TopLayer(TopConfig(lr=0.3)).groups({"forward": network})
    assert list(groups) == ["forward"] and groups["forward"].rate == 0.3
    assert set(groups["forward"].leaves) == {"forward/11/weight", "forward/11/bias", "forward/11/dendrites/u"}
    assert not TopLayer.plausibility.weight_transport
