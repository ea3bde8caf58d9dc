"""The pages, started as a user starts them and clicked through in a browser without a window; the server listens to this machine alone."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
PATIENCE = 180_000


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "bioplaus", "ui", f"port={found}"], env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", found)) == 0:
                    break
            time.sleep(0.2)
        else:
            raise AssertionError("the server did not start")
        yield found
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def page() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        opened = browser.new_page()
        opened.set_default_timeout(PATIENCE)
        yield opened
        browser.close()


def _answer(port: int, host: str, name: str) -> bytes:
    with socket.create_connection((host, port), timeout=10) as line:
        line.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        return line.recv(64)


def test_the_server_listens_to_this_machine_alone(port: int) -> None:
    assert b"200" in _answer(port, "127.0.0.1", f"127.0.0.1:{port}")
    assert b"400" in _answer(port, "127.0.0.1", "elsewhere.example")
    outside = {entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in outside:
        with socket.socket() as line:
            line.settimeout(5)
            assert line.connect_ex((address, port)) != 0


def test_a_network_learns_on_the_first_page(port: int, page: Any) -> None:
    page.goto(f"http://127.0.0.1:{port}/")
    page.get_by_text("Nothing is running.").wait_for()
    page.get_by_role("combobox").first.select_option("perforated")
    page.get_by_role("button", name="Train").click()
    page.get_by_text("perforated cannot run this").wait_for()
    page.get_by_role("combobox").first.select_option("top")
    page.get_by_role("button", name="Train").click()
    page.get_by_text("Done.").wait_for()
    assert page.get_by_text("bioplaus simulate rule=top").count() == 1
    assert page.locator("img").count() >= 2


def test_patterns_are_recalled_on_the_second_page(port: int, page: Any) -> None:
    page.goto(f"http://127.0.0.1:{port}/recall")
    page.get_by_text("Press Recall.").wait_for()
    page.get_by_role("button", name="Recall").click()
    page.get_by_text("Done.").wait_for()
    assert page.get_by_text("theory").count() >= 1 and page.locator("img").count() >= 2
