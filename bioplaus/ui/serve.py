"""The server of the pages: on this machine alone, one address, the pages by their names."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

from bioplaus.errors import ConfigError, RunError

__all__ = ["HOST", "PAGES", "application", "serve"]

#: Nobody but this machine: a page runs what it is asked to run.
HOST = "127.0.0.1"
#: Path of a page in the browser -> its file.
PAGES = {"/": "train.py", "/recall": "recall.py"}


def application() -> Any:
    """Return the pages as one ASGI application.

    Raises
    ------
    ConfigError
        If marimo is not installed.
    """
    try:
        import marimo
    except ImportError:
        raise ConfigError("the pages need marimo; install it with: pip install 'bioplaus[ui]'") from None
    made = marimo.create_asgi_app(include_code=False, quiet=True)
    folder = Path(__file__).parent / "pages"
    for path, file in sorted(PAGES.items(), reverse=True):  # the longer path first: "/" is the beginning of all
        made = made.with_app(path=path, root=str(folder / file))
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    # a name that a foreign page makes point here is not ours
    return TrustedHostMiddleware(made.build(), allowed_hosts=[HOST, "localhost"])


def serve(port: int = 8747) -> None:
    """Say where the pages are, serve them until Ctrl-C, and end the program: this does not return.

    Raises
    ------
    ConfigError
        If the port is no port, or marimo is missing.
    RunError
        If the port is taken.
    """
    if not 0 < port < 65536:
        raise ConfigError(f"port={port} must be a whole number from 1 to 65535")
    app = application()
    import uvicorn

    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind((HOST, port))
        except OSError as error:
            raise RunError(f"port {port} of {HOST} cannot be used ({error.strerror}); take another with port=N") from error
    addresses = ", ".join(f"http://{HOST}:{port}{path}" for path in PAGES)
    print(f"open {addresses} in a browser; Ctrl-C ends", file=sys.stderr, flush=True)
    uvicorn.run(app, host=HOST, port=port, log_level="warning")
    # every page that was opened has left a thread behind that waits for its browser, or trains, and Python would wait for it; nothing is kept
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
