"""A page in headless Chromium: at a width, in light or dark, with what is measured in it."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS = 60.0
_DARK, _LIGHT = 0, 1
# The window of a headless Chromium is never as narrow as a phone, an inner frame is.
_FRAME = """<!doctype html><body style="margin:0">
<iframe id="frame" width="{width}" height="6000" style="border:0"></iframe><script>
const frame = document.getElementById("frame");
frame.onload = () => {{
  const page = frame.contentDocument, root = page.documentElement;
  const colour = (element, name) => frame.contentWindow.getComputedStyle(element)[name];
  const found = {{
    scrollWidth: root.scrollWidth,
    clientWidth: root.clientWidth,
    tooWide: [...page.querySelectorAll("svg,figure,.strip,h1,p,td")]
      .filter((one) => one.getBoundingClientRect().right > root.clientWidth)
      .map((one) => one.outerHTML.slice(0, 80)),
    charts: page.querySelectorAll("svg").length,
    heights: [...page.querySelectorAll("svg")].map((one) => one.getBoundingClientRect().height),
    smallest: Math.min(...[...page.querySelectorAll("p,span,dt,td")].map((one) => parseFloat(colour(one, "fontSize")))),
    verdict: colour(page.querySelector("header .verdict"), "backgroundColor"),
    card: colour(page.querySelector("section"), "backgroundColor"),
    ink: colour(page.querySelector("dd"), "color"),
    quiet: colour(page.querySelector("section .quiet"), "color"),
    lines: [...page.querySelectorAll("path.line")].map((one) => colour(one, "stroke")),
  }};
  const told = document.createElement("pre");
  told.textContent = JSON.stringify(found);
  document.body.appendChild(told);
}};
frame.src = "/page";
</script></body>"""


def chromium() -> str:
    """The program; where there is none the test is skipped, but in CI it fails."""
    found = next((path for name in _PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        message = f"the page is looked at in a browser: install Chromium, so that one of {_PROGRAMS} is on PATH"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    assert found is not None
    return found


def measured(page: str, folder: Path, *, width: int, dark: bool = False) -> tuple[dict[str, Any], list[str]]:
    """Show a page, and return what is measured in it, and everything that the browser asked the server for."""
    with _served(page, width) as (url, asked):
        out = _run(url, folder, dark)
    found = re.search(r"<pre>(.*?)</pre>", out, re.DOTALL)
    assert found is not None, out[-500:]
    return json.loads(html.unescape(found[1])), asked


def _run(url: str, folder: Path, dark: bool) -> str:
    scheme = _DARK if dark else _LIGHT
    options = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom")
    command = [chromium(), *options, f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000"]
    done = subprocess.run(
        [*command, f"--blink-settings=preferredColorScheme={scheme}", url],
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    return done.stdout


@contextmanager
def _served(page: str, width: int) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = {"/": _FRAME.format(width=width), "/page": page}.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
