"""The pages keep their word: links, commands, code, the table of lessons; and they are short and narrow."""

import ast
import base64
import importlib
import json
import re
import shlex
from pathlib import Path

import pictures
import pytest
from PIL import Image

from bertcourse.__main__ import build_parser as course_parser
from bertcourse.lessons import lessons_in
from bertcourse.publish import COLAB, published
from bertlib.__main__ import build_parser as library_parser

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LESSONS = lessons_in(ROOT / "notebooks")
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", ".github/**/*.md", "benchmarks/**/*.md", "book/*.md", "data/**/*.md", "notebooks/**/*.md")
    for path in ROOT.glob(pattern)
    if ".ipynb_checkpoints" not in path.parts
)
COLUMNS, WORDS = 100, 1000
PARSERS = {"bertlib": library_parser, "bertcourse": course_parser}


def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text):
    """Each fenced block: its language and its content."""
    return re.findall(r"^ *```([\w{}.-]*)\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text):
    """What GitHub calls a page's headings in links."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def too_wide(text, printed=False):
    """Lines beyond the limit: not those of tables, of which a link makes the most, or, in results, printed output."""
    found, fenced = [], False
    for number, line in enumerate(text.splitlines(), start=1):
        fenced ^= line.lstrip().startswith("```")
        rest = re.sub(r"\]\([^)]*\)|https?://\S+", "]", line)  # a link's target cannot be cut
        excepted = line.lstrip().startswith(("|", "![")) or (printed and fenced)
        if len(rest) > COLUMNS and not excepted:
            found.append(number)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_wrapped(page):
    assert too_wide(read(page), printed=page.startswith("benchmarks/results")) == []


def test_what_counts_as_too_wide():
    wide = "word " * 30
    assert too_wide(f"{wide}\n| {wide}|\n![{wide}](a.png)\n[a]({'b' * 120}) c\n") == [1]
    assert too_wide(f"```\n{wide}\n```\n{wide}") == [2, 4]
    assert too_wide(f"```\n{wide}\n```\n{wide}", printed=True) == [4]


def test_the_readme_is_short():
    words = [word for word in README.split() if re.search(r"\w", word)]  # a table's bars are none
    assert len(words) <= WORDS


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    path = ROOT / page.removeprefix("book/") if page == "book/index.md" else ROOT / page  # it becomes the front page
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", read(page)):
        if "://" not in target:
            there = (path.parent / target).resolve() if target else path
            assert there.exists(), f"{page} links to {target}"
            assert not anchor or anchor in anchors(there.read_text(encoding="utf-8")), f"{page}: {target}#{anchor}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("book/")])
def test_pages_of_the_site_link_to_pages_of_the_site(page):
    """Others are named as files: Sphinx knows no page for them, and a warning stops it."""
    build = read("book/build.py")
    folder = ROOT if page == "book/index.md" else (ROOT / page).parent  # it becomes the front page
    for target in re.findall(r"\]\(([^)#\s]+)", read(page)):
        inside = folder.joinpath(target).resolve()
        if "://" not in target and inside.suffix == ".md":
            name = inside.relative_to(ROOT).as_posix()
            assert f'"{name}"' in build or name in ("benchmarks/results/README.md",), f"{page} links to {target}"
    if page != "book/index.md":
        assert f'"{page}"' in build and page.removesuffix(".md") in read("book/index.md").split()


def test_the_two_commands_stand_alone():
    assert ("", "make course\nmake test\n") in blocks(README)


def commands():
    """Every call of one of our two programs in a block of some page: page, program, arguments."""
    for page in PAGES:
        for _, block in blocks(read(page)):
            for line in block.replace("\\\n", " ").splitlines():
                if match := re.search(r"(?:\S*python|accelerate launch) -m (bertlib|bertcourse) (.+)", line):
                    yield pytest.param(match[1], match[2], id=f"{page}: {match[2][:40]}")


@pytest.mark.parametrize("program, arguments", list(commands()))
def test_commands_are_understood(program, arguments):
    """With all their options; a call for help ends in a good way."""
    try:
        PARSERS[program]().parse_args(shlex.split(arguments, comments=True))
    except SystemExit as stop:
        assert stop.code == 0 and "--help" in arguments


WITH_CODE = [page for page in PAGES if any(language == "python" for language, _ in blocks(read(page)))]


@pytest.mark.parametrize("page", WITH_CODE)
def test_code_imports_what_there_is(page):
    for language, block in blocks(read(page)):
        for node in ast.walk(ast.parse(block)) if language == "python" else ():
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module)
                assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)


def test_short_names_open_what_the_page_says():
    rows = re.findall(r"^\| `(bertlib[.\w]*)` \| (.*) \| `(bertlib\.[.\w]+)` \|$", read("book/library.md"), flags=re.M)
    from bertlib import _DOORS as doors

    assert {name: home for name, _, home in rows if name != "bertlib"} == doors
    for name, told, home in rows:
        module = importlib.import_module(name)
        assert name == "bertlib" or module is importlib.import_module(home)
        assert all(hasattr(module, word) for word in re.findall(r"`(\w+)`", told)), name
        assert name != "bertlib" or set(re.findall(r"`(\w+)`", told)) == set(module.__all__)


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page):
    """`bertlib/…/name.py` and its like; NAME stands for yours."""
    for name in re.findall(r"`((?:bertlib|bertcourse|tests|tools|book|data|colab)/[\w/.-]+)`", read(page)):
        assert (ROOT / name).exists() or "NAME" in name, f"{page} names {name}"


def test_every_make_target_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
    for page in PAGES:
        named = re.findall(r"(?:^ *|`)make ([a-z][a-z-]*)", read(page), flags=re.M)
        assert set(named) <= targets, page


def test_every_lesson_is_on_the_path():
    assert LESSONS
    start = json.loads((ROOT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8"))
    map_of_lessons = "".join(line for cell in start["cells"] for line in cell["source"])
    for lesson in LESSONS:
        (row,) = (line for line in README.splitlines() if line.startswith("|") and f"(notebooks/{lesson.name})" in line)
        assert f"({COLAB}{published()}/blob/main/notebooks/{lesson.name})" in row
        assert lesson.stem.replace("_", " ") in map_of_lessons


def test_the_picture_is_the_one_in_the_lesson():
    lesson = json.loads((ROOT / "notebooks" / "07_news_classification.ipynb").read_text(encoding="utf-8"))
    drawn = [
        base64.b64decode(output["data"]["image/png"])
        for cell in lesson["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert (ROOT / "images" / "what_pretraining_buys.png").read_bytes() in drawn


@pytest.mark.parametrize("name", pictures.DIAGRAMS)
def test_the_diagrams_are_those_in_the_lessons(name):
    stored = pictures.diagram(*pictures.DIAGRAMS[name])
    assert (ROOT / "images" / name).read_bytes() == stored, "python tools/pictures.py takes them anew"
    assert f"](images/{name})" in README


def test_the_moving_machine_is_the_one_in_the_lesson():
    with Image.open(ROOT / "images" / pictures.MOVING) as film:
        told = film.info["comment"].decode()
        assert film.n_frames == pictures.STEPS + 1
    wanted = pictures.mark(pictures.html_of(*pictures.MACHINE, pictures.MARK))
    assert told == wanted, "python tools/pictures.py films it anew"
    assert f"](images/{pictures.MOVING})" in README
    assert (ROOT / "images" / pictures.MOVING).stat().st_size < 300_000
