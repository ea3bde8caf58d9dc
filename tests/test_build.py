"""Packing, threads and devices: which replicas go together, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bioplaus import config, data
from bioplaus.build import build_model, choose_device, choose_threads, make_feeds, pack_sizes
from bioplaus.errors import ConfigError
from bioplaus.settings import Settings

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def _settings(**keys: Any) -> Settings:
    return config.resolve({key.replace("__", "."): value for key, value in keys.items()})


def _packs(device: torch.device = CPU, **keys: Any) -> list[list[int]]:
    settings = _settings(**keys)
    network = build_model(settings, data.load(settings.data), [0], CPU).networks["forward"]
    return pack_sizes(settings, network, device)


def test_auto_packs_narrow_networks_together_and_wide_ones_apart() -> None:
    assert _packs(seeds=3, network__hidden=[128]) == [[0, 1, 2]]
    assert _packs(seeds=3, network__hidden=[128, 129]) == [[0], [1], [2]]
    assert _packs(seeds=3, network="cnn5", network__channels=[4]) == [[0], [1], [2]]
    assert _packs(CUDA, seeds=3, network__hidden=[512]) == [[0, 1, 2]]


def test_a_number_packs_that_many_and_the_rest() -> None:
    assert _packs(seeds=5, run__pack="2") == [[0, 1], [2, 3], [4]]


def test_threads_follow_the_work_of_an_update() -> None:
    small = _settings(network__hidden=[16])
    network = build_model(small, data.load(small.data), [0], CPU).networks["forward"]
    assert choose_threads(small, network, 64) == 1
    # 6 (64*16 + 16*10) FLOPs a sample: 3e8 is passed at 42,230 samples
    assert choose_threads(small, network, 42_000) == 1
    assert choose_threads(small, network, 43_000) == torch.get_num_threads()
    assert choose_threads(_settings(network__hidden=[16], threads=3), network, 1) == 3


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_cuda_without_a_gpu_is_refused_in_one_line() -> None:
    with pytest.raises(ConfigError, match="device=cpu"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"


def test_rate_lists_reach_their_replicas() -> None:
    settings = _settings(rule="ccl", seeds=3, rule__lr=[0.1, 0.2, 0.3], rule__lr_feedback=[0.0, 0.5, 1.0])
    model = build_model(settings, data.load(settings.data), [1, 2], CPU)
    torch.testing.assert_close(model.rates["forward"], torch.tensor([0.2, 0.3]))
    torch.testing.assert_close(model.rates["feedback"], torch.tensor([0.5, 1.0]))
    assert model.seeds == (1, 2)


def test_feeds_hold_every_sample_and_autoencoding_echoes_the_input() -> None:
    settings = _settings(network="autoencoder", network__channels=[4, 8])
    splits = data.load(settings.data)
    feeds = make_feeds(settings, splits, CPU)
    assert (len(feeds.train), len(feeds.validation), len(feeds.test)) == (1293, 144, 360)
    batch = feeds.train.batch(torch.tensor([[3, 5]]))
    assert torch.equal(batch.y, batch.x) and torch.equal(batch.x[0, 1], torch.from_numpy(splits.train_x[5]))
