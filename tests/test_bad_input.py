"""Bad input, damaged files, full disks: one clear line on stderr, nothing on stdout, exit code 2 (1 if a run fails), nothing lost."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from driving import ROOT, TINY_WORDS, Answer, check_same, command, folder, interrupted, reopened, started, to_the_end

from bioplaus import checkpoint
from bioplaus.engines.loop import LoopEngine


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BIOPLAUS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def check_refused(answer: Answer, code: int, *parts: str, lines: int = 1) -> None:
    """Assert the exit code, silence on stdout, and one line that names all parts."""
    assert answer.code == code, answer
    assert answer.out == ""
    told = answer.err.splitlines()
    assert told[-1].startswith("bioplaus: ") and "Traceback" not in answer.err
    assert sum(line.startswith("bioplaus: ") for line in told) == 1 and len(told) <= lines
    assert all(part in told[-1] for part in parts), told[-1]


WORDS: list[tuple[str, int, tuple[str, ...]]] = [
    # verbs and options
    ("simulat", 2, ("unknown verb 'simulat'", "did you mean 'simulate'")),
    ("zzz", 2, ("unknown verb 'zzz'", "Known: simulate, evaluate, resume, plot, compare,")),
    ("simulate --jsn", 2, ("unknown argument '--jsn'",)),
    ("simulate epochs=1 -x", 2, ("unknown argument '-x'",)),
    ("simulate --config", 2, ("--config", "expected one argument")),
    ("evaluate", 2, ("required: RUN;",)),
    ("plot a b", 2, ("unknown argument 'b'",)),
    ("list rules a=b", 2, ("unknown argument 'a=b'",)),
    # names
    ("simulate rule=ccx", 2, ("unknown rule 'ccx'", "did you mean 'ccl'", "bp, surrogate", "readout, top")),
    ("simulate data=minst", 2, ("data=minst is not known", "did you mean mnist")),
    ("simulate network=cnn", 2, ("unknown network 'cnn'", "cnn5")),
    ("simulate neuron=rulu", 2, ("did you mean 'relu'",)),
    ("simulate plasticity=adma", 2, ("unknown plasticity 'adma'", "adam")),
    ("simulate backend=numbo", 2, ("did you mean 'numba'",)),
    ("simulate probes=[angel]", 2, ("did you mean 'angle'",)),
    ("list rulez", 2, ("unknown family 'rulez'", "did you mean 'rules'")),
    ("show rul=ccl", 2, ("unknown key 'rul'", "did you mean 'rule'")),
    ("show data=digit", 2, ("did you mean digits",)),
    ("reproduce ccl_minst", 2, ("did you mean 'ccl_mnist'",)),
    # keys and values
    ("simulate epoch=3", 2, ("unknown key 'epoch'", "did you mean 'epochs'")),
    ("simulate lr=3", 2, ("unknown key 'lr'", "did you mean 'rule.lr'")),
    ("simulate rule.lambda_crss=3 rule=ccl", 2, ("did you mean 'rule.lambda_cross'",)),
    ("simulate epochs", 2, ("'epochs' is not key=value",)),
    ("simulate epochs=1 epochs=2", 2, ("epochs is given twice",)),
    ("simulate epochs=few", 2, ("epochs=few is not a whole number",)),
    ("simulate epochs=-1", 2, ("epochs=-1 is out of range", ">= 0")),
    ("simulate rule.lr=nan", 2, ("rule.lr=nan is out of range", "finite")),
    ("simulate network.hidden=[8,0]", 2, ("network.hidden=[8, 0]", "at least 1")),
    ("simulate network.hidden=[8", 2, ("network.hidden=[8", "brackets")),
    ("simulate device=gpu", 2, ("device=gpu", "auto, cpu, cuda")),
    ("simulate dtype=float16", 2, ("dtype=float16", "float32, float64")),
    # combinations
    ("simulate rule.lr=[0.1,0.2] seeds=3", 2, ("rule.lr lists 2 values for 3 seeds",)),
    ("simulate network=cnn5 data=synthetic", 2, ("needs images", "network=mlp")),
    ("simulate network=autoencoder", 2, ("sides divide by 16", "network.channels")),
    ("simulate data=synthetic data.augment=flip_crop", 2, ("data.augment=flip_crop needs images",)),
    ("simulate data.limit=99999", 2, ("data.limit=99999 is too large", "1293 training images")),
    ("simulate data.validation=0.9999", 2, ("data.validation=0.9999 leaves none",)),
    ("simulate backend=numba batch_size=64", 2, ("backend=numba cannot run this", "backend=loop")),
    # runs
    ("resume nowhere", 1, ("no run directory nowhere",)),
    ("evaluate nowhere", 1, ("no run directory nowhere",)),
    ("plot .", 1, ("is not a run of bioplaus", "config.yaml")),
    ("resume . epochs=3", 2, ("resume takes no settings (got epochs)",)),
    ("evaluate . rule=bp", 2, ("evaluate takes data.limit=n only",)),
    ("evaluate . data.limit=x", 2, ("data.limit=x must be a whole number",)),
    ("simulate --config nowhere.yaml", 2, ("configuration nowhere.yaml cannot be read: No such file",)),
    # data
    ("simulate data=mnist", 2, ("no train-images-idx3-ubyte", "cache/bioplaus/MNIST/raw", "data.root=DIR", "data.download=true")),
    ("simulate data=fashion_mnist data.root=/nowhere", 2, ("/nowhere/FashionMNIST/raw", "(data folder from data.root)")),
    ("simulate data=cifar10 data.root=/nowhere", 2, ("/nowhere/cifar-10-batches-bin", "cifar-10-binary.tar.gz")),
    ("simulate data=cifar100", 2, ("cifar-100-binary",)),
    ("simulate data=mnist data.rot=/x", 2, ("unknown key 'data.rot'", "did you mean 'data.root'")),
]


@pytest.mark.parametrize(("words", "code", "parts"), WORDS, ids=[case[0].replace("/", "|") for case in WORDS])
def test_one_clear_line(words: str, code: int, parts: tuple[str, ...]) -> None:
    json = ["--json"] if words.split()[0] in ("simulate", "resume", "evaluate") and "--config" not in words.split()[-1] else []
    check_refused(command(*words.split(), *json), code, *parts)
    assert not Path("runs").exists()


def test_cuda_that_is_not_there() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    check_refused(command("simulate", "device=cuda"), 2, "device=cuda", "device=cpu")
    assert not Path("runs").exists()


def test_combination_that_only_the_first_update_can_refuse() -> None:
    """The run directory made by then is taken back."""
    check_refused(command("simulate", "rule=ccl", "rule.loss=maps", *TINY_WORDS), 2, "rule.loss=maps", "network=autoencoder", lines=2)
    assert list(Path("runs").iterdir()) == []


def test_network_larger_than_the_memory() -> None:
    check_refused(command("simulate", "network.hidden=[1000000000000000]"), 1, "not enough memory", "smaller network")
    assert not Path("runs").exists()


def test_memory_that_runs_out_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*args: Any, **kwargs: Any) -> None:
        torch.empty(2**58)

    monkeypatch.setattr(LoopEngine, "advance", greedy)
    check_refused(command("simulate", *TINY_WORDS), 1, "not enough memory", lines=2)


def test_defects_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not the user's fault is not dressed up as if it were."""

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(LoopEngine, "advance", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        command("simulate", *TINY_WORDS)


# --- data files ----------------------------------------------------------------------------------------------------------


def idx(values: np.ndarray) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.astype(np.uint8).tobytes()


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """A small data set in MNIST's files, the first of them compressed."""
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for part, n in (("train", 60), ("t10k", 30)):
        images, labels = draw.integers(0, 256, (n, 28, 28)), np.arange(n) % 10
        (raw / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return raw


MNIST_WORDS = ("data=mnist", "data.root=data", "network.hidden=[4]", "epochs=1", "probes=[]", "run.figures=false")


def test_files_that_are_whole(mnist: Path) -> None:
    assert command("simulate", *MNIST_WORDS).code == 0


def change(position: int, value: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:position] + bytes([value]) + content[position + 1 :]


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("train-images-idx3-ubyte.gz", lambda content: content[:1000]),
        ("train-images-idx3-ubyte.gz", lambda content: content[:-100] + bytes(100)),
        ("train-images-idx3-ubyte.gz", lambda content: b""),
        ("train-images-idx3-ubyte.gz", lambda content: gzip.compress(gzip.decompress(content)[:-1])),
        ("train-labels-idx1-ubyte", lambda content: content[:-1]),
        ("train-labels-idx1-ubyte", lambda content: content + b"\0"),
        ("train-labels-idx1-ubyte", lambda content: content[:6]),
        ("train-labels-idx1-ubyte", change(2, 13)),
        ("train-labels-idx1-ubyte", change(3, 3)),
        ("train-labels-idx1-ubyte", change(20, 10)),
        ("t10k-labels-idx1-ubyte", lambda content: idx(np.zeros(29))),
    ],
)
def test_damaged_idx_file(mnist: Path, file: str, damage: Callable[[bytes], bytes]) -> None:
    (mnist / file).write_bytes(damage((mnist / file).read_bytes()))
    check_refused(command("simulate", *MNIST_WORDS), 2)
    assert not Path("runs").exists()


