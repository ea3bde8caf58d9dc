"""Reader of one IDX file of bytes, the format of MNIST (http://yann.lecun.com/exdb/mnist, "file format").

Layout, big endian: 0x00 0x00 | type (0x08: unsigned byte) | number of axes d | d lengths of 4 bytes | the bytes,
last axis fastest.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioplaus.errors import DataError

__all__ = ["pack_idx", "read_idx"]


def read_idx(path: Path, axes: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes, gzip-compressed if its name ends in .gz.

    Parameters
    ----------
    path : Path
    axes : int
        Number of axes it must have: 3 for images, 1 for labels.

    Returns
    -------
    uint8 array with `axes` axes, read-only

    Raises
    ------
    DataError
        Unreadable, wrong magic number, wrong number of axes, payload too short or too long.
    """
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error}); fetch it again") from error
    header = 4 + 4 * axes
    if len(content) < header or content[:3] != b"\0\0\x08":
        raise DataError(f"{path}: is not an IDX file of bytes; fetch it again")
    if content[3] != axes:
        raise DataError(f"{path}: has {content[3]} axes where {axes} were expected; fetch it again")
    shape = struct.unpack_from(f">{axes}I", content, 4)
    found, expected = len(content) - header, math.prod(shape)
    if found != expected:
        fault = "is truncated" if found < expected else "has trailing bytes"
        raise DataError(f"{path}: {fault} ({found} bytes of data, header says {expected}); fetch it again")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def pack_idx(values: NDArray[np.uint8]) -> bytes:
    """The same format, written: uncompressed IDX bytes of an array."""
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return header + np.ascontiguousarray(values, np.uint8).tobytes()
