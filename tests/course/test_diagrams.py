"""Diagrams: drawn from objects, the same bytes each time, shown wherever a lesson is opened, measured in Chromium."""

import base64
import html
import io
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import bleach
import bleach.css_sanitizer
import diagram_cases
import nbformat
import numpy as np
import pytest
from browser import chromium
from diagram_cases import CASES, OTHER_SIZES, draw
from diagram_measure import faults
from PIL import Image

from bertcourse.diagrams import course
from bertcourse.diagrams.drawing import SMALL, WIDTH, Drawing, listed, shortened, text_width, wrap
from bertcourse.lessons import lessons_in, number_of

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "data:image/svg+xml;base64,"
DRAWN = {
    "00",
    "01",
    "02",
    "03",
    "04",
    "04b",
    "05",
    "06",
    "07",
    "08",
    "09",
    "10",
    "11",
    "12",
    "13",
    "14",
    "15",
    "16",
    "17",
    "18",
    "21",
}  # at least three in each; in appendices any
SVG = {"svg", "g", "rect", "text", "polyline", "polygon", "circle"}


def stored():
    """Every diagram that is stored in a lesson: (lesson, its cell, its HTML, its words)."""
    for path in lessons_in(ROOT / "notebooks"):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                page = output.get("data", {}).get("text/html", "")
                if ADDRESS in page and "data-machine" not in page:  # a machine's picture: test_machines.py
                    yield number_of(path), cell, page, output["data"]["text/plain"]