def test_truncated_cifar(tmp_path: Path) -> None:
    batches = tmp_path / "data" / "cifar-10-batches-bin"
    batches.mkdir(parents=True)
    names = [*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin"]
    for name in names:
        with open(batches / name, "wb") as file:
            file.truncate(30_730_000)  # sparse
    words = ("simulate", "data=cifar10", "data.root=data")
    os.truncate(batches / "data_batch_3.bin", 30_729_999)
    check_refused(command(*words), 2, "data_batch_3.bin", "30729999 bytes", "truncated or corrupt")
    (batches / "test_batch.bin").unlink()
    os.truncate(batches / "data_batch_3.bin", 30_730_000)
    check_refused(command(*words), 2, "no test_batch.bin")


# --- run directories -----------------------------------------------------------------------------------------------------


@pytest.fixture
def finished() -> Path:
    """A finished run."""
    simulator = started({})
    to_the_end(simulator)
    return folder(simulator)


FILES = ("checkpoints/last.safetensors", "checkpoints/best.safetensors", "metrics.parquet", "summary.json", "config.yaml")


@pytest.mark.parametrize("how", ["truncated", "empty", "nonsense"])
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("verb", ["evaluate", "plot"])
def test_damaged_file_of_a_finished_run(finished: Path, verb: str, file: str, how: str) -> None:
    content = (finished / file).read_bytes()
    damaged = {"truncated": content[: len(content) // 2], "empty": b"", "nonsense": b"\x93\x00\xff nonsense" * 100}[how]
    if file == "config.yaml" and how == "truncated":
        damaged = content[:-3]  # half of a YAML file is often one; the checkpoint notices
    (finished / file).write_bytes(damaged)
    check_refused(command(verb, str(finished)), 1, str(finished))


@pytest.mark.parametrize("file", [file for file in FILES if file != "summary.json"])
def test_lost_file_of_a_finished_run(finished: Path, file: str) -> None:
    (finished / file).unlink()
    check_refused(command("evaluate", str(finished)), 1)


def test_lost_or_damaged_summary_is_written_anew(finished: Path) -> None:
    before = (finished / "summary.json").read_bytes()
    (finished / "summary.json").write_bytes(b"{")
    check_refused(command("resume", str(finished)), 1, "summary.json", "remove it", "bioplaus resume")
    (finished / "summary.json").unlink()
    check_refused(command("evaluate", str(finished)), 1, "not finished", "bioplaus resume")
    assert command("resume", str(finished)).code == 0
    a, b = yaml.safe_load(before), yaml.safe_load((finished / "summary.json").read_bytes())
    assert {k: v for k, v in a.items() if k != "seconds"} == {k: v for k, v in b.items() if k != "seconds"}


@pytest.mark.parametrize("how", ["truncated", "empty", "nonsense"])
@pytest.mark.parametrize("file", [file for file in FILES if file != "summary.json"])
def test_damaged_file_of_an_unfinished_run(file: str, how: str) -> None:
    path = interrupted({}, 7)
    content = (path / file).read_bytes()
    damaged = {"truncated": content[:-3], "empty": b"", "nonsense": b"\x93\x00\xff nonsense" * 100}[how]
    (path / file).write_bytes(damaged)
    check_refused(command("resume", str(path)), 1, str(path))
    (path / file).write_bytes(content)  # and nothing else was touched
    assert command("resume", str(path)).code == 0


def test_finished_run_is_not_resumed(finished: Path) -> None:
    check_refused(command("resume", str(finished)), 1, "is finished", "--config", "epochs=N")


def test_interrupted_run_is_not_evaluated() -> None:
    check_refused(command("evaluate", str(interrupted({}, 7))), 1, "not finished", "bioplaus resume")


@pytest.mark.parametrize("file", ["last.safetensors", "best.safetensors"])
def test_checkpoint_of_another_run(file: str) -> None:
    mine, other = interrupted({}, 7), interrupted({"rule.lr": 0.3}, 7)
    shutil.copy(other / "checkpoints" / file, mine / "checkpoints" / file)
    check_refused(command("resume", str(mine)), 1, file, "belongs to another configuration")


def test_configuration_changed_by_hand() -> None:
    path = interrupted({}, 7)
    text = (path / "config.yaml").read_text()
    (path / "config.yaml").write_text(text.replace("epochs: 3", "epochs: 30"))
    assert (path / "config.yaml").read_text() != text
    check_refused(command("resume", str(path)), 1, "belongs to another configuration")


def test_file_of_ours_that_is_no_checkpoint_of_a_run() -> None:
    path = interrupted({}, 7)
    checkpoint.save(path / "checkpoints" / "last.safetensors", {"w": torch.ones(2)}, {"note": 1})
    check_refused(command("resume", str(path)), 1, "belongs to another configuration")


def test_metrics_of_another_time() -> None:
    """Fewer rows than the checkpoint has counted."""
    early = interrupted({}, 3)
    late = interrupted({}, 12)
    shutil.copy(early / "metrics.parquet", late / "metrics.parquet")
    check_refused(command("resume", str(late)), 1, "metrics.parquet", "rows")


# --- places that cannot be written ---------------------------------------------------------------------------------------


def test_run_directory_that_cannot_be_made() -> None:
    Path("file").write_text("")
    check_refused(command("simulate", "run.root=file/below", *TINY_WORDS), 1, "cannot make the run directory", "run.root=DIR")


def test_read_only_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for root, who may write anywhere: the system's answer is played."""

    def refuse(self: Path, *args: Any, **kwargs: Any) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    check_refused(command("simulate", *TINY_WORDS), 1, "Read-only file system", "run.root=DIR")


class FullDisk:
    """Lets so many files be written, then there is no space left."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, files: int) -> None:
        self.left, self.replace = files, os.replace
        monkeypatch.setattr(os, "replace", self)

    def __call__(self, source: Any, target: Any) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.replace(source, target)


@pytest.mark.parametrize("files", range(3, 14))
def test_disk_that_fills_up_while_training(files: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """3 files at the start, 3 per epoch, 2 at the end: whichever fails, resuming with space gives the whole run."""
    whole = started({})
    to_the_end(whole)
    with monkeypatch.context() as patch:
        FullDisk(patch, files)
        answer = command("simulate", *TINY_WORDS)
        check_refused(answer, 1, "No space left on device", "bioplaus resume", lines=10)
    (path,) = (path for path in Path("runs").iterdir() if path.name != folder(whole).name)
    assert not (path / "summary.json").exists() and not list(path.rglob("*.tmp"))
    assert command("resume", str(path)).code == 0
    check_same(folder(whole), path.resolve())


@pytest.mark.parametrize("files", range(2))
def test_disk_that_is_full_before_training(files: int, monkeypatch: pytest.MonkeyPatch) -> None:
    FullDisk(monkeypatch, files)
    check_refused(command("simulate", *TINY_WORDS), 1, "No space left on device", "nothing was trained", "run.root=DIR")
    assert list(Path("runs").iterdir()) == []


def test_failed_write_leaves_the_last_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    path = interrupted({}, 7)
    before = {file: file.read_bytes() for file in (path / "checkpoints").iterdir()}

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        check_refused(command("resume", str(path)), 1, "No space left on device", lines=10)
    assert {file: file.read_bytes() for file in (path / "checkpoints").iterdir()} == before
    assert reopened(path).packs[0].world.step == 7


def test_output_that_cannot_be_printed() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    where = {**os.environ, "PYTHONPATH": str(ROOT)}
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "bioplaus", "list"], env=where, stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    check_refused(Answer(done.returncode, "", done.stderr), 1, "cannot be printed", "No space left on device")
