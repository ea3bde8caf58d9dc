"""First-layer weights as images: which weight becomes which cell, in which colour."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bioplaus.plots import draw_all, weight_images
from bioplaus.plots.weights import as_images, mosaic

COLUMNS = {"epoch": pa.int32(), "step": pa.int64(), "seed": pa.int32(), "split": pa.string(), "metric": pa.string()}
EMPTY = pa.schema({**COLUMNS, "layer": pa.int32(), "value": pa.float64()}).empty_table()


def test_images_of_dense_and_convolutional_weights() -> None:
    flat = np.arange(2 * 9.0).reshape(2, 9)
    images = as_images(flat)
    assert images is not None
    np.testing.assert_array_equal(images[1, :, :, 0], [[9, 10, 11], [12, 13, 14], [15, 16, 17]])
    colour = np.arange(2 * 3 * 2 * 4.0).reshape(2, 3, 2, 4)
    images = as_images(colour)
    assert images is not None
    assert images.shape == (2, 2, 4, 3)
    assert images[1, 0, 3].tolist() == colour[1, :, 0, 3].tolist()


@pytest.mark.parametrize("shape", [(5, 20), (5, 4), (5, 1), (4, 2, 5, 5), (4, 128, 3, 3), (3,)])
def test_what_is_no_image_is_skipped(shape: tuple[int, ...]) -> None:
    assert weight_images(np.ones(shape), "title") is None


def test_mosaic_places_units_in_reading_order_with_gaps() -> None:
    images = np.arange(5.0)[:, None, None, None] * np.ones((1, 24, 24, 1))
    board = mosaic(images, columns=3)[..., 0]
    assert board.shape == (2 * 24 + 3, 3 * 24 + 6)
    assert board[0, 0] == 0
    assert board[5, 24 + 3] == 1
    assert board[24 + 3, 0] == 3
    assert np.isnan(board[:, 24:27]).all()
    assert np.isnan(board[24 + 3 :, 2 * 27 :]).all()  # the place of a sixth unit


def test_weight_images_are_symmetric_around_zero_and_at_most_64() -> None:
    weights = np.random.default_rng(0).normal(0.3, 1.0, (100, 64))
    figure = weight_images(weights, "title")
    assert figure is not None
    (image,) = figure.axes[0].get_images()
    low, high = image.get_clim()
    assert low == -high
    assert high == pytest.approx(np.quantile(np.abs(weights[:64]), 0.995))
    shown = np.ma.filled(image.get_array(), np.nan)
    assert np.nansum(shown) == pytest.approx(9 * weights[:64].sum())  # each weight is 3 x 3 cells
    note = figure.get_supxlabel()
    assert "first 64 of 100 units" in note


def test_colour_weights_are_grey_at_zero() -> None:
    weights = np.zeros((2, 3, 24, 24))
    weights[0, 0] = 1.0  # strongly red
    figure = weight_images(weights, "title")
    assert figure is not None
    (image,) = figure.axes[0].get_images()
    shown = np.asarray(image.get_array())
    assert shown[0, 0].tolist() == [1.0, 0.5, 0.5]
    assert shown[0, -1].tolist() == [0.5, 0.5, 0.5]
    assert shown[0, 24].tolist() == [1, 1, 1]


def test_weights_that_are_zero_or_not_finite_are_drawn_without_warning(tmp_path: Path) -> None:
    bad = np.ones((4, 9))
    bad[0, 0], bad[1] = np.inf, np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for weights in (np.zeros((4, 9)), bad, np.where(np.arange(27) > 3, np.nan, 1.0).reshape(1, 3, 3, 3)):
            assert draw_all(EMPTY, weights, tmp_path, "title") == [tmp_path / "weights.png"]
    assert weight_images(np.full((4, 9), np.nan), "title") is None