def image(page):
    """The attributes of the one `<img>` in this HTML, or none."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, pairs: found.append((tag, dict(pairs)))
    parser.feed(page)
    assert [tag for tag, _ in found] in ([], ["img"])
    return found[0][1] if found else {}


def svg_of(page):
    return base64.b64decode(image(page)["src"].removeprefix(ADDRESS)).decode("utf-8")


# ------------------------------------------------------------------------------------------- what every diagram is


@pytest.mark.parametrize("name", CASES)
def test_a_diagram_follows_its_object(name):
    drawing, other = draw(name), draw(name, altered=True)
    assert draw(name).svg() == drawing.svg(), "the same input, the same bytes"
    assert other.svg() != drawing.svg() and other.alt != drawing.alt


@pytest.mark.parametrize("name", CASES)
def test_a_diagram_is_a_small_picture_with_words(name):
    drawing = draw(name)
    page = drawing.html()
    assert image(page)["alt"] == drawing.alt and 40 < len(drawing.alt) < 1200
    assert svg_of(page) == drawing.svg() and len(page) < 60_000
    tags = {
        element.tag.removeprefix("{http://www.w3.org/2000/svg}")
        for element in ElementTree.fromstring(drawing.svg()).iter()
    }
    assert tags <= SVG, "nothing that runs, and nothing from elsewhere"


def test_a_diagram_is_shown_with_its_words(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    drawing = Drawing('A "box" with <b> & no more in it.')
    drawing.box(10, 10, 100, 40, "<b> & c")
    drawing.show()
    ((kind, page), (plain, words)) = shown[0].items()
    assert (kind, plain, words) == ("text/html", "text/plain", 'Diagram: A "box" with <b> & no more in it.')
    assert image(page)["alt"] == 'A "box" with <b> & no more in it.'
    assert "<b> & c" in [element.text for element in ElementTree.fromstring(svg_of(page)).iter()]


# ------------------------------------------------------------------------------------------------ what is refused


def test_text_that_does_not_fit_is_refused():
    drawing = Drawing("A drawing that is too small.")
    with pytest.raises(ValueError, match="'unpronounceable' does not fit in a width of 46"):
        drawing.box(0, 0, 50, 30, "unpronounceable")
    with pytest.raises(ValueError, match="takes 2 lines, too many for a height of 30"):
        drawing.box(0, 0, 60, 30, "two lines")
    with pytest.raises(ValueError, match=r"the point \(-?\d+, \d+\) lies outside of the drawing, which is 560 wide"):
        drawing.text(WIDTH - 10, 20, "beyond the edge")
    with pytest.raises(ValueError, match="say in a sentence or two what the diagram shows"):
        Drawing(" \n")


def test_a_text_is_broken_and_shortened_by_its_width():
    assert wrap("one two three", text_width("one two")) == ["one two", "three"]
    assert wrap("one\ntwo", 500) == ["one", "two"]
    assert shortened("government", text_width("govern…")) == "govern…"
    assert shortened("short", 200) == "short"
    assert text_width("ii") < text_width("mm") and text_width("ii", mono=True) == text_width("mm", mono=True)
    assert text_width("自") == 16  # a sign that the font lacks counts as wide as it may be
    assert (listed(["a"]), listed(["a", "b", "c"])) == ("a", "a, b and c")


def test_needs_that_follow_from_others_are_left_out():
    assert course.needed_directly({"a": [], "b": ["a"], "c": ["a", "b"]}) == {"a": [], "b": ["a"], "c": ["b"]}


# ---------------------------------------------------------------------------------------------- filters, imitated

# What of a picture is let through. JupyterLab, in a notebook that is not trusted: apputils/sanitizer.ts. GitHub: no
# styles; which data addresses it lets through is written nowhere. Colab shows HTML as it is, in a frame of its own.
FILTERS = {
    "JupyterLab": {"alt", "src", "title", "width", "height", "style"},
    "GitHub": {"alt", "src", "title", "width", "height"},
    "Colab": {"alt", "src", "title", "width", "height", "style", "class", "id"},
}


def let_through(page, attributes, addresses=("http", "https", "data")):
    cleaner = bleach.css_sanitizer.CSSSanitizer() if "style" in attributes else None
    allowed = {"tags": {"img", "p", "div"}, "attributes": {"img": sorted(attributes)}, "protocols": set(addresses)}
    return bleach.clean(page, **allowed, css_sanitizer=cleaner)


@pytest.mark.parametrize("place", FILTERS)
def test_a_diagram_passes_the_filters_of_each_place(place):
    drawing = draw("embedding_sum")
    left = image(let_through(drawing.html(), FILTERS[place]))
    assert left["alt"] == drawing.alt
    assert left["src"] == image(drawing.html())["src"]


def test_a_filter_that_refuses_data_addresses_leaves_the_words():
    left = image(let_through(draw("embedding_sum").html(), FILTERS["GitHub"], addresses=("https",)))
    assert "src" not in left and left["alt"] == draw("embedding_sum").alt


def test_raw_svg_would_not_pass():
    assert "<svg" not in let_through(draw("embedding_sum").svg(), FILTERS["JupyterLab"])


# ----------------------------------------------------------------------------------------------------- in Chromium


@pytest.fixture(scope="module")
def page():
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 700, "height": 800})
        yield context.new_page()
        context.close()


@pytest.mark.parametrize("altered", [False, True], ids=["as it is", "altered"])
@pytest.mark.parametrize("name", CASES)
def test_nothing_overlaps_is_cut_off_small_or_pale(page, name, altered):
    assert faults(page, draw(name, altered).svg()) == []


@pytest.mark.parametrize("name", OTHER_SIZES)
def test_other_sizes_are_drawn_as_well(page, name):
    function, arguments = OTHER_SIZES[name]
    assert faults(page, function(*arguments).svg()) == []


def test_what_is_stored_in_the_lessons_is_measured_too(page):
    found = {(number, cell.id): faults(page, svg_of(html_)) for number, cell, html_, _ in stored()}
    assert found and not any(found.values()), found


LOADS = "[...document.images].map((image) => [image.complete, image.naturalWidth, image.clientWidth])"


def test_a_phone_scales_it_down_and_it_can_still_be_read(page):
    page.set_viewport_size({"width": 390, "height": 800})
    page.set_content(f"<!doctype html><body style='margin:16px'>{draw('masking_path').html()}")
    ((complete, natural, shown),) = page.evaluate(LOADS)
    assert complete and natural == WIDTH and shown == 390 - 32
    assert SMALL * shown / natural >= 9


@pytest.mark.parametrize("dark", [False, True])
def test_it_stands_on_paper_of_its_own(page, dark):
    page.set_viewport_size({"width": 700, "height": 900})
    colour = "#000" if dark else "#fff"
    page.set_content(f"<!doctype html><body style='margin:0;background:{colour}'>{draw('masking_path').html()}")
    seen = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    assert (seen[6, 50:500] == 255).all() and (seen[100:400, 4] == 255).all()
    assert tuple(seen[6, 650]) == ((0, 0, 0) if dark else (255, 255, 255))


@pytest.mark.parametrize(
    "around",
    [
        """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data: https:">{}""",
        '<iframe sandbox="allow-scripts" srcdoc="{}"></iframe>',
    ],
    ids=["GitHub", "Colab"],
)
def test_it_is_drawn_where_nothing_else_is_let_in(page, around):
    picture = draw("embedding_sum").html()
    page.set_content(around.format(html.escape(picture) if "srcdoc" in around else picture))
    frame = page.frames[-1]
    frame.wait_for_load_state()
    ((complete, natural, _),) = frame.evaluate(LOADS)
    assert complete and natural == WIDTH


