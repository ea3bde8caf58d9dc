"""Connections: how activity travels through synapses."""

from bioplaus.connections.base import Connection
from bioplaus.connections.conv2d import Conv2dConnection
from bioplaus.connections.dense import DenseConnection

__all__ = ["Connection", "Conv2dConnection", "DenseConnection"]
