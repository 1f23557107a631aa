"""The site, built once: no warnings, no link that leads nowhere, nothing from other hosts; looked at in Chromium."""

import json
import re
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import floors
import pytest
from browser import chromium, served, watch

from bertcourse.figures import MIME
from bertcourse.lessons import lessons_in, number_of

pytest.importorskip("sphinx", reason="needs requirements-book.txt: make book installs it")

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "https://github.com/owner/name"
LESSONS = lessons_in(ROOT / "notebooks")


class Page(HTMLParser):
    """What the tests ask of a page: its tags with their attributes, and the anchors in it."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.anchors = {pairs[key] for _, pairs in self.tags for key in ("id", "name") if key in pairs}

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, {name: value or "" for name, value in attributes}))

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [pairs for name, pairs in self.tags if name == tag]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of pages, and what was said while they were built."""
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, ROOT / "book" / "build.py", "--out", out, "--repository", REPOSITORY]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    return out / "html", done


@pytest.fixture(scope="module")
def site(built):
    assert (built[0] / "index.html").exists(), built[1].stderr
    return built[0]


@pytest.fixture(scope="module")
def pages(site):
    """Path in the site -> its page."""
    return {path.relative_to(site).as_posix(): Page(path) for path in sorted(site.rglob("*.html"))}


def test_it_is_built_without_a_warning(built):
    assert built[1].stderr == ""
    assert built[1].returncode == 0
    assert re.match(r"\d+ pages: open ", built[1].stdout)


def test_everything_has_its_page(pages):
    modules = floors.modules().keys() - set(floors.PACKAGES) - set(floors.declared()["doors"])
    assert {"bertlib.model.attention", "bertlib.tasks", "bertcourse.checks", "bertcourse.__main__"} <= modules
    wanted = {f"notebooks/{lesson.stem}.html" for lesson in LESSONS}
    wanted |= {f"api/{module}.html" for module in modules}
    wanted |= {"index.html", "search.html", "data/README.html", "data/bbc_bert/README.html"}
    wanted |= {f"book/{name}.html" for name in ("play", "reference", "library", "teaching", "glossary")}
    assert wanted - pages.keys() == set()


def test_lessons_show_what_is_committed(pages):
    for lesson in LESSONS:
        page = pages[f"notebooks/{lesson.stem}.html"]
        text = "".join(page.text)
        cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        for output in outputs:
            if MIME in output.get("data", {}):
                assert "".join(output["data"]["text/plain"]) in text
        notes = sum(line.startswith("> **Note**") for cell in cells for line in cell["source"])
        assert sum("note" in pairs.get("class", "").split() for pairs in page.all("div")) == notes
        pictures = sum("".join(output.get("data", {}).get("text/html", "")).count("<img ") for output in outputs)
        assert len(page.all("img")) == pictures


def test_lessons_and_glossary_link_to_each_other(pages):
    terms = tomllib.loads((ROOT / "book" / "glossary.toml").read_text(encoding="utf-8"))
    back = [link["href"] for link in pages["book/glossary.html"].all("a") if "notebooks/" in link.get("href", "")]
    for term, entry in terms.items():
        (lesson,) = (lesson.stem for lesson in LESSONS if number_of(lesson) == entry["lesson"])
        there = [link.get("href", "") for link in pages[f"notebooks/{lesson}.html"].all("a")]
        anchor = term.lower().replace(" ", "-")
        assert there.count(f"../book/glossary.html#{anchor}") == 1 and f"../notebooks/{lesson}.html" in back, term


def test_functions_are_described(pages):
    page = pages["api/bertlib.model.attention.html"]
    assert "Average the values, weighted by how well each key matches the query" in "".join(page.text)
    assert {"bertlib.model.attention.scaled_dot_product_attention", "module-bertlib.model.attention"} <= page.anchors


def test_links_lead_somewhere(site, pages):
    broken = []
    for name, page in pages.items():
        for link in page.all("a"):
            parts = urlsplit(link.get("href", ""))
            if parts.scheme or parts.netloc:
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else site / name
            if not target.resolve().is_file():
                broken.append((name, link["href"]))
                continue
            anchors = pages[target.resolve().relative_to(site.resolve()).as_posix()].anchors if parts.fragment else ()
            if parts.fragment and unquote(parts.fragment) not in anchors:
                broken.append((name, link["href"]))
    assert broken == []


def test_every_picture_has_words(pages):
    """Words, not the name of a file, which is what Sphinx writes where there are none."""
    silent = []
    for name, page in pages.items():
        for image in page.all("img"):
            words = image.get("alt", "").strip()
            if len(words.split()) < 4 or re.search(r"\.\w{3,4}$", words):
                silent.append((name, words))
        for tag, pairs in page.tags:
            if pairs.get("role") in ("img", "figure") and len(pairs.get("aria-label", "").split()) < 4:
                silent.append((name, tag))
    assert silent == []


def test_nothing_comes_from_another_host(site, pages):
    foreign = []
    for name, page in pages.items():
        for tag, pairs in page.tags:
            address = pairs.get("src") or (pairs.get("href") if tag == "link" else None) or pairs.get("data") or ""
            if urlsplit(address).netloc:
                foreign.append((name, address))
    for sheet in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')]+)", sheet.read_text(encoding="utf-8"))
        foreign += [(sheet.name, address) for address in found]
    assert foreign == []


