"""Ctrl-C ends the server at once, whatever was opened; an address is told only where there is one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection

import pytest

from bioplaus.cli import main

pytest.importorskip("marimo", reason="marimo is not installed")


def _start(port: int) -> subprocess.Popen[bytes]:
    server = subprocess.Popen([sys.executable, "-m", "bioplaus", "ui", f"port={port}"], env={**os.environ, "OMP_NUM_THREADS": "1"})
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.2)
    server.kill()
    raise AssertionError("the server did not start")


@pytest.fixture
def free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_ctrl_c_ends_it_while_a_browser_has_a_page_open(free: int) -> None:
    """A page is there when its cells have run, which it tells over the websocket; then its kernel waits in a thread for what is clicked."""
    websockets = pytest.importorskip("websockets.sync.client", reason="websockets is not installed")
    server = _start(free)
    try:
        page = HTTPConnection("127.0.0.1", free, timeout=60)
        page.request("GET", "/")
        assert page.getresponse().status == 200
        with websockets.connect(f"ws://127.0.0.1:{free}/ws?session_id=s_tested", origin=f"http://127.0.0.1:{free}") as browser:
            while "completed-run" not in str(browser.recv(timeout=60)):
                pass
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0
    finally:
        server.kill()
        server.wait(10)


def test_no_address_is_told_where_the_port_is_taken(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SystemExit, match="1"):
            main(["ui", f"port={other.getsockname()[1]}"])
    said = capfd.readouterr().err
    assert "cannot be used" in said and "open http" not in said
