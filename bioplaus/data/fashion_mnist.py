"""Fashion-MNIST (Xiao, Rasul & Vollgraf 2017, arXiv:1708.07747)."""

from __future__ import annotations

from bioplaus.data.idx_set import IdxSet

__all__ = ["SUMMARY", "locate", "read"]

SUMMARY = "clothing 1x28x28, 10 classes, 60000 train + 10000 test images; IDX files in FashionMNIST/raw"
FILES = IdxSet(folder="FashionMNIST/raw", mean=0.2860, std=0.3530)
locate, read = FILES.locate, FILES.read
