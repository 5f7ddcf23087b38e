"""What holds on a page that is read from right to left."""

from __future__ import annotations

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

# The same of a page that is read from left to right, turned for as long as it takes.
TURNED = f"""() => {{
  document.documentElement.dir = 'rtl';
  try {{ return ({CHECKS})(); }} finally {{ document.documentElement.dir = 'ltr'; }}
}}"""
