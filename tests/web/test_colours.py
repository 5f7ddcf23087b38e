"""Text can be read on its ground: contrasts of WCAG 2.2 AA, computed from the design tokens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOKENS = (Path(__file__).resolve().parents[2] / "webapp" / "static" / "css" / "tokens.css").read_text()
GROUNDS = ("paper", "surface", "sunken")
# Text, and the grounds it stands on.
TEXTS = {
    "ink": (*GROUNDS, "accent-soft", "danger-soft", "warning-soft", "info-soft"),
    "ink-soft": GROUNDS,
    "accent": (*GROUNDS, "accent-soft"),
    "accent-hover": GROUNDS,
    "danger": (*GROUNDS, "danger-soft"),
    "warning": (*GROUNDS, "warning-soft"),
    "info": (*GROUNDS, "info-soft"),
    "on-accent": ("accent", "accent-hover"),
    "surface": ("danger",),
}
# The edges of fields, and what shows where the focus is.
EDGES = {"line-strong": GROUNDS[:2], "accent": GROUNDS}


def _palette(scheme: str) -> dict[str, str]:
    light, dark = TOKENS.split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", light))
    return found if scheme == "light" else found | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark))


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_the_formula_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXTS, 4.5), (EDGES, 3.0)])
def test_colours_stand_out_from_their_ground(scheme: str, pairs: dict[str, tuple[str, ...]], least: float) -> None:
    palette = _palette(scheme)
    poor = {
        (colour, ground): round(ratio, 2)
        for colour, grounds in pairs.items()
        for ground in grounds
        if (ratio := contrast(palette[colour], palette[ground])) < least
    }
    assert poor == {}
