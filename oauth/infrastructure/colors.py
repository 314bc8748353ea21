"""Brand colors: the contrast of text in them, and their shades for light and dark pages (WCAG 2.2)."""

import re
from dataclasses import dataclass

#: WCAG 2.2 §1.4.3: the minimum contrast between text and background.
LEAST_CONTRAST = 4.5
# Colors in static/oauth/pages.css: the backgrounds on which text has the brand color, and the color of text on it.
_LIGHT_GROUND, _DARK_SURFACE = "#f4f6f9", "#161f30"
_WHITE, _DARK_INK = "#ffffff", "#0b1730"


@dataclass(frozen=True, slots=True)
class Shades:
    """`accent` is for links and buttons, `ink` for text on `accent`, `soft` for matching backgrounds."""

    accent: str
    ink: str
    soft: str


def is_color(text: str) -> bool:
    """Whether `text` has the form `#rrggbb`."""
    return re.fullmatch(r"#[0-9a-fA-F]{6}", text) is not None


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colors, from 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def legibility(color: str) -> float:
    """The lowest contrast of the color on a light page, which must be at least LEAST_CONTRAST."""
    light = _light(color)
    return min(contrast(color, _LIGHT_GROUND), contrast(color, light.soft), contrast(light.accent, light.ink))


def shades(color: str) -> tuple[Shades, Shades]:
    """Returns the shades for light pages and for dark pages, for which the color is lightened until it is legible."""
    return _light(color), _dark(color)


def _light(color: str) -> Shades:
    return Shades(color.lower(), _WHITE, _mixed(color, _WHITE, 0.1))


def _dark(color: str) -> Shades:
    soft = _mixed(color, _DARK_SURFACE, 0.25)
    for step in range(21):
        accent = _mixed(_WHITE, color, step / 20)
        if min(contrast(accent, ground) for ground in (_DARK_SURFACE, soft, _DARK_INK)) >= LEAST_CONTRAST:
            return Shades(accent, _DARK_INK, soft)
    raise AssertionError(color)  # not reached: white always passes


def _mixed(color: str, other: str, share: float) -> str:
    """Mixes two colors; `share` is the part of `color`."""
    mixed = (round(share * a + (1 - share) * b) for a, b in zip(_rgb(color), _rgb(other), strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (part / 255 for part in _rgb(color))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
