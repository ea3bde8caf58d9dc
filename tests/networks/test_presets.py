"""The presets: published shapes and counts, starts, mirrors that meet at every depth, packs that equal single runs."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bioplaus import registry
from bioplaus.config import resolve
from bioplaus.errors import ConfigError
from bioplaus.network import Network
from bioplaus.networks.autoencoder import Autoencoder, AutoencoderConfig
from bioplaus.networks.convolutional import Cnn5, Cnn5Config, Lenet, LenetConfig
from bioplaus.networks.mlp import Mlp, MlpConfig
from bioplaus.neurons.smooth import Identity, Tanh
from bioplaus.streams import Streams


def mlp(**config: object) -> Network:
    return Mlp.build(MlpConfig(**{"hidden": [9, 8, 7], **config}), (1, 4, 4), (5,), Tanh())  # type: ignore[arg-type]


def cnn5(**config: object) -> Network:
    return Cnn5.build(Cnn5Config(**{"channels": [2, 3, 4, 5, 6], **config}), (3, 32, 32), (10,), Tanh())  # type: ignore[arg-type]


def lenet(size: int) -> Callable[..., Network]:
    return lambda **config: Lenet.build(LenetConfig(**config), (1, size, size), (10,), Tanh())


def autoencoder(**config: object) -> Network:
    return Autoencoder.build(AutoencoderConfig(**{"channels": [4, 8], **config}), (3, 16, 16), (3, 16, 16), Tanh())  # type: ignore[arg-type]


PRESETS: dict[str, Callable[..., Network]] = {
    "mlp": mlp,
    "cnn5": cnn5,
    "lenet 28": lenet(28),
    "lenet 32": lenet(32),
    "autoencoder": autoencoder,
}
EVERY = pytest.mark.parametrize("make", PRESETS.values(), ids=PRESETS)
NORMS = pytest.mark.parametrize(
    "norm",
    [{"norm": "none"}, {"norm": "batch"}, {"norm": "batch_fixed", "norm_place": "input"}],
    ids=["no norm", "norm of the current", "norm of the input"],
)


def randn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def count(network: Network) -> int:
    return sum(math.prod(leaf.shape) for leaf in network.leaves.values())


@EVERY
@NORMS
def test_mirror_meets_the_network_at_every_depth(make: Callable[..., Network], norm: dict[str, str]) -> None:
    forward = make(**norm)
    feedback = forward.mirror("feedback", Identity())
    streams = Streams((4,), dtype=torch.float64)
    up_arrays, down_arrays = forward.draw(streams), feedback.draw(streams)
    up = forward.forward(up_arrays[0], randn(1, 2, *forward.in_shape), up_arrays[1], train=True)
    down = feedback.forward(down_arrays[0], randn(1, 2, *forward.out_shape), down_arrays[1], train=True)
    depth = len(forward.layers)
    assert down.out.shape == (1, 2, *forward.in_shape)
    assert len(feedback.layers) == depth
    for level in range(1, depth):
        assert up.traces[level - 1].out.shape == down.traces[depth - 1 - level].out.shape
    for network, run in ((forward, up), (feedback, down)):
        for layer, trace in zip(network.layers, run.traces):
            assert trace.out.shape[2:] == layer.out_shape and trace.current.shape[2:] == layer.connection.out_shape


@EVERY
@NORMS
def test_replica_of_a_pack_is_the_single_network(make: Callable[..., Network], norm: dict[str, str]) -> None:
    network, seeds = make(**norm), (5, 17, 3)
    params, buffers = network.draw(Streams(seeds, dtype=torch.float64))
    x = randn(1, 4, *network.in_shape)
    pack = network.forward(params, x, buffers, train=True)
    for r, seed in enumerate(seeds):
        own, own_buffers = network.draw(Streams((seed,), dtype=torch.float64))
        assert set(own) == set(params) and all(torch.equal(own[key], params[key][r : r + 1]) for key in own)
        alone = network.forward(own, x, own_buffers, train=True)
        # 1e-9: products of one and of three replicas may add up in another order
        torch.testing.assert_close(pack.out[r : r + 1], alone.out, rtol=1e-9, atol=1e-9)
        for key, value in alone.running.items():
            torch.testing.assert_close(pack.running[key][r : r + 1], value, rtol=1e-9, atol=1e-9)
    private = network.forward(params, x.expand(3, *x.shape[1:]), buffers, train=True)
    torch.testing.assert_close(private.out, pack.out, rtol=1e-9, atol=1e-9)


def test_cnn5_has_the_published_widths_and_sides() -> None:
    network = Cnn5.build(Cnn5Config(), (3, 32, 32), (10,), Tanh())
    assert [layer.out_shape for layer in network.layers] == [
        (128, 16, 16),
        (128, 8, 8),
        (256, 4, 4),
        (256, 2, 2),
        (512, 1, 1),
        (10,),
    ]
    assert all(layer.connection.weight_shape[2:] == (3, 3) for layer in network.layers[:5])
    assert count(network) == 9 * (3 * 128 + 128 * 128 + 128 * 256 + 256 * 256 + 256 * 512) + 512 * 10


@pytest.mark.parametrize("size", [28, 32])
def test_lenet_has_lenet5s_number_of_parameters(size: int) -> None:
    network = lenet(size)()
    assert count(network) == 61_706
    assert [layer.out_shape for layer in network.layers] == [(6, 14, 14), (16, 5, 5), (120,), (84,), (10,)]


def test_mlp_shapes_and_single_layer() -> None:
    network = mlp(bias=True)
    assert [layer.connection.weight_shape for layer in network.layers] == [(9, 16), (8, 9), (7, 8), (5, 7)]
    assert count(network) == 9 * 17 + 8 * 10 + 7 * 9 + 5 * 8
    assert [layer.connection.weight_shape for layer in mlp(hidden=[]).layers] == [(5, 16)]
    assert all(not isinstance(layer.neuron, Identity) for layer in network.layers[:-1])
    assert isinstance(network.layers[-1].neuron, Identity)


def test_autoencoder_halves_doubles_and_starts_as_published() -> None:
    network = autoencoder()
    assert AutoencoderConfig().channels == [128, 256, 1024, 2048] and AutoencoderConfig().norm == "batch_fixed"
    assert [layer.out_shape for layer in network.layers] == [(4, 8, 8), (8, 4, 4), (4, 8, 8), (3, 16, 16)]
    feedback = network.mirror("feedback", Identity())
    streams = Streams((1, 2), dtype=torch.float64)
    for net, name in ((network, "forward"), (feedback, "feedback")):
        params, _ = net.draw(streams)
        # encoders orthonormal, decoders 0.001 of that, the last convolution 0
        for i, scale in enumerate((1.0, 1.0, 0.001, 0.0)):
            for w in params[f"{name}/{i}/weight"]:
                m = w.flatten(1)
                gram = m @ m.T if m.shape[0] <= m.shape[1] else m.T @ m
                torch.testing.assert_close(gram, scale**2 * torch.eye(len(gram)).double(), rtol=0, atol=1e-12)
        assert len(net.buffers) == 6 and set(net.leaves) == set(params) == {f"{name}/{i}/weight" for i in range(4)}


@pytest.mark.parametrize("place", ["current", "input"])
def test_norms_stand_in_hidden_layers_only(place: str) -> None:
    shapes = {"current": [(2,), (3,), (4,), (5,), (6,)], "input": [(3,), (2,), (3,), (4,), (5,)]}
    network = cnn5(norm="batch", norm_place=place)
    gains = {key: leaf.shape for key, leaf in network.leaves.items() if key.endswith("gain")}
    assert gains == {f"forward/{i}/norm/gain": shape for i, shape in enumerate(shapes[place])}
    assert not [key for key in cnn5(norm="batch_fixed", norm_place=place).leaves if "norm" in key]


@EVERY
def test_every_layer_may_grow_dendrites_when_asked(make: Callable[..., Network]) -> None:
    assert all(layer.dendrites is None for layer in make().layers)
    network = make(dendrites=True)
    assert all(f"{layer.name}/dendrites/u" in network.leaves for layer in network.layers)


@pytest.mark.parametrize("make", [mlp, cnn5, lenet(28)], ids=["mlp", "cnn5", "lenet"])
@pytest.mark.parametrize(("init", "factor"), [("uniform", 1 / math.sqrt(3)), ("normal", 1.0)])
def test_starts_have_the_variance_of_their_fan_in(make: Callable[..., Network], init: str, factor: float) -> None:
    network = make(init=init, init_scale=2.0)
    params, _ = network.draw(Streams(tuple(range(8)), dtype=torch.float64))
    for layer in network.layers:
        w = params[layer.weight]
        target = (2 * factor) ** 2 / math.prod(w.shape[2:])
        assert abs(w.square().mean() / target - 1) < 5 * math.sqrt(2 / w.numel())


@pytest.mark.parametrize(
    ("name", "data", "parameters", "sides"),
    [
        ("fc0", "mnist", 7_840 + 10, [(10,)]),
        ("fc1", "cifar10", 3072 * 16 + 160 + 26, [(16,), (10,)]),
        ("fc2_nobias", "mnist", 784 * 16 + 256 + 160, [(16,), (16,), (10,)]),
        ("fc4", "mnist", 156_800 + 20_000 + 6_000 + 1_800 + 300 + 400, [(200,), (100,), (60,), (30,), (10,)]),
        # a dense layer of 12 x 7 x 7 = 588 and of 12 x 8 x 8 = 768
        ("cnn3_nobias", "mnist", 100 + 800 + 1536 + 117_600 + 2_000, [(4, 28, 28), (8, 14, 14), (12, 7, 7), (200,), (10,)]),
        ("cnn3", "cifar10", 300 + 800 + 1536 + 153_600 + 2_000 + 234, [(4, 32, 32), (8, 16, 16), (12, 8, 8), (200,), (10,)]),
        ("han_fc1", "mnist", 784 * 128 + 1280 + 138, [(128,), (10,)]),
    ],
)
def test_networks_of_bidirectional_learning(name: str, data: str, parameters: int, sides: list[tuple[int, ...]]) -> None:
    """Sizes as published, by the settings that a run of any rule gets; the spread of the start is 0.1, cut at two of it."""
    settings = resolve({"rule": "fa", "data": data, "network": name}, locate=False)
    image = (1, 28, 28) if data == "mnist" else (3, 32, 32)
    made = registry.NETWORKS.get(name).build(settings.network, image, (10,), registry.NEURONS.get(settings.neuron.name)(settings.neuron))
    assert count(made) == parameters and [layer.out_shape for layer in made.layers] == sides
    assert settings.data.standardise == "none" and settings.neuron.name == ("sigmoid" if name.startswith("fc") else "relu")
    w = made.draw(Streams((1,)))[0]["forward/0/weight"]
    sigma = 0.1 if not name.startswith("han") else math.sqrt(2 / 784)
    assert 1.8 * sigma < w.abs().max() <= 2 * sigma * (1 + 1e-6)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"5 pooled blocks, too many for images of 8x8: only 3 fit; shorten"):
        Cnn5.build(Cnn5Config(), (1, 8, 8), (10,), Tanh())
    with pytest.raises(ConfigError, match="sides divide by 4"):
        Autoencoder.build(AutoencoderConfig(channels=[4, 8]), (3, 16, 18), (3, 16, 18), Tanh())
    with pytest.raises(ConfigError, match="every width must be at least 1"):
        mlp(hidden=[4, 0])
    with pytest.raises(ConfigError, match="network=mlp"):
        Cnn5.build(Cnn5Config(), (64,), (10,), Tanh())
