"""Machines: their arithmetic is the library's, a keyboard moves them, a phone shows them; else a picture."""

import json
import re
from pathlib import Path

import machines
import nbformat
import numpy as np
import pytest
from browser import chromium, watch
from diagram_measure import faults
from machine_cases import CASES
from test_diagrams import FILTERS, image, let_through

from bertcourse.diagrams.drawing import Drawing
from bertcourse.lessons import lessons_in, number_of
from bertcourse.machines.frame import FOLDER, Machine

ROOT = Path(__file__).resolve().parents[2]
MARK = 'data-machine="'
LARGEST = 200_000  # bytes of one output
STATES = 100
AT_LEAST = 2  # in each lesson from 01 to 10, a second part (04b) counted with its first
HOST = "document.querySelector('[data-machine]')"


def stored():
    """Every machine that is stored in a lesson: (lesson, cell, its HTML)."""
    for path in lessons_in(ROOT / "notebooks"):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                if MARK in (html := output.get("data", {}).get("text/html", "")):
                    yield number_of(path), cell, html


def data_of(name):
    return json.loads(json.dumps(CASES[name][0]().data))


# ---------------------------------------------------------------------------------------------- without a browser


def test_every_script_has_its_case():
    assert set(CASES) == {path.stem for path in FOLDER.glob("*.js")} - {"frame"}


@pytest.mark.parametrize("name", CASES)
def test_a_machine_is_one_small_piece_of_html_that_fetches_nothing(name):
    machine, other = CASES[name][0](), CASES[name][1]()
    page = machine.html()
    assert CASES[name][0]().html() == page, "the same object, the same bytes"
    assert other.html() != page and (other.data != machine.data), "another object, another machine"
    assert len(page.encode()) <= LARGEST
    assert page.count("<script") == page.count("</script>") == 1
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)|fetch\(|import\(|XMLHttp", page)
    assert machine.script == name and machine.question.endswith(("?", ".")) and "?" in machine.question


def test_a_token_cannot_end_the_script():
    page = Machine("attention_row", "</script>", "<b>?", {"words": ["</script><img>"]}, Drawing("A picture.")).html()
    assert page.count("</script") == 1 and "<b>" not in page and "<img>" not in page


@pytest.mark.parametrize("place", FILTERS)
@pytest.mark.parametrize("name", CASES)
def test_where_no_script_runs_its_first_state_is_a_picture(name, place):
    machine = CASES[name][0]()
    without = re.sub(r"<script>.*</script>", "", machine.html(), flags=re.DOTALL)
    found = re.search(r"<img [^>]*>", let_through(without, FILTERS[place]))[0]
    assert image(found)["alt"] == machine.picture.alt and image(found)["src"].startswith("data:image/svg+xml")


def test_each_lesson_has_two_machines():
    found = [re.match(r"\d\d", number)[0] for number, _, _ in stored() if number[0] != "A"]
    assert {number: found.count(number) for number in found} == {
        f"{number:02}": max(AT_LEAST, found.count(f"{number:02}")) for number in (*range(1, 19), 21)
    }


# ------------------------------------------------------------------------------------------------------ in Chromium


@pytest.fixture(scope="module")
def page():
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 700, "height": 900})
        page = context.new_page()
        page.wrong = watch(page)
        yield page
        context.close()


def opened(page, html, width=700):
    page.set_viewport_size({"width": width, "height": 900})
    head = "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    page.set_content(f"{head}<body style='margin:12px'>{html}")
    return page


