"""The table of measurements: rows as they were added, types as declared, damage noticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bioplaus.errors import RunError
from bioplaus.recorder import COLUMNS, Recorder, read_metrics, rows_of

INT32 = st.integers(0, 2**31 - 1)
ROWS = st.lists(
    st.tuples(
        INT32,
        st.integers(0, 2**63 - 1),
        st.integers(0, 2**63 - 1),
        st.sampled_from(["train", "validation", "probe"]),
        st.text(max_size=5),
        st.none() | INT32,
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    max_size=5,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_round_trip(tmp_path: Path, rows: list[tuple[int, int, int, str, str, int | None, float | None]]) -> None:
    path = tmp_path / "metrics.parquet"
    Recorder(rows).write(path)
    assert rows_of(read_metrics(path)) == rows


def test_rows_of_metrics() -> None:
    recorder = Recorder()
    values = {"loss": torch.tensor([0.5, float("nan")]), "angle": torch.tensor([[1.0, 2.0], [float("inf"), 4.0]])}
    recorder.add(3, 15, (7, 8), "probe", values)
    assert recorder.rows == [
        (3, 15, 7, "probe", "loss", None, 0.5),
        (3, 15, 8, "probe", "loss", None, None),
        (3, 15, 7, "probe", "angle", 0, 1.0),
        (3, 15, 7, "probe", "angle", 1, 2.0),
        (3, 15, 8, "probe", "angle", 0, None),
        (3, 15, 8, "probe", "angle", 1, 4.0),
    ]


def test_values_keep_double_precision(tmp_path: Path) -> None:
    recorder = Recorder()
    recorder.add(0, 0, (0,), "train", {"loss": torch.tensor([1 / 3], dtype=torch.float64)})
    recorder.write(tmp_path / "m")
    assert read_metrics(tmp_path / "m")["value"].to_pylist() == [1 / 3]


def test_columns_and_types() -> None:
    for table in (Recorder().table(), Recorder([(1, 2, 2**40, "train", "loss", None, 0.5)]).table()):
        assert tuple(table.column_names) == COLUMNS == ("epoch", "step", "seed", "split", "metric", "layer", "value")
        kinds = [str(field.type) for field in table.schema]
        assert kinds == ["int32", "int64", "int64", "string", "string", "int32", "double"]


def test_truncated_or_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "metrics.parquet"
    rows = [(epoch, epoch * 10, seed, "train", "loss", None, epoch / 7) for epoch in range(40) for seed in range(2)]
    Recorder(rows).write(path)
    content = path.read_bytes()
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        with pytest.raises(RunError, match="truncated or corrupt"):
            read_metrics(path)
    numbers = np.random.default_rng(0)
    refused = 0
    for position in numbers.choice(len(content), 300, replace=False):
        path.write_bytes(content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :])
        try:
            rows_of(read_metrics(path))
        except RunError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 100  # the pages; in the footer there is much that nobody reads
    with pytest.raises(RunError, match="missing"):
        read_metrics(tmp_path / "none")


def test_flipped_values_are_noticed(tmp_path: Path) -> None:
    path = tmp_path / "metrics.parquet"
    value = 0.1234567891011
    Recorder([(1, 2, 3, "train", "loss", None, value)]).write(path)
    content = path.read_bytes()
    place = content.index(np.float64(value).tobytes())
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(RunError, match="corrupt"):
        read_metrics(path)


def test_table_of_something_else(tmp_path: Path) -> None:
    pq.write_table(pa.table({"epoch": [1], "loss": [0.5]}), tmp_path / "m")
    with pytest.raises(RunError, match="not a table of a run: its columns are epoch, loss"):
        read_metrics(tmp_path / "m")
