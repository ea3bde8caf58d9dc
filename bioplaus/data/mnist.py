"""MNIST handwritten digits (LeCun, Bottou, Bengio & Haffner 1998)."""

from __future__ import annotations

from bioplaus.data.idx_set import IdxSet

__all__ = ["SUMMARY", "locate", "read"]

SUMMARY = "handwritten digits 1x28x28, 10 classes, 60000 train + 10000 test images; IDX files in MNIST/raw"
FILES = IdxSet(folder="MNIST/raw", mean=0.1307, std=0.3081)
locate, read = FILES.locate, FILES.read