def close_to(ours, theirs, where=""):
    """Raise where two values, of the library and of the script, differ: numbers by more than 1e-6."""
    if isinstance(ours, dict):
        for key, value in ours.items():
            close_to(value, theirs[key], f"{where}.{key}")
    elif isinstance(ours, (list, tuple)):
        assert len(ours) == len(theirs), f"{where}: {len(ours)} and {len(theirs)} entries"
        for number, pair in enumerate(zip(ours, theirs, strict=True)):
            close_to(*pair, f"{where}[{number}]")
    elif isinstance(ours, float):
        assert theirs is not None and abs(ours - theirs) <= 1e-6 * max(1, abs(ours)), f"{where}: {ours} and {theirs}"
    else:
        assert ours == theirs, f"{where}: {ours!r} and {theirs!r}"


@pytest.mark.parametrize("name", CASES)
def test_its_arithmetic_is_the_librarys_on_drawn_states(page, name):
    make, _, draw, expected, _ = CASES[name]
    opened(page, make().html())
    data, rng = data_of(name), np.random.default_rng(0)
    states = [draw(rng, data) for _ in range(STATES)]
    assert len({json.dumps(state) for state in states}) >= min(STATES, 5), "states that differ"
    found = page.evaluate(f"(states) => states.map((state) => {HOST}.machine.compute(state))", states)
    start = page.evaluate(f"{HOST}.machine.start()")
    assert all(set(state) <= set(start) for state in states), "a state that the machine does not have"
    for number, (state, values) in enumerate(zip(states, found, strict=True)):
        close_to(expected(data, state), values, f"state {number}")
    assert page.wrong == []


@pytest.mark.parametrize("name", CASES)
def test_every_drawn_state_can_be_shown(page, name):
    make, _, draw, _, _ = CASES[name]
    opened(page, make().html())
    data, rng = data_of(name), np.random.default_rng(1)
    for _ in range(20):
        page.evaluate(f"(state) => {HOST}.machine.set(state)", draw(rng, data))
    assert page.wrong == [] and "NaN" not in page.locator("section").inner_text()


@pytest.mark.parametrize("name", CASES)
def test_it_says_when_its_question_is_answered(page, name):
    make, _, _, _, answer = CASES[name]
    opened(page, make().html())
    status = page.locator(".answer")
    assert status.inner_text() == "Not answered yet." and status.get_attribute("role") == "status"
    *before, last = answer(data_of(name))
    for change in before:
        page.evaluate(f"(change) => {{ {HOST}.machine.set(change); }}", change)
        assert status.inner_text().startswith("Not answered yet.")
    page.evaluate(f"(change) => {{ {HOST}.machine.set(change); }}", last)
    assert status.inner_text().startswith("✓ ") and "undefined" not in status.inner_text()
    page.evaluate(f"{HOST}.machine.set({HOST}.machine.start())")
    assert status.inner_text().endswith("(You have moved on since.)")
    page.get_by_role("button", name="Start again").click()
    assert status.inner_text() == "Not answered yet."
    assert page.evaluate(f"{HOST}.machine.state()") == page.evaluate(f"{HOST}.machine.start()")


@pytest.mark.parametrize(
    "name, change, words",
    [
        ("parameters_moved", {"width": 3, "layers": 0}, "Below it, but with 2 sliders moved"),
        ("warm_up_and_decay", {"peak": 0}, "Here it costs 0.40 nats, with rates that sum to 3.1."),
        ("tags_by_click", {"tags": ["O"] * 10}, "F1 is 0, with 7 changed words. Fewer would do."),
        ("windows_of_a_text", {"length": 32, "stride": 10}, "The question is about windows of 64."),
    ],
)
def test_it_hints_where_half_is_done(page, name, change, words):
    opened(page, CASES[name][0]().html())
    page.evaluate(f"(change) => {{ {HOST}.machine.set(change); }}", change)
    assert page.locator(".answer").inner_text().startswith(f"Not answered yet. {words}")


