"""Experiments: one module per published claim; ``bioplaus reproduce list`` names them."""
