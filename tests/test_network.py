"""Networks as chains, packs of replicas, and mirrors of chains that no preset has."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bioplaus.connections import Connection, Conv2dConnection, DenseConnection
from bioplaus.errors import ConfigError
from bioplaus.layer import Layer
from bioplaus.leaves import Init
from bioplaus.network import Network
from bioplaus.networks.convolutional import Lenet, LenetConfig
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.rectified import Relu
from bioplaus.neurons.smooth import Elu, Identity, Tanh
from bioplaus.norm import BatchNorm
from bioplaus.operations import Flatten, MaxPool, Upsample
from bioplaus.streams import Streams


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def odd_chain() -> Network:
    """Asymmetric stride, rounding stride, rounding pool, upsampling and a flatten: everything a mirror has to undo."""
    layers: list[Layer] = []

    def add(connection: Connection, **options: object) -> None:
        layers.append(Layer(f"forward/{len(layers)}", connection, Tanh(), **options))  # type: ignore[arg-type]

    add(Conv2dConnection((2, 28, 33), 3, kernel=5, stride=2))  # 14 x 17
    add(Conv2dConnection((3, 14, 17), 4, kernel=3, stride=3, padding=1))  # 5 x 6
    add(Conv2dConnection((4, 5, 6), 3, kernel=3, padding=0), after=[MaxPool(2)])  # 3 x 4, then 1 x 2
    add(Conv2dConnection((3, 2, 4), 5, kernel=3, padding=1), before=[Upsample(2)])  # 2 x 4
    add(Conv2dConnection((5, 6, 12), 2, kernel=5, padding=2), before=[Upsample(3)])  # 6 x 12
    add(Conv2dConnection((2, 6, 12), 2, kernel=3, stride=2), after=[MaxPool(3)])  # 3 x 6, then 1 x 2
    add(DenseConnection((4,), (7,)), before=[Flatten((2, 1, 2))])
    add(DenseConnection((7,), (4,)))
    return Network("forward", (2, 28, 33), layers)


def test_forward_of_a_perceptron() -> None:
    network = Mlp.build(MlpConfig(hidden=[6, 5], bias=True), (2, 2, 3), (4,), Elu())
    params, buffers = network.draw(Streams((1, 2), dtype=torch.float64))
    params = {key: value + 0.1 * randn(*value.shape) for key, value in params.items()}  # biases too
    x = randn(2, 3, 2, 2, 3, seed=1)
    run = network.forward(params, x, buffers)
    for r in range(2):
        h = x[r].flatten(1)
        for i in range(3):
            h = F.linear(h, params[f"forward/{i}/weight"][r], params[f"forward/{i}/bias"][r])
            h = F.elu(h) if i < 2 else h
            torch.testing.assert_close(run.traces[i].out[r], h, rtol=1e-12, atol=1e-12)
    assert run.out is run.traces[-1].out and run.running == {} and network.out_shape == (4,)


@pytest.mark.parametrize(("size", "padding"), [(28, 2), (32, 0)])
def test_forward_of_lenet(size: int, padding: int) -> None:
    network = Lenet.build(LenetConfig(channels=[2, 3], hidden=[6, 5]), (1, size, size), (4,), Relu())
    params, buffers = network.draw(Streams((1,), dtype=torch.float64))
    params = {key: value + 0.1 * randn(*value.shape) for key, value in params.items()}
    x = randn(1, 2, 1, size, size, seed=1)
    w = {key: value[0] for key, value in params.items()}
    h = F.conv2d(x[0], w["forward/0/weight"], w["forward/0/bias"], padding=padding)
    h = F.max_pool2d(F.relu(h), 2)
    h = F.max_pool2d(F.relu(F.conv2d(h, w["forward/1/weight"], w["forward/1/bias"])), 2).flatten(1)
    h = F.relu(F.linear(h, w["forward/2/weight"], w["forward/2/bias"]))
    h = F.relu(F.linear(h, w["forward/3/weight"], w["forward/3/bias"]))
    h = F.linear(h, w["forward/4/weight"], w["forward/4/bias"])
    torch.testing.assert_close(network.forward(params, x, buffers).out[0], h, rtol=1e-12, atol=1e-12)


def test_training_reads_the_batch_and_hands_new_means_back() -> None:
    network = Mlp.build(MlpConfig(hidden=[6], norm="batch"), (5,), (4,), Tanh())
    params, buffers = network.draw(Streams((1,), dtype=torch.float64))
    x = 3 + randn(1, 8, 5)
    w, v = params["forward/0/weight"][0], params["forward/1/weight"][0]
    mean, variance = torch.zeros(6).double(), torch.ones(6).double()
    train = torch.tanh(F.batch_norm(F.linear(x[0], w), mean, variance, training=True)) @ v.T
    run = network.forward(params, x, buffers, train=True)
    torch.testing.assert_close(run.out[0], train, rtol=1e-10, atol=1e-10)
    assert set(run.running) == set(buffers) == {"forward/0/norm/mean", "forward/0/norm/variance"}
    torch.testing.assert_close(run.running["forward/0/norm/mean"][0], mean, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(run.running["forward/0/norm/variance"][0], variance, rtol=1e-12, atol=1e-12)
    assert not buffers["forward/0/norm/mean"].any()
    later = network.forward(params, x, run.running)
    torch.testing.assert_close(
        later.out[0], torch.tanh(F.batch_norm(F.linear(x[0], w), mean, variance)) @ v.T, rtol=1e-10, atol=1e-10
    )
    assert later.running == {}


def test_mirror_of_an_odd_chain_meets_it_at_every_depth() -> None:
    forward = odd_chain()
    feedback = forward.mirror("feedback", Identity())
    streams = Streams((1, 2), dtype=torch.float64)
    up = forward.forward(forward.draw(streams)[0], randn(2, 3, 2, 28, 33))
    down = feedback.forward(feedback.draw(streams)[0], randn(2, 3, 4))
    depth = len(forward.layers)
    assert up.out.shape == (2, 3, 4) and down.out.shape == (2, 3, 2, 28, 33)
    for level in range(1, depth):
        assert up.traces[level - 1].out.shape == down.traces[depth - 1 - level].out.shape
    assert feedback.in_shape == forward.out_shape and feedback.out_shape == forward.in_shape
    for i, layer in enumerate(feedback.layers):  # declared shapes are the real ones, kernels keep their size
        assert layer.out_shape == down.traces[i].out.shape[2:] and layer.name == f"feedback/{i}"
        post, pre, *kernel = forward.layers[depth - 1 - i].connection.weight_shape
        assert layer.connection.weight_shape == (pre, post, *kernel)
    # a stride is undone to the size it started from, so that positions of the two networks lie over each other
    assert [layer.connection.in_shape for layer in feedback.layers[-2:]] == [(4, 14, 17), (3, 28, 33)]


def test_mirror_takes_neuron_and_norm_from_the_population_it_lands_on() -> None:
    neurons = [Relu(), Tanh(), Elu()]
    widths, last = [5, 6, 7, 8], Identity()
    forward = Network(
        "forward",
        (5,),
        [
            Layer(
                f"forward/{i}",
                DenseConnection((widths[i],), (widths[i + 1],)),
                neurons[i],
                bias=i == 1,
                norm=BatchNorm(f"forward/{i}/norm", (widths[i + 1],), affine=i == 0) if i < 2 else None,
                init=Init("normal", 1.0 + i),
                mirror_init=Init("uniform", 10.0 + i),
            )
            for i in range(3)
        ],
    )
    feedback = forward.mirror("feedback", last)
    assert [layer.neuron for layer in feedback.layers] == [neurons[1], neurons[0], last]
    assert [layer.norm.affine if layer.norm else None for layer in feedback.layers] == [False, True, None]
    assert [layer.bias for layer in feedback.layers] == [None, "feedback/1/bias", None]
    assert [layer.init for layer in feedback.layers] == [Init("uniform", 10.0 + i) for i in (2, 1, 0)]
    assert [layer.init for layer in feedback.mirror("again", last).layers] == [Init("normal", 1.0 + i) for i in range(3)]
    assert all(key.startswith("feedback/") for key in [*feedback.leaves, *feedback.buffers])


def test_unknown_connection_has_no_mirror() -> None:
    class Odd(Connection):
        """A pattern that no rule of mirroring knows."""

        weight_shape = (1, 1)

        def send(self, w: Tensor, pre: Tensor) -> Tensor:
            return pre

        def give_back(self, w: Tensor, post: Tensor) -> Tensor:
            return post

        def correlate(self, pre: Tensor, post: Tensor) -> Tensor:
            return pre

    network = Network("forward", (1,), [Layer("forward/0", Odd((1,), (1,)), Tanh())])
    with pytest.raises(ConfigError, match="Odd has no mirror"):
        network.mirror("feedback", Tanh())
