"""Flip and crop against a loop over single images."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bioplaus.data.augment import flip_crop


def oracle(x: np.ndarray, flips: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Image by image: mirror, pad by repeating the edge, cut out."""
    replicas, batch = flips.shape
    height, width = x.shape[-2:]
    out = np.empty((replicas, *x.shape[1:]), x.dtype)
    for r in range(replicas):
        for b in range(batch):
            image = x[r if x.shape[0] > 1 else 0, b]
            if flips[r, b]:
                image = image[:, :, ::-1]
            padded = np.pad(image, ((0, 0), (4, 4), (4, 4)), mode="edge")
            top, left = offsets[r, b]
            out[r, b] = padded[:, top : top + height, left : left + width]
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize(
    ("leading", "replicas", "shape"),
    [(1, 1, (3, 32, 32)), (1, 3, (3, 8, 8)), (3, 3, (1, 5, 7)), (2, 2, (2, 7, 3)), (1, 2, (1, 1, 1))],
)
def test_equals_the_loop(leading: int, replicas: int, shape: tuple[int, ...], dtype: type) -> None:
    draw = np.random.default_rng(7)
    batch = 40
    x: np.ndarray = draw.integers(0, 256, (leading, batch, *shape)).astype(dtype)
    flips = draw.random((replicas, batch)) < 0.5
    offsets = draw.integers(0, 9, (replicas, batch, 2))
    got = flip_crop(torch.from_numpy(x), torch.from_numpy(flips), torch.from_numpy(offsets))
    assert got.shape == (replicas, batch, *shape) and got.numpy().dtype == dtype
    assert (got.numpy() == oracle(x, flips, offsets)).all()


@pytest.mark.parametrize("flip", [False, True])
def test_every_offset(flip: bool) -> None:
    offsets = np.stack(np.meshgrid(np.arange(9), np.arange(9), indexing="ij"), -1).reshape(1, 81, 2)
    x = np.random.default_rng(0).random((1, 81, 2, 6, 5))
    flips = np.full((1, 81), flip)
    got = flip_crop(torch.from_numpy(x), torch.from_numpy(flips), torch.from_numpy(offsets.astype(np.int32)))
    assert (got.numpy() == oracle(x, flips, offsets)).all()


def test_the_central_window_is_the_image_and_flipping_twice_too() -> None:
    x = torch.rand(2, 3, 3, 6, 6)
    before = x.clone()
    centre = torch.full((2, 3, 2), 4)
    yes, no = torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, 3, dtype=torch.bool)
    assert torch.equal(flip_crop(x, no, centre), x)
    assert torch.equal(flip_crop(flip_crop(x, yes, centre), yes, centre), x)
    assert torch.equal(x, before)
    assert flip_crop(x, no, centre).data_ptr() != x.data_ptr()


def test_shapes_that_do_not_fit_are_refused() -> None:
    x, flips, offsets = (
        torch.rand(2, 3, 1, 4, 4),
        torch.zeros(2, 3, dtype=torch.bool),
        torch.zeros(2, 3, 2, dtype=torch.long),
    )
    for wrong in (
        (x[0], flips, offsets),
        (x, flips[:, :2], offsets[:, :2]),
        (x, flips, offsets[..., 0]),
        (torch.rand(3, 3, 1, 4, 4), flips, offsets),
        (x, flips[0], offsets[0]),
    ):
        with pytest.raises(ValueError, match="do not fit"):
            flip_crop(*wrong)
