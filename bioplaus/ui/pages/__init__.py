"""One page per file; each is a marimo notebook that `bioplaus.ui.serve` shows without its code."""
