"""The desk's page in Chromium: on a phone and on a desktop, by keyboard alone, in the dark; nothing moves by itself."""

import threading
import time

import pytest
import uvicorn
from browser import chromium, watch
from desk_parts import ENTRIES, reply

from bertcourse.desk.queue import Queue
from bertcourse.desk.server import address, build_app, listen

SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
COVERS = "Passwords & parcels. In English."
MOVED = """
window.moved = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
CONTRAST = """
() => {
  const parsed = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = parsed(color).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor, parts = parsed(color);
      if (parts.length < 4 || parts[3] > 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.disabled || element.matches("script, style")) continue;
    const [one, two] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
    found.push([(one + 0.05) / (two + 0.05), element.textContent.trim().slice(0, 40)]);
  }
  return found.sort((a, b) => a[0] - b[0])[0];
}
"""


def slowly(question, history=()):
    if "slow" in question:
        time.sleep(0.8)  # a change that comes later than half a second after a key counts as a shift
    return reply(question, history)


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """The address of a running desk, and its queue."""
    with listen("127.0.0.1", 0) as taken, Queue(tmp_path_factory.mktemp("desk") / "desk.db") as queue:
        running = uvicorn.Server(
            uvicorn.Config(build_app(slowly, queue, answers=4, covers=COVERS), log_level="warning")
        )
        thread = threading.Thread(target=running.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        yield address(taken), queue
        running.should_exit = True
        thread.join(20)


@pytest.fixture(params=SIZES)
def page(request, browser, desk):
    """The page as it opens, at two sizes; when the test ends it has done nothing wrong, and nothing moved by itself."""
    width, height = SIZES[request.param]
    with browser.new_context(
        viewport={"width": width, "height": height}, has_touch=request.param == "phone"
    ) as context:
        opened = context.new_page()
        wrong = watch(opened)
        opened.add_init_script(MOVED)
        opened.goto(desk[0])
        yield opened
        assert [line for line in wrong if "422" not in line and "404" not in line] == []
        assert opened.evaluate("moved") == 0
        assert opened.evaluate("document.documentElement.scrollWidth") <= width, "nothing is cut off at the side"
        assert opened.context.cookies() == [] and opened.evaluate("localStorage.length") == 0
        assert opened.evaluate("Object.keys(sessionStorage)") in ([], ["desk"]), "this tab's conversation"


def ask(page, question):
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def last(page):
    page.wait_for_function("() => !document.getElementById('ask').disabled")
    return page.locator("#log > li").last


def test_an_answer_has_its_source_its_confidence_and_what_came_near(page):
    ask(page, "slow: my password is gone")
    card = last(page)
    assert card.locator(".answer").inner_text() == ENTRIES[0].answer
    assert card.locator(".card").inner_text().startswith(f"Answers the question: {ENTRIES[0].question}\n")
    assert "Stored answer password · Source: Manual 3" in card.inner_text()
    assert "Very likely fits (95 of 100)" in card.inner_text()
    assert page.get_by_label("Your question").input_value() == ""
    assert page.evaluate("document.activeElement.id") == "question", "where the next one is typed"
    fold = card.locator("details")
    assert not fold.locator("ol").is_visible()
    fold.locator("summary").click()
    assert [item.split("\n")[0] for item in fold.locator("li").all_inner_texts()] == [
        ENTRIES[number].question for number in (1, 2, 3)
    ]
    assert "House rules · score 0.80" in fold.inner_text()


def test_markup_is_shown_as_text(page):
    question = "what is <b>bold</b> <img src=x> &amp; <i>more</i>?"
    ask(page, question)
    card = last(page)
    assert card.locator(".asked").inner_text() == question
    assert card.locator(".answer").inner_text() == ENTRIES[3].answer
    assert "Source: <i>Page</i>" in card.inner_text() and "May well fit (55 of 100)" in card.inner_text()
    card.locator("summary").click()
    assert page.locator("#log").locator("b, i, img, script").count() == 0
    ask(page, "volcano <b>?</b>")
    last(page)
    page.get_by_role("link", name="Questions for a person").click()
    page.get_by_text("volcano <b>?</b>").first.wait_for()
    assert page.locator("#queue").locator("b, i, img, script").count() == 0


def test_what_is_handed_over_shows_its_number_and_stands_in_the_queue(page, desk):
    ask(page, "我忘记了,volcano?")
    card = last(page)
    (row,) = [row for row in desk[1].waiting() if row["question"] == "我忘记了,volcano?"]
    assert f"A person will look at your question. Its number is {row['number']}." in card.inner_text()
    assert "Why: no stored answer is likely enough to fit." in card.inner_text()
    assert "Whoever runs this desk finds it under Questions for a person." in card.inner_text()
    assert "The page cannot bring you the answer." in card.inner_text()
    card.get_by_text("Perhaps one of these helps (4)").click()
    for entry in ENTRIES:
        assert entry.question in card.inner_text() and entry.answer in card.inner_text()
    page.get_by_role("link", name="Questions for a person").click()
    assert page.title() == "Questions for a person" and not page.locator("#form").is_visible()
    page.get_by_role("button", name=f"Question {row['number']} is done").click()
    page.wait_for_function(
        "() => ![...document.querySelectorAll('#waiting .answer')].some(e => e.textContent.includes('我'))"
    )
    assert row["number"] not in [one["number"] for one in desk[1].waiting()]
    page.get_by_role("link", name="To the desk").click()
    page.get_by_label("Your question").wait_for()


def test_not_what_i_asked_is_stored_and_a_person_can_be_asked(page, desk):
    before = len(desk[1].said())
    ask(page, "my password is gone, again")
    last(page).get_by_role("button", name="This is not what I asked").click()
    page.get_by_text("Noted. You can ask a person").wait_for()
    row = desk[1].said()[-1]
    assert len(desk[1].said()) == before + 1
    assert (row["right"], row["question"], row["entry"]) == (0, "my password is gone, again", "password")
    page.get_by_role("button", name="Ask a person").click()
    page.locator(".person").wait_for()
    assert desk[1].waiting()[-1]["why"] == "a person was asked for"
    page.locator("#log > li").first.get_by_role("button", name="This helps").is_disabled()


def test_the_conversation_is_sent_along_until_a_new_question(page, desk):
    for question in ("is it hot?", "and cold?"):
        ask(page, question)
        last(page)
    assert desk[1].waiting()[-1]["history"] == ["is it hot?"]
    page.get_by_role("button", name="New question").click()
    assert page.locator("#log > li").count() == 0
    ask(page, "is it new?")
    last(page)
    assert desk[1].waiting()[-1]["history"] == []
    for number in range(7):
        ask(page, f"volcano {number}")
        last(page)
    assert desk[1].waiting()[-1]["history"] == [f"volcano {number}" for number in range(1, 6)]


def test_a_page_that_is_loaded_again_keeps_the_conversation_of_its_tab(page, desk):
    for question in ("my password is <b>gone</b>", "is it kept?"):
        ask(page, question)
        last(page)
    before = page.locator("#log").inner_text()
    page.get_by_role("link", name="Questions for a person").click()
    page.wait_for_url("**/queue")
    page.get_by_role("link", name="To the desk").click()
    page.wait_for_url(desk[0] + "/")
    page.reload()
    assert page.locator("#log").inner_text() == before and page.locator("#log").locator("b").count() == 0
    page.get_by_role("button", name="This helps").click()
    page.get_by_text("Thank you, noted.").wait_for()
    ask(page, "and now?")
    last(page)
    assert desk[1].waiting()[-1]["history"] == ["my password is <b>gone</b>", "is it kept?"]
    other = page.context.new_page()
    other.goto(desk[0])
    assert other.locator("#log > li").count() == 0, "another tab has its own"
    other.close()
    page.get_by_role("button", name="New question").click()
    page.reload()
    assert page.locator("#log > li").count() == 0
    for wrong in ("{", "null", '{"shown": [{"question": "a"}]}', '{"shown": 7}'):
        page.evaluate("(text) => sessionStorage.setItem('desk', text)", wrong)
        page.reload()
        assert page.locator("#log > li").count() == 0
    ask(page, "is it new?")
    last(page)
    assert desk[1].waiting()[-1]["history"] == []


@pytest.mark.parametrize(
    "question, told",
    [
        ("", "Write a question first."),
        (" \n ", "Write a question first."),
        ("x" * 10_000, "Your question has 10,000 characters. Please make it shorter: at most 1,000."),
        ("?!", "This did not work: question is without words: ask in words."),
    ],
)
def test_what_is_no_question_is_told_and_kept_in_the_box(page, question, told):
    ask(page, question)
    page.get_by_text(told).wait_for()
    assert page.locator("#problem").get_attribute("role") == "alert"
    assert page.locator("#log > li").count() == 0 and page.get_by_label("Your question").input_value() == question
    page.get_by_label("Your question").press_sequentially("a")
    assert page.locator("#problem").inner_text() == "", "it goes when one types"
    ask(page, "my password is gone")
    last(page)


def test_by_keyboard_alone(page, desk):
    page.wait_for_function("() => document.activeElement.id === 'question'")  # from the start
    page.keyboard.type("my password")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("is gone")
    page.keyboard.press("Enter")
    assert last(page).locator(".asked").inner_text() == "my password\nis gone"
    assert page.locator("#log").get_attribute("aria-live") == "polite"

    def go_to(wanted, key="Shift+Tab"):
        for _ in range(20):
            page.keyboard.press(key)
            focus = page.evaluate("[document.activeElement.textContent, document.activeElement.tagName]")
            style = [
                page.evaluate(f"getComputedStyle(document.activeElement).outline{part}") for part in ("Style", "Width")
            ]
            if focus[1] not in ("BODY", "MAIN"):
                assert style == ["solid", "3px"], f"one sees where one is: {focus}"
            if focus[0].startswith(wanted):
                return
        raise AssertionError(f"{wanted} cannot be reached")

    go_to("Other answers that come near")
    page.keyboard.press("Enter")
    assert page.locator("details ol").is_visible()
    go_to("This is not what I asked", "Tab")
    page.keyboard.press("Space")
    page.wait_for_function("() => document.activeElement.textContent === 'Ask a person'")
    page.keyboard.press("Enter")
    page.locator(".person").wait_for()
    page.wait_for_function("() => document.activeElement.id === 'question'")
    number = desk[1].waiting()[-1]["number"]
    go_to("Questions for a person")
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue")
    page.get_by_role("button", name=f"Question {number} is done").wait_for()
    for _ in range(100):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == f"Question {number} is done":
            break
    page.keyboard.press("Enter")
    page.wait_for_function(
        f"() => ![...document.querySelectorAll('[aria-label]')].some(e => e.ariaLabel === 'Question {number} is done')"
    )
    assert number not in [row["number"] for row in desk[1].waiting()]


def queue_of(page, number):
    """The queue's page, and the card of a question."""
    page.get_by_role("link", name="Questions for a person").click()
    done = page.get_by_role("button", name=f"Question {number} is done")
    done.wait_for()
    return page.locator("#waiting > li").filter(has=done), done


