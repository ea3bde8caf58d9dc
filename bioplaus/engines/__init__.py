"""Engines: inner loops. The default is a Python loop; compiled ones enter through the same door."""
