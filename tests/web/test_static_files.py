"""Styles and scripts are kept by browsers for good, and named anew when they change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

STATIC = Path(__file__).resolve().parents[2] / "webapp" / "static"

# The job dashboard's pages are another project's, with colours of their own.
OURS = sorted(path for path in (STATIC / "css").glob("*.css") if path.name not in {"tokens.css", "rq-dashboard.css"})


def test_pages_name_static_files_by_their_content(client: FlaskClient) -> None:
    page = client.get("/sign-in").text
    address = re.search(r'href="(/static/css/base\.css\?v=\w+)"', page)
    assert address
    answer = client.get(address[1], buffered=True)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "immutable" not in client.get("/static/css/base.css", buffered=True).headers["Cache-Control"]
    assert "immutable" not in client.get("/static/css/none.css?v=1").headers.get("Cache-Control", "")


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_colours_are_tokens(path: Path) -> None:
    """Only the tokens say what a colour is, so that light and dark cannot drift apart."""
    styles = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", styles) == []
    # Where things stand, and how much a minute is: no colours.
    numbers = "".join((STATIC / f"css/calendar{part}.css").read_text() for part in ("", "-places"))
    known = set(re.findall(r"(--[\w-]+):", (STATIC / "css/tokens.css").read_text() + numbers + styles))
    assert set(re.findall(r"var\((--[\w-]+)", styles)) - known == set()


def test_every_colour_has_its_counterpart_in_the_dark() -> None:
    light, dark = (STATIC / "css/tokens.css").read_text().split("prefers-color-scheme: dark")
    assert set(re.findall(r"(--[\w-]+): #", light)) == set(re.findall(r"(--[\w-]+): #", dark))


@pytest.mark.parametrize(
    "path", sorted(STATIC.rglob("*.css")) + sorted(STATIC.rglob("*.js")), ids=lambda path: path.name
)
def test_files_stay_small_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_scripts_import_nothing(client: FlaskClient) -> None:
    """An import without its version would load a file a second time, and all it does would happen twice."""
    for path in STATIC.rglob("*.js"):
        assert not re.search(r"^\s*import\b", path.read_text(), flags=re.MULTILINE), path