def test_a_reply_is_written_and_looked_up_by_its_number(page, desk):
    assert page.locator(".covers").inner_text() == COVERS
    ask(page, "is it a volcano?")
    last(page)
    number = desk[1].waiting()[-1]["number"]
    page.get_by_text("Look up a number", exact=True).click()
    page.get_by_label("Number", exact=True).fill(str(number))
    page.get_by_role("button", name="Look up").click()
    page.get_by_text(f"Number {number} waits.").wait_for()
    card, done = queue_of(page, number)
    card.locator("summary").click()
    assert ENTRIES[0].question in card.inner_text() and ENTRIES[0].answer in card.inner_text()
    card.get_by_label("Reply").fill("No, <b>a hill</b>.")
    page.get_by_role("button", name="Look again").click()
    page.wait_for_function("() => document.getElementById('count').textContent.includes('wait')")
    assert card.get_by_label("Reply").input_value() == "No, <b>a hill</b>.", "a new list keeps what is being written"
    done.click()
    done.wait_for(state="detached")
    page.get_by_role("link", name="To the desk").click()
    page.get_by_text("Look up a number", exact=True).click()
    for typed, told in (
        (str(number), f"Number {number} is done. The reply: No, <b>a hill</b>."),
        ("999999", "No question has the number 999999."),
        ("x", "Write a number, such as 12."),
    ):
        page.get_by_label("Number", exact=True).fill(typed)
        page.keyboard.press("Enter")
        page.get_by_text(told).wait_for()


