"""Pages in a language that is read from right to left: nothing overflows, and what points forwards points to the left.

Almanac speaks none yet; here it takes Arabic for one of its own, with English words.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import Visit, sign_in
from tests.browser.test_every_page import SiteMap, looks, site_map
from webapp.core import languages
from webapp.web import languages as catalogs

__all__ = ["site_map"]  # a fixture

# What sticks out, or is on the side where lines end although it belongs to where they begin.
CHECKS = """() => {
  const wrong = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) wrong.push(`the page is wider than the window: ${scrollWidth}`);
  if (getComputedStyle(document.body).direction !== 'rtl') wrong.push('the page runs from left to right');
  const scrolls = (element) => {
    for (let at = element; at; at = at.parentElement)
      if (/auto|scroll/.test(getComputedStyle(at).overflowX)) return true;
    return false;
  };
  const edges = (element) => element.getBoundingClientRect();
  for (const element of document.querySelectorAll('main *')) {
    const { left, right, width } = edges(element);
    if (!width || !element.checkVisibility() || element.closest('.visually-hidden') || scrolls(element)) continue;
    if (left < -1 || right > clientWidth + 1) wrong.push(`${element.tagName}.${element.className} sticks out`);
  }
  const earlier = document.getElementById('earlier'), later = document.getElementById('later');
  if (earlier && later && edges(earlier).left < edges(later).left) wrong.push('earlier is left of later');
  return wrong;
}"""


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
    for address in site_map.addresses[who]:
        for look in looks(page, address):
            if found := page.evaluate(CHECKS):
                wrong[f"{address} {look}"] = found
    assert wrong == {}
