"""From the table of measurements to arrays: one row per seed, one column per point in time.

The table has the columns epoch, step, seed, split, metric, layer and value, one measurement per row; layer is
null for numbers of the whole network, value is null where nothing finite was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow

__all__ = ["clock", "layers", "present", "seeds", "series"]


def series(
    table: pyarrow.Table, metric: str, split: str, layer: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return when a metric was measured, and its values.

    Parameters
    ----------
    table
        All measurements of a run.
    metric, split
        What was measured on which part: "train", "validation", "test" or "probe".
    layer
        Index from 0 for numbers per layer, None for those of the whole network.

    Returns
    -------
    when : int64 array [points]
        Rising; epochs or updates, as `clock` says.
    values : float64 array [seeds, points]
        Seeds of the table in rising order; NaN where a seed has no value.
    """
    import pyarrow.compute as pc

    rows = _rows(table, metric, split)
    rows = rows.filter(pc.is_null(rows["layer"]) if layer is None else pc.equal(rows["layer"], layer))
    when, column = np.unique(_numbers(rows, clock(table, split)), return_inverse=True)
    row = np.searchsorted(seeds(table), _numbers(rows, "seed"))
    values = np.full((len(seeds(table)), len(when)), np.nan)
    values[row, column] = rows["value"].to_numpy()
    return when.astype(np.int64), values


def clock(table: pyarrow.Table, split: str) -> str:
    """Return "epoch" or "step", the column that tells the split's measurements apart in time.

    Probes may look more often than once per epoch, or between the ends of epochs: then the step says when.
    """
    if split != "probe":
        return "epoch"
    taken = {split: _times(table, split) for split in ("probe", "train", "validation", "test")}
    ends = taken["train"] | taken["validation"] | taken["test"] | {(0, 0)}
    return "epoch" if taken["probe"] <= ends else "step"


def seeds(table: pyarrow.Table) -> NDArray[np.int64]:
    """Return all seeds of the table, rising."""
    return np.unique(_numbers(table, "seed")).astype(np.int64)


def layers(table: pyarrow.Table, metric: str, split: str) -> list[int]:
    """Return the layers for which a metric has a value, rising."""
    rows = _measured(table, metric, split)
    return sorted(layer for layer in rows["layer"].unique().to_pylist() if layer is not None)


def present(table: pyarrow.Table, metric: str, split: str) -> bool:
    """Tell whether a metric has any value at all."""
    return bool(_measured(table, metric, split).num_rows)


def _rows(table: pyarrow.Table, metric: str, split: str) -> pyarrow.Table:
    import pyarrow.compute as pc

    return table.filter(pc.and_(pc.equal(table["metric"], metric), pc.equal(table["split"], split)))


def _measured(table: pyarrow.Table, metric: str, split: str) -> pyarrow.Table:
    import pyarrow.compute as pc

    return _rows(table, metric, split).filter(pc.is_finite(pc.field("value")))


def _times(table: pyarrow.Table, split: str) -> set[tuple[int, int]]:
    import pyarrow.compute as pc

    rows = table.filter(pc.equal(table["split"], split))
    return set(zip(rows["epoch"].to_pylist(), rows["step"].to_pylist()))


def _numbers(table: pyarrow.Table, column: str) -> NDArray[Any]:
    return table[column].to_numpy()