def test_what_somebody_else_has_closed_is_told_and_goes(page, desk):
    number = desk[1].hand_over("r", "is it stale?")
    card, done = queue_of(page, number)
    card.get_by_label("Reply").fill("Yes.")
    desk[1].close_one(number)
    done.click()
    page.get_by_text(f"Number {number}: somebody else has closed it. What you wrote was not kept.").wait_for()
    assert done.count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_by_day_and_in_the_dark(page, scheme):
    page.emulate_media(color_scheme=scheme)
    ask(page, "my password is gone")
    last(page)
    ask(page, "volcano?")
    last(page)
    page.locator("#log summary").first.click()
    ask(page, "?!")
    page.get_by_text("without words").wait_for()
    contrast, words = page.evaluate(CONTRAST)
    assert contrast >= 4.5, words
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
    assert dark == (scheme == "dark")


def test_targets_are_large_enough_for_a_finger(page):
    ask(page, "my password is gone")
    last(page)
    for button in page.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 44


def test_a_desk_that_has_ended_is_told(browser, desk):
    page = browser.new_page()
    page.goto(desk[0])
    page.route("**/ask", lambda route: route.abort())
    ask(page, "my password is gone")
    page.get_by_text("The desk does not answer. Is it still running?").wait_for()
    assert page.get_by_label("Your question").input_value() == "my password is gone"
    page.close()


