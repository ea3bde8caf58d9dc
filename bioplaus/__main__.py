"""``python -m bioplaus``."""

from bioplaus.cli import main

main()
