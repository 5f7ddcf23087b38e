"""Pages in a language that is read from right to left: nothing overflows, and what points forwards points to the left.

Almanac speaks none yet; here it takes Arabic for one of its own, with English words. These are some pages as they come
from the server; that every page can be turned is held by test_every_page.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import Visit, sign_in
from tests.browser.test_every_page import SiteMap, looks, site_map
from tests.browser.turned import CHECKS
from webapp.core import languages
from webapp.web import languages as catalogs

__all__ = ["site_map"]  # a fixture


@pytest.fixture
def arabic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = tmp_path / "ar" / "LC_MESSAGES" / "messages.po"
    words.parent.mkdir(parents=True)
    words.touch()
    monkeypatch.setattr(catalogs, "TRANSLATIONS", tmp_path)
    monkeypatch.setattr(languages, "LANGUAGES", (*languages.LANGUAGES, "ar"))


@pytest.mark.usefixtures("arabic")
@pytest.mark.parametrize("who", ["guest", "host", "operator"])
def test_pages_turn_around_and_fit(visit: Visit, site_map: SiteMap, who: str) -> None:
    page = visit("/sign-in", locale="ar")
    if who != "guest":
        sign_in(page, site_map.host)
    wrong: dict[str, list[str]] = {}
    for address in site_map.addresses[who][1::6]:
        for look in looks(page, address):
            if found := page.evaluate(CHECKS):
                wrong[f"{address} {look}"] = found
    assert wrong == {}