def test_only_a_question_that_was_not_sent_is_called_not_lost(browser, desk):
    page = browser.new_page()
    page.goto(desk[0])
    ask(page, "my password is gone")
    last(page)
    page.route("**/feedback", lambda route: route.abort())
    page.get_by_role("button", name="This helps").click()
    page.get_by_text("The desk does not answer. Is it still running? This was not noted.").wait_for()
    page.goto(desk[0] + "/queue")
    page.get_by_text("wait").first.wait_for()
    page.route("**/queue", lambda route: route.abort())
    page.get_by_role("button", name="Look again").click()
    page.wait_for_function("() => document.getElementById('count').textContent.endsWith('Is it still running?')")
    page.close()


@pytest.mark.parametrize("height", [844, 420])
def test_on_a_phone_a_reply_is_seen_from_its_beginning_and_an_opened_fold_too(browser, desk, height):
    page = browser.new_page(viewport={"width": 390, "height": height})
    page.goto(desk[0])
    for question in ("my password is gone", "volcano?", "are you open? " * 30, "volcano, and a very long one? " * 30):
        ask(page, question)
        card = last(page).locator(".card")
        view, box = page.locator("#main").bounding_box(), card.bounding_box()
        assert view["height"] >= 120, "there is room to read"
        assert view["y"] <= box["y"] <= view["y"] + view["height"] / 2, question
        fold = card.locator("details")
        fold.locator("summary").click()
        page.wait_for_timeout(100)
        view, box = page.locator("#main").bounding_box(), fold.bounding_box()
        assert view["y"] - 1 <= box["y"] <= view["y"] + view["height"] - 44, "the fold's beginning"
    page.close()