def test_what_follows_an_answer_is_answered_too(page):
    opened(page, CASES["layer_norm_moved"][0]().html())
    status = page.locator(".answer")
    for power, words in (
        (-6, "Not answered yet."),
        (0, "and which number of the formula stops it?"),
        (-3, "Times 10⁻³ it is still true, to three decimals."),
        (-6, "Times 10⁻⁶ it is true no longer: σ² is 1.25·10⁻¹², and ε is 10⁻¹²."),
    ):
        page.evaluate(f"(power) => {{ {HOST}.machine.set({{ numbers: [1, 2, 3, 4], power }}); }}", power)
        assert words in status.inner_text()
    assert status.get_attribute("class") == "answer done" and "moved on" not in status.inner_text()


def test_a_word_chosen_by_keyboard_leads_to_its_tags_and_one_by_mouse_does_not(page):
    opened(page, CASES["tags_by_click"][0]().html())
    focused = f"{HOST}.shadowRoot.activeElement.textContent"
    words = page.get_by_role("group", name="words with their tags").get_by_role("button")
    words.nth(1).click()
    assert page.evaluate(focused) == "BlairI-PER"
    words.nth(4).press("Enter")
    assert page.evaluate(focused) == "B-ORG"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert words.nth(4).inner_text().split("\n") == ["Bank", "I-ORG, was B-ORG"]


def test_a_screen_reader_is_told_once_the_moving_stops(page):
    opened(page, CASES["parameters_moved"][0]().html())
    live = page.locator("[aria-live=polite]")
    page.wait_for_timeout(700)
    assert live.text_content() == "", "nothing has been moved yet"
    told = f"{HOST}.shadowRoot.querySelector('[aria-live=polite]').textContent"
    moves = f"for (const width of [4, 3, 2]) {HOST}.machine.set({{ width }});"
    assert page.evaluate(f"() => {{ {moves} return {told}; }}") == "", "still moving"
    page.wait_for_function(told)
    assert live.text_content() == "21,979,200 parameters; MiniLM has 22,713,216"


MOVABLE = "section :is(button, input, select, textarea):not(:disabled)"
NAMED = """(nodes) => nodes.filter((node) =>
  !(node.getAttribute("aria-label") || node.textContent || node.closest("label")?.textContent).trim()).length"""
FOCUSED = f"[...{HOST}.shadowRoot.querySelectorAll('{MOVABLE}')].indexOf({HOST}.shadowRoot.activeElement)"


@pytest.mark.parametrize("name", CASES)
def test_it_is_moved_by_keyboard_and_every_part_has_a_name(page, name):
    opened(page, CASES[name][0]().html())
    parts = page.locator(MOVABLE)
    assert parts.evaluate_all(NAMED) == 0
    reached = []
    for _ in range(parts.count()):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(FOCUSED))
    assert reached == list(range(parts.count())), "Tab reaches every part, in order"
    state, first = page.evaluate(f"{HOST}.machine.state()"), parts.first
    first.focus()
    kind = first.evaluate("(node) => node.type ?? node.tagName")
    for key in {
        "range": ["ArrowRight"],
        "select-one": ["ArrowDown"],
        "text": ["End", "q"],
        "textarea": ["End", "q"],
    }.get(kind, ["Enter"]):
        page.keyboard.press(key)
    assert page.evaluate(f"{HOST}.machine.state()") != state
    assert page.evaluate(f"{HOST}.getAttribute('data-lm-suppress-shortcuts')") == "true"