def test_lessons_have_their_buttons(site, pages):
    for lesson in LESSONS:
        name = f"notebooks/{lesson.stem}.html"
        links = {pairs["href"]: pairs for pairs in pages[name].all("a") if "href" in pairs}
        (download,) = (pairs for pairs in links.values() if pairs.get("download"))
        assert download["download"] == lesson.name
        assert ((site / name).parent / download["href"]).read_bytes() == lesson.read_bytes()
        place = f"notebooks/{lesson.name}"
        assert f"https://colab.research.google.com/github/owner/name/blob/main/{place}" in links
        assert f"{REPOSITORY}/edit/main/{place}" in links
        assert "OWNER/NAME" not in "".join(links), "a link of the lesson's own that leads nowhere"


def test_a_page_is_edited_where_it_is(pages):
    edits = [link["href"] for page in pages.values() for link in page.all("a") if "/edit/" in link.get("href", "")]
    assert len(set(edits)) == len(edits) >= len(LESSONS) + 4
    for address in edits:
        assert (ROOT / PurePosixPath(address.removeprefix(f"{REPOSITORY}/edit/main/"))).is_file(), address


# ----------------------------------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def browser(site):
    with chromium() as browser, served(site) as address:
        yield browser, address


@pytest.fixture
def visit(browser):
    """Open a page of the site at a width; gives the page and the list of what goes wrong in it."""
    chromium, address = browser
    contexts = []

    def open_page(name, width=1280, **settings):
        contexts.append(chromium.new_context(viewport={"width": width, "height": 900}, **settings))
        page = contexts[-1].new_page()
        wrong = watch(page)
        page.goto(f"{address}/{name}", wait_until="load")
        return page, wrong

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
@pytest.mark.parametrize(
    "name, drawn",
    [
        ("index.html", {"article img": 4, "[data-machine]": 1}),
        ("notebooks/00_start_here.html", {"div.cell_output img[src^='data:image/svg']": 3}),
        ("notebooks/01_attention.html", {"mjx-container svg": 50, "div.cell_output img": 5, "[data-machine]": 2}),
        ("notebooks/09_looking_inside.html", {"[role=figure] svg line": 1000, "mjx-container svg": 1}),
        ("api/bertlib.model.attention.html", {"dl.py.function": 3}),
        ("data/README.html", {"table": 1}),
        ("book/play.html", {"#play-masks tr": 10, "#play-all-heads canvas": 16}),
    ],
)
def test_a_page_is_drawn(visit, name, drawn, width):
    page, wrong = visit(name, width)
    for selector, at_least in drawn.items():
        page.wait_for_function("([what, n]) => document.querySelectorAll(what).length >= n", arg=[selector, at_least])
    assert page.locator("mjx-merror, [data-mml-node=merror]").count() == 0
    assert page.evaluate("[...document.images].filter((image) => image.complete && !image.naturalWidth).length") == 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "the page scrolls sideways"
    assert wrong == []


def test_search_finds(visit):
    page, wrong = visit("search.html?q=attention")
    found = page.locator("#search-results ul.search li a")
    found.first.wait_for()
    page.wait_for_function("!/Searching|Preparing/.test(document.querySelector('#search-results h2').textContent)")
    assert any("notebooks/01_attention.html" in link.get_attribute("href") for link in found.all())
    assert wrong == []


def test_by_night(visit):
    page, wrong = visit("notebooks/00_start_here.html", color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    assert max(page.evaluate(colour)) < 60
    page.evaluate("document.body.dataset.theme = 'light'")
    page.wait_for_function(f"Math.min(...{colour}) > 200")
    assert wrong == []


DIAGRAMS = (
    "[...document.querySelectorAll('img[src^=\"data:image/svg\"]')].map((image) => [image.naturalWidth, image.width])"
)


@pytest.mark.parametrize("width", [390, 700])
def test_diagrams_keep_letters_that_can_be_read(visit, width):
    """None is smaller than 15 of a drawing's units; on a phone that is 9 pixels."""
    page, _ = visit("notebooks/01_attention.html", width)
    drawn = page.evaluate(DIAGRAMS)
    assert len(drawn) >= 3
    for natural, shown in drawn:
        assert 15 * shown / natural >= (11 if width == 700 else 9)


# The contrast of WCAG 2 between an element's text and its own background, for all that brings a background along.
CONTRASTS = """
[...document.querySelectorAll("div.cell_output [style*=background]")].map((node) => {
  const { color, backgroundColor } = getComputedStyle(node);
  const [light, dark] = [color, backgroundColor].map((value) => {
    const parts = value.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }).sort((one, other) => other - one);
  return (light + 0.05) / (dark + 0.05);
})
"""


@pytest.mark.parametrize(
    "lesson", ["03_wordpiece", "04b_next_sentence_pairs", "08_named_entities", "09_looking_inside"]
)
def test_marked_text_is_read_by_night(visit, lesson):
    page, _ = visit(f"notebooks/{lesson}.html", color_scheme="dark")
    contrasts = page.evaluate(CONTRASTS)
    assert contrasts and min(contrasts) > 7