def sound():
    drawing = Drawing("A box with a word in it, and a word beside it.")
    drawing.box(20, 20, 120, 40, "inside", "blue")
    drawing.text(250, 40, "beside")
    drawing.line((20, 100), (300, 100))
    return drawing.svg()


@pytest.mark.parametrize(
    "old, new, fault",
    [
        ('x="250"', 'x="80"', '"inside" and "beside" overlap'),
        ('x="250"', 'x="545"', '"beside" leaves the drawing'),
        ('x="80"', 'x="130"', '"inside" leaves its box'),
        ('font-size="16"', 'font-size="8"', '"beside" has letters of 8 pixels'),
        ('fill="#1f2933" x="80"', 'fill="#88bbdd" x="80"', '"inside" has a contrast of 1.'),
        ('fill="#1f2933" x="250"', 'fill="#999999" x="250"', '"beside" has a contrast of 2.'),
        ("20 100 300 100", "20 40 300 40", 'a line runs through "inside"'),
        ('x="250"', 'x="150"', '"beside" lies across a box\'s border'),
        ('height="114" rx="6"', 'height="20" rx="6"', '"beside" stands on no background'),
    ],
)
def test_the_measure_finds_what_is_wrong(page, old, new, fault):
    text = sound()
    assert old in text and faults(page, text) == []
    found = faults(page, text.replace(old, new))
    assert any(one.startswith(fault) for one in found), found


# ---------------------------------------------------------------------------------------------------- the lessons


def test_lessons_have_at_least_three():
    counted = {}
    for number, _, _, _ in stored():
        counted[number] = counted.get(number, 0) + 1
    assert {number: count for number, count in counted.items() if count < 3 and not number.startswith("A")} == {}
    assert counted.keys() >= DRAWN


def test_diagrams_of_lessons_are_folded_and_have_words():
    for number, cell, page, words in stored():
        assert cell.metadata.get("jupyter", {}).get("source_hidden"), (number, cell.id)
        assert words == f"Diagram: {image(page)['alt']}"
        assert any(f"{name}(" in cell.source for name in FUNCTIONS), (number, cell.id)


FUNCTIONS = {function.__name__ for function, _, _ in CASES.values()}


def test_every_function_that_draws_has_its_case():
    drawing = {
        name
        for module in vars(diagram_cases).values()
        if getattr(module, "__name__", "").startswith("bertcourse.diagrams.")
        for name, thing in vars(module).items()
        if callable(thing) and getattr(thing, "__annotations__", {}).get("return") == "Drawing"
    }
    assert drawing == FUNCTIONS and len(CASES) >= 36
