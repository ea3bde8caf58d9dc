"""``bioplaus export RUN``: the trained network of one seed as a file for other programs, checked against the run before it is kept."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bioplaus import api
from bioplaus.errors import ConfigError, RunError
from bioplaus.export.nir_graph import graph
from bioplaus.export.program import Plain, of_one, program
from bioplaus.registry import nearest
from bioplaus.world import Model, World

__all__ = ["FORMATS", "Exported", "export"]

#: format -> ending of its files, packages it needs
FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "torch": (".pt2", ()),
    "onnx": (".onnx", ("onnx", "onnxscript")),
    "nir": (".nir", ("nir",)),
}
#: Test images that a file is checked with, and the difference allowed, in parts of the largest output.
CHECKED, TOLERANCE = 64, 1e-4


@dataclass(frozen=True)
class Exported:
    """What was written: plain data, and words."""

    values: dict[str, Any]
    text: str


def export(path: str | Path, format: str = "torch", out: str | Path | None = None, seed: int | None = None) -> Exported:
    """Write the selected weights of one seed of a finished run as a program of its own.

    Parameters
    ----------
    path
        Run directory.
    format
        torch (an exported program, ``torch.export.load``), onnx, or nir (spiking networks).
    out
        File; ``export/network-seedN`` with the format's ending in the run by default.
    seed
        The first seed of the run by default.

    Raises
    ------
    ConfigError, RunError
        One line: another format, a seed that is not there, a package that is missing, a network that cannot be written in this format.
    """
    if format not in FORMATS:
        raise ConfigError(f"format={format} is not known{nearest(format, list(FORMATS))} Choose {', '.join(FORMATS)}")
    ending, packages = FORMATS[format]
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f"format={format} needs {' and '.join(missing)}: pip install {' '.join(missing)}")
    result = api.load(path)
    simulator = result.simulator
    seed = simulator.seeds[0] if seed is None else seed
    if seed not in simulator.seeds:
        raise ConfigError(f"seed={seed} is not in this run; it has {', '.join(map(str, simulator.seeds))}")
    pack = next(one for one in simulator.packs if seed in one.model.seeds)
    model, world = of_one(pack.model, pack.best.into(pack.world), pack.model.seeds.index(seed))
    spiking = any(layer.neuron.spiking for layer in model.networks["forward"].layers)
    if spiking != (format == "nir"):
        other = "format=nir is for them" if spiking else "format=torch or onnx is for others"
        raise ConfigError(f"format={format} and {'spiking' if spiking else 'static'} units do not go together; {other}")
    file = Path(out).expanduser() if out is not None else Path(path).expanduser() / "export" / f"network-seed{seed}{ending}"
    values: dict[str, Any] = {"run": str(path), "format": format, "seed": seed, "file": str(file)}
    with _quiet():
        content, text, more = (_spiking if spiking else _static)(result, model, world, format, simulator.seeds.index(seed))
    _write(file, content)
    return Exported({**values, **more}, f"{text}\nwritten: {file}")


def _static(result: api.Result, model: Model, world: World, format: str, position: int) -> tuple[bytes, str, dict[str, Any]]:
    """Return the file of a network of static units, what to do with it, and how close it comes to the run."""
    splits = result.simulator.splits
    pixels = _pixels(splits)
    module = Plain(model, world, splits)
    made = program(module, pixels[: min(3, len(pixels))])
    expected = result.predict(result.scale(pixels.numpy()))[position]
    buffer = io.BytesIO()
    if format == "torch":
        torch.export.save(made, buffer)
        buffer.seek(0)
        found = torch.export.load(buffer).module()(pixels).detach().numpy()
        use = "torch.export.load(FILE).module()(pixels)"
    else:
        found, content = _onnx(made, pixels)
        buffer.write(content)
        use = 'onnxruntime.InferenceSession(FILE).run(None, {"pixels": pixels})'
    error = _difference(found, expected)
    shapes = [" x ".join(["N", *map(str, shape)]) for shape in (splits.shape, expected.shape[1:])]
    text = f"{use}: pixels in 0..1, {shapes[0]}, float32; outputs {shapes[1]}\n"
    text += f"equal to the run on {len(pixels)} test images to {error:.1g} of the largest output"
    return buffer.getvalue(), text, {"difference": error, "images": len(pixels)}


def _onnx(made: torch.export.ExportedProgram, pixels: Tensor) -> tuple[NDArray[Any], bytes]:
    """Return what the ONNX form of a program answers by the reference evaluator, and its bytes."""
    from onnx.reference import ReferenceEvaluator

    try:
        written = torch.onnx.export(made, dynamo=True, input_names=["pixels"], output_names=["outputs"], verbose=False)
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise RunError(f"format=onnx: torch cannot write this network as ONNX ({reason}); format=torch can") from error
    assert written is not None
    proto = written.model_proto
    for part in (proto.graph, *proto.functions):
        for entry in (*part.node, *getattr(part, "value_info", ())):
            del entry.metadata_props[:]  # paths of this machine
    drawn = proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param  # a name such as s81, told to whoever opens the file
    for value in (*proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        for side in value.type.tensor_type.shape.dim:
            if side.dim_param == drawn:
                side.dim_param = "images"
    answered: Any = ReferenceEvaluator(proto).run(None, {"pixels": pixels.numpy()})
    return answered[0], proto.SerializeToString()


def _spiking(result: api.Result, model: Model, world: World, format: str, position: int) -> tuple[bytes, str, dict[str, Any]]:
    """Return the file of a spiking network, what a reader has to know, and the same as data."""
    import nir

    splits, network = result.simulator.splits, model.networks["forward"]
    encoding = result.simulator.feeds.test.encoding
    config = network.layers[-1].neuron.config
    note = {
        "encode": "direct" if encoding is None else encoding.kind,
        "steps": config.steps,
        "mean": list(splits.mean),
        "std": list(splits.std),
        "loss": config.loss,
    }
    with tempfile.TemporaryDirectory() as folder:  # its writer wants a file of its own
        nir.write(Path(folder) / "graph.nir", graph(network, world.params, note))
        content = (Path(folder) / "graph.nir").read_bytes()
    reset = network.layers[0].neuron.config.reset
    text = f"nir.read(FILE): {config.steps} steps, inputs encode={note['encode']} after (pixels - {note['mean']}) / {note['std']}"
    if reset == "subtract":
        text += "\nnote: a spike subtracts the threshold here, and NIR only knows a reset to a value: tell the reader (metadata of the nodes)"
    return content, text, note


def _pixels(splits: Any) -> Tensor:
    """Return the first test images as pixels in 0..1."""
    x = np.asarray(splits.test_x if splits.seeds is None else splits.test_x[0])[:CHECKED]
    channels = (-1, *[1] * (x.ndim - 2)) if len(splits.mean) > 1 else (1,) * (x.ndim - 1)
    mean, std = (np.asarray(v, np.float32).reshape(channels) for v in (splits.mean, splits.std))
    return torch.from_numpy((x * std + mean).astype(np.float32))


def _difference(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the largest difference in parts of the largest output.

    Raises
    ------
    RunError
        If it is more than rounding.
    """
    if found.shape != expected.shape:
        raise RunError(f"what was exported answers {found.shape}, the run {expected.shape}; nothing was written")
    error = float(np.abs(found - expected).max() / max(float(np.abs(expected).max()), 1e-30))
    if not error <= TOLERANCE:
        raise RunError(f"what was exported differs from the run by {error:.1g} of the largest output; nothing was written")
    return error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporters of torch say about themselves off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _write(file: Path, content: bytes) -> None:
    from bioplaus.checkpoint import atomic

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {file.parent}: {os.strerror(error.errno or 0)}; choose another file with out=FILE") from error
    atomic(file, lambda temporary: _put(temporary, content))


def _put(file: Path, content: bytes) -> None:
    file.write_bytes(content)
