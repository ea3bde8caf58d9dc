"""Probes: what is measured while a run goes on."""
