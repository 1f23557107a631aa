"""Icons with a name and search words each, from the archive of fontawesomefree: pictures and the words for them.

Icons by Font Awesome, CC BY 4.0, fonts under the SIL Open Font License 1.1. Brands are left out: they are trademarks.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bertcourse.data.archives import read_member
from bertlib.data.splits import content_key

FOLDER = "fontawesomefree"
SIZE = 32  # pixels a side
MENDED = {"uer": "user"}  # in 6.6.0 a search word of 123 icons; "user" belongs to none of them
SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}
BOX = "notdef"  # an icon that shows what a font draws for a character it lacks: it cannot be told from a fault
CREDIT = "Icons: Font Awesome Free 6.6.0 by @fontawesome, CC BY 4.0"


@dataclass(frozen=True)
class Icon:
    """An icon.

    Attributes:
        name: such as "user-plus". label: such as "User Plus". terms: search words, the label's own left out.
        character: where it stands in the font. categories: those it is filed under, perhaps none.
        concept: the number of the group of icons that show the same thing; see `concepts`.
    """

    name: str
    label: str
    terms: tuple[str, ...]
    character: str
    categories: tuple[str, ...]
    concept: int

    @property
    def words(self) -> tuple[str, ...]:
        """Label and terms, each once, in lower case."""
        return tuple(dict.fromkeys((self.label.lower(), *self.terms)))


def read_categories(content: str) -> dict[str, list[str]]:
    """Of each icon the categories, from categories.yml: a plain list of lists, read without a YAML library."""
    found: dict[str, list[str]] = {}
    category = ""
    for line in content.splitlines():
        if line and not line.startswith(" "):
            category = line.strip().rstrip(":")
        elif line.strip().startswith("- "):
            found.setdefault(line.strip()[2:].strip("'\""), []).append(category)
    return found


def concepts(names: Sequence[str], terms: Sequence[Sequence[str]]) -> list[int]:
    """Of each icon the number of its concept: icons are joined that share the rarest part of their names, or all terms.

    "anchor-lock" stands with "anchor", not with "user-lock": fewer icons have the part "anchor" than "lock".
    """
    parts = [name.split("-") for name in names]
    often = Counter(part for own in parts for part in set(own))
    groups = list(range(len(names)))

    def root(number: int) -> int:
        while groups[number] != number:
            number = groups[number]
        return number

    first: dict[object, int] = {}
    for number, (own, words) in enumerate(zip(parts, terms, strict=True)):
        keys: list[object] = [min(own, key=lambda part: (often[part], part))]
        keys += [frozenset(words)] if words else []
        for key in keys:
            groups[root(number)] = root(first.setdefault(key, number))
    return [root(number) for number in range(len(names))]


@cache
def load_icons() -> tuple[Icon, ...]:
    """The 1,394 solid icons that can be drawn, in the order of their names."""
    about: Mapping[str, dict] = json.loads(
        read_member("fontawesomefree", f"{FOLDER}/static/{FOLDER}/metadata/icons.json")
    )
    filed = read_categories(
        read_member("fontawesomefree", f"{FOLDER}/static/{FOLDER}/metadata/categories.yml").decode("utf-8")
    )
    names = sorted(name for name, own in about.items() if "solid" in own["free"] and name != BOX)
    terms = []
    for name in names:
        own = (MENDED.get(term, term).lower() for term in map(str, about[name]["search"]["terms"]))
        terms.append(tuple(dict.fromkeys(term for term in own if term != about[name]["label"].lower())))
    return tuple(
        Icon(
            name,
            about[name]["label"],
            own,
            chr(int(about[name]["unicode"], 16)),
            tuple(filed.get(name, ())),
            concept,
        )
        for name, own, concept in zip(names, terms, concepts(names, terms), strict=True)
    )


@cache
def icon_split() -> dict[str, tuple[int, ...]]:
    """Numbers of icons for train, validation and test: whole concepts, in the order of a hash of their names."""
    icons = load_icons()
    members: dict[int, list[int]] = {}
    for number, icon in enumerate(icons):
        members.setdefault(icon.concept, []).append(number)
    ordered = sorted(members.values(), key=lambda own: content_key(icons[own[0]].name))
    splits: dict[str, list[int]] = {name: [] for name in SHARES}
    for own in ordered:  # each to the split that lacks most of its share
        lacks = {name: share * len(icons) - len(splits[name]) for name, share in SHARES.items()}
        splits[max(lacks, key=lacks.get)] += own
    return {name: tuple(sorted(own)) for name, own in splits.items()}


class Font:
    """A font in memory that draws single characters.

    Raises:
        ValueError: the bytes are no font.
    """

    def __init__(self, content: bytes, points: int):
        try:
            self.font = ImageFont.truetype(io.BytesIO(content), points)
        except OSError as error:
            raise ValueError(f"the font cannot be read ({error}): fetch the archive again") from error
        self.missing = self.font.getmask("\U0010fffd").getbbox(), bytes(self.font.getmask("\U0010fffd"))

    def draw(self, character: str, size: int = SIZE) -> np.ndarray:
        """(size, size) float32 from 0, the ground, to 1.

        Raises:
            ValueError: the font has no such character (it would draw a box), or it is not one character.
        """
        if len(character) != 1:
            raise ValueError(f"character={character!r}: give one character")
        mask = self.font.getmask(character)
        if not mask.getbbox() or (mask.getbbox(), bytes(mask)) == self.missing:
            raise ValueError(f"character U+{ord(character):04X}: the font has no drawing of it; leave the icon out")
        picture = Image.new("L", (size, size))
        ImageDraw.Draw(picture).text((size / 2, size / 2), character, font=self.font, fill=255, anchor="mm")
        return np.asarray(picture, dtype=np.float32) / 255


@cache
def draw_icons(size: int = SIZE) -> np.ndarray:
    """All icons, (N, size, size) float32 from 0 to 1, white on black. Edges differ a little by FreeType's version."""
    content = read_member("fontawesomefree", f"{FOLDER}/static/{FOLDER}/otfs/Font Awesome 6 Free-Solid-900.otf")
    font = Font(content, round(size * 0.75))
    pictures = np.stack([font.draw(icon.character, size) for icon in load_icons()])
    pictures.setflags(write=False)
    return pictures