LOOK = """
() => {
  const host = document.querySelector("[data-machine]"), found = [], root = host.shadowRoot;
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = (node) => {
    for (; node && node.nodeType === 1; node = node.parentElement) {
      const colour = numbers(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  if (document.documentElement.scrollWidth > innerWidth) found.push("it is wider than the page");
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const node = text.parentElement, style = getComputedStyle(node);
    if (!text.data.trim() || node.tagName === "STYLE" || !node.getClientRects().length) continue;
    const inSvg = node.closest("svg"), words = JSON.stringify(text.data.trim().slice(0, 30));
    const scale = inSvg ? inSvg.getBoundingClientRect().width / inSvg.viewBox.baseVal.width : 1;
    const size = parseFloat(style.fontSize) * scale;
    if (size < 11) found.push(`${words} has letters of ${size.toFixed(1)} pixels`);
    const ink = inSvg ? style.fill : style.color;
    const [bright, dark] = [light(numbers(ink)), light(paper(node))].sort((a, b) => b - a);
    if (!inSvg && (bright + 0.05) / (dark + 0.05) < 4.5)
      found.push(`${words} has a contrast of ${((bright + 0.05) / (dark + 0.05)).toFixed(2)}`);
    if (node.closest(".scroll, svg")) continue;
    const box = node.getBoundingClientRect(), edge = root.querySelector("section").getBoundingClientRect();
    if (box.right > edge.right + 0.5 || box.left < edge.left - 0.5) found.push(`${words} leaves the machine`);
  }
  return found;
}
"""


NARROW = 250  # of an output in JupyterLab on a phone, or beside open side bars


@pytest.mark.parametrize("name", CASES)
def test_in_a_narrow_frame_nothing_is_cut(page, name):
    """The frame is narrow, not the window: what a machine does then it must do by its own width."""
    make, _, draw, _, _ = CASES[name]
    opened(page, f"<div style='width:{NARROW}px'>{make().html()}</div>")
    data, rng = data_of(name), np.random.default_rng(3)
    for state in (None, *(draw(rng, data) for _ in range(5))):
        if state:
            page.evaluate(f"(state) => {{ {HOST}.machine.set(state); }}", state)
        cut = [fault for fault in page.evaluate(LOOK) if fault.endswith(("leaves the machine", "than the page"))]
        assert cut == [] and page.evaluate(f"{HOST}.getBoundingClientRect().width") == NARROW


@pytest.mark.parametrize("width", [700, 390])
@pytest.mark.parametrize("name", CASES)
def test_it_can_be_read_at_any_width(page, name, width):
    make, _, draw, _, _ = CASES[name]
    opened(page, make().html(), width)
    assert page.evaluate(LOOK) == []
    data, rng = data_of(name), np.random.default_rng(2)
    for _ in range(5):
        page.evaluate(f"(state) => {{ {HOST}.machine.set(state); }}", draw(rng, data))
        assert page.evaluate(LOOK) == []


@pytest.mark.parametrize("name", CASES)
def test_nothing_overlaps_in_its_picture(page, name):
    assert faults(page, CASES[name][0]().picture.svg()) == []


def test_the_measure_finds_what_is_wrong(page):
    opened(page, CASES["attention_row"][0]().html())
    page.evaluate(f"{HOST}.shadowRoot.querySelector('h4').style = 'font-size:8px;color:#bbb;width:900px'")
    found = [fault.removeprefix('"What she takes from whom" ') for fault in page.evaluate(LOOK)]
    assert found == [
        "it is wider than the page",
        "has letters of 8.0 pixels",
        "has a contrast of 1.92",
        "leaves the machine",
    ]


def test_what_is_stored_is_what_its_cell_would_show_now():
    for number, cell, html in stored():
        assert machines.again(html) == html, f"{number}, {cell.id}: python tools/machines.py writes it anew"


def test_what_is_stored_in_the_lessons_is_moved_too(page):
    scripts = {}
    for number, cell, html in stored():
        opened(page, html)
        assert page.evaluate(LOOK) == [], (number, cell.id)
        assert page.locator(".answer").inner_text() == "Not answered yet.", (number, cell.id)
        scripts.setdefault(re.search(r"// machine: (\w+)", html)[1], []).append(number)
    assert page.wrong == []
    assert set(scripts) == set(CASES), "each machine stands in a lesson"


def test_the_same_machine_twice_in_a_page(page):
    html = CASES["heads_of_a_vector"][0]().html()
    opened(page, html + html)
    assert page.evaluate("[...document.querySelectorAll('[data-machine]')].every((host) => host.machine)")
