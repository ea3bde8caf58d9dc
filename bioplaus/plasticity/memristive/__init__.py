"""Weights that are conductances of memristive devices: arrays, cells, pulses, and what is counted."""
