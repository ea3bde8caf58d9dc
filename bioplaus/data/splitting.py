"""From the arrays of a source to the splits of a run: validation, limit, scaling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioplaus.data.base import IMAGENET, DataConfig, Raw, Splits
from bioplaus.errors import ConfigError, DataError

__all__ = ["TEST_STREAM", "VALIDATION_STREAM", "check_labels", "permutation", "scaled", "split"]

VALIDATION_STREAM, TEST_STREAM = 0, 1
CHUNK = 2048  # rows scaled at a time: they stay in the cache for the three passes


def permutation(seed: int, stream: int, n: int) -> NDArray[np.int64]:
    """Random order of 0..n-1 that depends on (seed, stream, n) alone.

    Parameters
    ----------
    seed : int
        ``data.split_seed``, >= 0.
    stream : int
        VALIDATION_STREAM or TEST_STREAM: independent draws for the two splits of one source.
    n : int
        Number of rows.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(stream,))
    return np.random.Generator(np.random.PCG64(sequence)).permutation(n)


def check_labels(labels: NDArray[Any], classes: int, where: str) -> None:
    """Raise DataError unless there are labels and all lie in 0..classes-1.

    Parameters
    ----------
    labels : integer array [N]
    classes : int
    where : str
        File or data set, for the message.
    """
    if labels.size == 0:
        raise DataError(f"{where}: holds no images; fetch it again")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        wrong = low if low < 0 else high
        raise DataError(f"{where}: label {wrong} is out of range 0..{classes - 1}; corrupt, fetch it again")


def scaled(
    stored: NDArray[Any],
    rows: NDArray[np.int64],
    scale: float,
    mean: tuple[float, ...],
    std: tuple[float, ...],
) -> NDArray[np.float32]:
    """Chosen rows as float32: ``(stored[rows] / scale - mean) / std``, in single precision throughout.

    Parameters
    ----------
    stored : array [N, *shape]
        uint8 or float; never copied as a whole.
    rows : int64 [n]
    scale : float
        Stored value that stands for 1.
    mean, std : tuple of float
        One value, or one per channel (the first axis of shape).

    Returns
    -------
    float32 [n, *shape], C-contiguous
    """
    out = np.empty((len(rows), *stored.shape[1:]), np.float32)
    per_channel = (len(mean), *(1,) * (stored.ndim - 2))
    centre, spread = (np.asarray(v, np.float32).reshape(per_channel) for v in (mean, std))
    for start in range(0, len(rows), CHUNK):
        block = out[start : start + CHUNK]
        block[...] = stored[rows[start : start + CHUNK]]
        if scale != 1:
            block /= np.float32(scale)
        if centre.any():
            block -= centre
        if (spread != 1).any():
            block /= spread
    return out


def _index(given: NDArray[np.int64] | None, n: int) -> NDArray[np.int64]:
    return np.arange(n, dtype=np.int64) if given is None else given


def split(raw: Raw, config: DataConfig) -> Splits:
    """Keep a random part for validation, take `limit` of the rest, scale all three parts.

    The validation part has ``round(validation * N)`` rows, at least one unless ``validation=0``, or those that the source names. It does not
    depend on `limit`, and a smaller `limit` gives a subset of a larger one. Rows keep their order in the source.

    Parameters
    ----------
    raw : Raw
    config : DataConfig
        Already checked.

    Raises
    ------
    ConfigError
        `limit` or `validation` asks for more rows than there are, or the augmentation does not fit the inputs.
    DataError
        The source handed over labels out of range or arrays that do not belong together.
    """
    name, total = config.name, len(raw.train_y)
    for part, x, y in (("train", raw.train_x, raw.train_y), ("test", raw.test_x, raw.test_y)):
        check_labels(y, raw.classes, f"data={name} ({part})")
        if x.shape != (len(y), *raw.shape):
            raise DataError(f"data={name} ({part}): inputs {x.shape} do not fit {len(y)} labels, shape {raw.shape}")
    if config.augment == "flip_crop" and len(raw.shape) != 3:
        raise ConfigError(f"data.augment=flip_crop needs images, data={name} has vectors; use data.augment=none")

    kept = raw.validation or (max(1, round(config.validation * total)) if config.validation else 0)
    available = total - kept
    if available < 1:
        raise ConfigError(
            f"data.validation={config.validation} leaves none of the {total} images of data={name} to train on"
        )
    if config.limit is not None and config.limit > available:
        raise ConfigError(
            f"data.limit={config.limit} is too large: data={name} has {available} training images"
            f" after {kept} were kept for validation"
        )
    order = np.arange(total) if raw.validation else permutation(config.split_seed, VALIDATION_STREAM, total)
    validation = np.sort(order[:kept])
    train = np.sort(order[kept : kept + (config.limit or available)])

    mean: tuple[float, ...]
    std: tuple[float, ...]
    if config.standardise == "none":
        mean, std = (0.0,), (1.0,)
    elif config.standardise == "imagenet":
        if len(raw.shape) != 3 or raw.shape[0] != len(IMAGENET[0]):
            raise ConfigError(f"data.standardise=imagenet scales three colours, data={name} has inputs of shape {raw.shape}; use auto or none")
        mean, std = IMAGENET
    elif raw.mean is None or raw.std is None:
        used = raw.train_x[train]
        mean = (float(used.mean(dtype=np.float64)) / raw.scale,)
        std = (float(used.std(dtype=np.float64)) / raw.scale,)
        if not std[0] > 0:
            raise DataError(f"data={name}: the training inputs are all equal, so they cannot be standardised")
    else:
        mean, std = raw.mean, raw.std

    train_index = _index(raw.train_index, total)
    test = np.arange(len(raw.test_y))
    return Splits(
        name=name,
        train_x=scaled(raw.train_x, train, raw.scale, mean, std),
        train_y=raw.train_y[train].astype(np.int64),
        validation_x=scaled(raw.train_x, validation, raw.scale, mean, std),
        validation_y=raw.train_y[validation].astype(np.int64),
        test_x=scaled(raw.test_x, test, raw.scale, mean, std),
        test_y=raw.test_y.astype(np.int64),
        classes=raw.classes,
        shape=raw.shape,
        mean=mean,
        std=std,
        train_index=train_index[train],
        validation_index=train_index[validation],
        test_index=_index(raw.test_index, len(test)),
        note=raw.note,
    )
