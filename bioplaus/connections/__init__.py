"""Connections: how activity travels through synapses."""

from bioplaus.connections.base import Connection
from bioplaus.connections.conv2d import Conv2dConnection
from bioplaus.connections.delayed import DelayedConnection
from bioplaus.connections.dense import DenseConnection
from bioplaus.connections.recurrent import RecurrentConnection
from bioplaus.connections.sparse import SparseConnection
from bioplaus.connections.transposed import TransposedConnection

__all__ = [
    "Connection",
    "Conv2dConnection",
    "DelayedConnection",
    "DenseConnection",
    "RecurrentConnection",
    "SparseConnection",
    "TransposedConnection",
]
