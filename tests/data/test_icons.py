"""Icons: reader and concepts on made rows, the archive's icons, their drawings, and the split by concept."""

import json
from collections import Counter

import numpy as np
import pytest
from test_archives import needs

from bertcourse.data.archives import read_member
from bertcourse.data.icons import BOX, Font, concepts, draw_icons, icon_split, load_icons, read_categories

FOLDER = "fontawesomefree/static/fontawesomefree"
archive = pytest.mark.usefixtures("fetched")


@pytest.fixture
def fetched():
    needs("fontawesomefree")


def test_categories_are_lists_of_names():
    content = "animals:\n  icons:\n    - cat\n    - '0'\n  label: Animals\nhome:\n  icons:\n    - cat\n  label: Home\n"
    assert read_categories(content) == {"cat": ["animals", "home"], "0": ["animals"]}


def test_icons_that_share_the_rarest_part_of_their_names_or_all_terms_are_one_concept():
    names = ["anchor", "anchor-lock", "user-lock", "user", "user-plus", "coin", "money"]
    terms = [["sea"], ["sea", "shut"], ["shut"], ["adult"], ["adult", "add"], ["cash", "pay"], ["pay", "cash"]]
    found = concepts(names, terms)
    assert found[0] == found[1] and found[0] != found[2]  # "lock" is in two names, as "anchor" is; "anchor" comes first
    assert found[3] not in found[:2] and found[5] == found[6]


def test_icons_without_terms_are_not_joined_by_having_none():
    assert len(set(concepts(["sun", "moon"], [[], []]))) == 2


@archive
def test_the_icons_and_their_misspelt_term():
    icons = load_icons()
    assert len(icons) == 1394 and len({icon.name for icon in icons}) == 1394
    assert BOX not in {icon.name for icon in icons}
    raw = json.loads(read_member("fontawesomefree", f"{FOLDER}/metadata/icons.json"))
    spelt = Counter(term for own in raw.values() for term in own["search"]["terms"] if term in ("uer", "user"))
    assert spelt == {"uer": 123}  # "user" belongs to none: what it means is plain
    assert sum("user" in icon.terms for icon in icons) == 121 and not any("uer" in icon.words for icon in icons)
    assert all(icon.terms and icon.label.lower() not in icon.terms for icon in icons)
    assert len({one for icon in icons for one in icon.categories}) == 68


@archive
def test_a_concept_lies_in_one_part():
    icons, parts = load_icons(), icon_split()
    assert {name: len(own) for name, own in parts.items()} == {"train": 974, "validation": 137, "test": 283}
    assert sorted(number for own in parts.values() for number in own) == list(range(len(icons)))
    held = [{icons[number].concept for number in own} for own in parts.values()]
    assert not held[0] & held[1] and not held[0] & held[2] and not held[1] & held[2]
    terms = [{frozenset(icons[number].terms) for number in own} for own in parts.values()]
    assert not terms[0] & terms[2]  # with the same terms on both sides a test would ask for what was learned


@archive
def test_drawings_are_all_different_and_read_only():
    pictures = draw_icons()
    assert pictures.shape == (1394, 32, 32) and pictures.dtype == np.float32
    assert pictures.min() == 0 and pictures.max(axis=(1, 2)).min() > 0.5
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert 0.25 < pictures.mean() < 0.33  # edges differ by FreeType's version
    with pytest.raises(ValueError, match="read-only"):
        pictures[0, 0, 0] = 1
    assert draw_icons(16).shape == (1394, 16, 16)


@archive
def test_a_character_that_the_font_lacks_is_refused_and_not_drawn_as_a_box():
    font = Font(read_member("fontawesomefree", f"{FOLDER}/otfs/Font Awesome 6 Free-Solid-900.otf"), 24)
    with pytest.raises(ValueError, match=r"U\+4E2D: the font has no drawing of it; leave the icon out"):
        font.draw("中")
    with pytest.raises(ValueError, match="character='ab': give one character"):
        font.draw("ab")
    with pytest.raises(ValueError, match="the font cannot be read"):
        Font(b"no font", 24)
