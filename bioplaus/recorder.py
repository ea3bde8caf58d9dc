"""The numbers of a run, one row each: epoch, step, seed, split, metric, layer, value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from bioplaus.checkpoint import atomic
from bioplaus.errors import RunError

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Recorder", "Row", "read_metrics", "rows_of"]

Row = tuple[int, int, int, str, str, int | None, float | None]
COLUMNS = ("epoch", "step", "seed", "split", "metric", "layer", "value")


def _schema() -> pyarrow.Schema:
    import pyarrow as pa

    types = (pa.int32(), pa.int64(), pa.int64(), pa.string(), pa.string(), pa.int32(), pa.float64())
    return pa.schema(list(zip(COLUMNS, types)))


class Recorder:
    """Collects rows and writes them as one parquet file."""

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self.rows: list[Row] = list(rows)

    def add(self, epoch: int, step: int, seeds: Sequence[int], split: str, values: Mapping[str, Tensor]) -> None:
        """Add metrics ``[R]`` or ``[R, layers]``; a value that is not finite is stored as missing."""
        for metric, tensor in values.items():
            for seed, row in zip(seeds, tensor.double().cpu().tolist()):
                for layer, value in enumerate(row) if isinstance(row, list) else [(None, row)]:
                    self.rows.append((epoch, step, seed, split, metric, layer, value if math.isfinite(value) else None))

    def table(self) -> pyarrow.Table:
        """Return all rows as a pyarrow table."""
        import pyarrow as pa

        columns: Any = zip(*self.rows) if self.rows else ([] for _ in COLUMNS)
        return pa.table(dict(zip(COLUMNS, map(list, columns))), schema=_schema())

    def write(self, path: Path) -> None:
        """Write the table atomically."""
        import pyarrow.parquet as pq

        table = self.table()
        atomic(path, lambda temporary: pq.write_table(table, temporary, write_page_checksum=True))


def read_metrics(path: Path) -> pyarrow.Table:
    """Read the metrics of a run.

    Raises
    ------
    RunError
        If the file is missing or corrupt.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, page_checksum_verification=True)
        table.validate(full=True)
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:200]
        raise RunError(f"metrics {path} cannot be read ({reason}); the file is missing, truncated or corrupt") from error
    if not table.schema.equals(_schema()):
        raise RunError(f"metrics {path} is not a table of a run: its columns are {', '.join(table.column_names)}")
    return table


def rows_of(table: pyarrow.Table) -> list[Row]:
    """Return a table's rows as tuples, as `Recorder` takes them."""
    columns = [table.column(name).to_pylist() for name in COLUMNS]
    return list(zip(*columns))
