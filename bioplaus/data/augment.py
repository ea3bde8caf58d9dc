"""Augmentation of a batch of training images, all randomness handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["PADDING", "flip_crop"]

PADDING = 4


def flip_crop(x: Tensor, flips: Tensor, offsets: Tensor) -> Tensor:
    """Mirror images left to right, then crop them from their edge-padded selves.

    An image is padded by 4 pixels on each side, repeating its border, and a window of the old size is cut
    out; the window at offset (4, 4) is the image itself. Used for the CIFAR networks of Kao & Hariharan
    (2024, arXiv:2409.19841).

    Parameters
    ----------
    x : Tensor [R or 1, B, C, H, W]
        Images; with a leading 1 every replica starts from the same batch.
    flips : bool Tensor [R, B]
        Which images are mirrored.
    offsets : integer Tensor [R, B, 2]
        Top and left corner of the window, 0..8 (not checked: that would stall a GPU).

    Returns
    -------
    Tensor [R, B, C, H, W]
        New tensor of the type of `x`.

    Raises
    ------
    ValueError
        Shapes that do not belong together.
    """
    import torch

    fits = x.ndim == 5 and flips.ndim == 2 and offsets.shape == (*flips.shape, 2)
    if not fits or x.shape[0] not in (1, len(flips)) or x.shape[1] != flips.shape[1]:
        shapes = ", ".join(str(tuple(t.shape)) for t in (x, flips, offsets))
        raise ValueError(f"flip_crop: x, flips, offsets of shapes {shapes} do not fit; see its docstring")
    replicas, batch = flips.shape
    channels, height, width = x.shape[2:]
    # Repeating the border is clamping the index. One gather over planes is several times as fast as
    # indexing x[r, b, c, i, j].
    rows = (offsets[..., 0, None] + torch.arange(height, device=x.device) - PADDING).clamp(0, height - 1)
    columns = (offsets[..., 1, None] + torch.arange(width, device=x.device) - PADDING).clamp(0, width - 1)
    columns = torch.where(flips[..., None], width - 1 - columns, columns)
    at = (rows[..., :, None] * width + columns[..., None, :]).reshape(replicas, batch, 1, height * width)
    planes = x.expand(replicas, -1, -1, -1, -1).flatten(-2)
    taken = planes.gather(-1, at.long().expand(-1, -1, channels, -1))
    return taken.view(replicas, batch, channels, height, width)
