"""The README keeps its word: its links, its commands, its table of lessons, its picture."""

import base64
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "data/README.md"])
def test_links_lead_somewhere(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{page} links to {target}"


def test_every_make_target_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
    named = set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)", README, flags=re.M))
    assert {name for pair in named for name in pair if name} <= targets


def test_every_lesson_is_on_the_path():
    assert LESSONS
    start = json.loads((ROOT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8"))
    map_of_lessons = "".join(line for cell in start["cells"] for line in cell["source"])
    for lesson in LESSONS:
        assert f"(notebooks/{lesson.name})" in README
        assert lesson.stem.replace("_", " ") in map_of_lessons


def test_one_time_for_each_lesson():
    """README, the lesson's own first cell and the table in lesson 00 name the same minutes."""
    start = json.loads((ROOT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8"))
    start = "".join(line for cell in start["cells"] for line in cell["source"])
    for lesson in LESSONS[1:]:
        title = "".join(json.loads(lesson.read_text(encoding="utf-8"))["cells"][0]["source"])
        (own,) = re.findall(r"take (?:about|under) (a|\d+) minutes?", title)
        (readme,) = re.findall(rf"\(notebooks/{lesson.name}\) \|.*\| (\d+) \|.*\|", README)
        (first,) = re.findall(rf"\| {lesson.stem.replace('_', ' ')} \|.*\| (\d+) \|", start)
        assert readme == first == own.replace("a", "1"), lesson.name


def test_the_picture_is_the_one_in_the_lesson():
    lesson = json.loads((ROOT / "notebooks" / "07_news_classification.ipynb").read_text(encoding="utf-8"))
    pictures = [
        base64.b64decode(output["data"]["image/png"])
        for cell in lesson["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert (ROOT / "images" / "what_pretraining_buys.png").read_bytes() in pictures
