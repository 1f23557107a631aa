"""Machines of lessons 01 and 09: what they say of a state that only nearly answers."""

import pytest
from machine_cases.attention import DOTS, VALUES, WORDS
from machine_cases.looking import HEADS, LAYERS, layer_beyond
from test_machines import CASES, HOST, data_of, opened

from bertcourse.machines import attention


def test_values_without_names_are_shown_as_numbers():
    assert attention.attention_row(WORDS, DOTS, VALUES, 2).data["features"] is None


def layer_out(layer):
    return [place // HEADS == layer for place in range(LAYERS * HEADS)]


BEST = layer_beyond(None)
HINTS = {  # machine, changes of its state, what the last line then says after "Not answered yet."
    "wide": ("attention_row", [{"width": 20}], " 0.449 is less than a half. Is it so at one narrower, too?"),
    "a width short": ("attention_row", [{"width": 13}], " 0.503 is not less than a half."),
    "far off": ("attention_row", [{"width": 4}], ""),
    "a mask": (
        "attention_row",
        [{"width": 14, "allowed": [True, True, True, False]}],
        " A dot product or the mask is moved; the question is about the width alone.",
    ),
    "only H": ("heads_of_a_vector", [{"at": 6}], " 12 heads fit. Now mark the counts that depend on H."),
    "wrong marks": (
        "heads_of_a_vector",
        [{"at": 6, "marked": [True, False, True]}],
        " 12 heads fit, the marks do not: move H, and watch the three counts.",
    ),
    "only the marks": (
        "heads_of_a_vector",
        [{"at": 3, "marked": [False, False, True]}],
        " The marks are right. A head compares 96 numbers here: find where it compares 32.",
    ),
    "neither": ("heads_of_a_vector", [{"at": 3, "marked": [True, False, False]}], ""),
    "said too early": ("heads_out", [{"said": BEST}], f" Take them all out first: 0 of {LAYERS}."),
    "one tried": ("heads_out", [{"tried": [True, False, False]}], f" Take them all out first: 1 of {LAYERS}."),
    "all tried": ("heads_out", [{"tried": [True] * LAYERS}], ""),
}


@pytest.mark.parametrize("name", HINTS)
def test_what_it_says_of_a_state_that_only_nearly_answers(page, name):
    machine, changes, hint = HINTS[name]
    opened(page, CASES[machine][0]().html())
    for change in changes:
        page.evaluate(f"(change) => {{ {HOST}.machine.set(change); }}", change)
    assert page.locator(".answer").inner_text() == f"Not answered yet.{hint}" and page.wrong == []


def test_a_row_that_may_look_at_nothing_says_so(page):
    opened(page, CASES["attention_row"][0]().html())
    page.evaluate(f"{HOST}.machine.set({{ allowed: [false, false, false, false] }})")
    words = page.locator("section").inner_text()
    assert "What she takes: name 0.00, pronoun 0.00, verb 0.00. A row that may look at nothing gets zeros" in words


def test_the_width_is_moved_by_one(page):
    opened(page, CASES["attention_row"][0]().html())
    state = f"{HOST}.machine.state().width"
    wider, narrower = (page.get_by_role("button", name=words) for words in ("one wider", "one narrower"))
    narrower.click()
    assert page.evaluate(state) == 1
    for _ in range(3):
        wider.click()
    narrower.click()
    assert page.evaluate(state) == 3


def test_a_layer_has_to_be_said_after_all_were_out(page):
    opened(page, CASES["heads_out"][0]().html())
    page.get_by_label("Most beyond its sum").select_option(label=f"layer {BEST}")
    say, status = page.get_by_role("button", name="Say so"), page.locator(".answer")
    say.click()
    assert status.inner_text() == f"Not answered yet. Take them all out first: 0 of {LAYERS}."
    for layer in range(LAYERS):
        if layer == 0:  # head by head, as well
            for head in range(HEADS):
                page.get_by_role("button", name=f"head {layer}.{head}:").click()
        else:
            page.get_by_role("button", name=f"layer {layer}", exact=True).click()
        assert page.evaluate(f"{HOST}.machine.state().out") == layer_out(layer)
    assert status.inner_text() == "Not answered yet.", "what was said before counts no longer"
    other = (BEST + 1) % LAYERS
    page.get_by_label("Most beyond its sum").select_option(label=f"layer {other}")
    say.click()
    assert status.inner_text().startswith(f"Not answered yet. No: layer {other} costs ")
    page.get_by_label("Most beyond its sum").select_option(label=f"layer {BEST}")
    say.click()
    assert status.inner_text().startswith(f"✓ Layer {BEST}: ")


MEASURED = {"0000": 4.0, "1000": 4.1, "0100": 4.1, "1100": 4.5, "0010": 4.1, "0001": 4.1, "0011": 4.15}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {},
            "In layer 0 the heads cost more together than one by one, as if each stood in for part of another; "
            "not so in layer 1.",
        ),
        ({"0011": 4.3}, "In every layer the heads cost more together"),
        ({"1100": 4.19}, "Here no layer costs more than the sum of its heads."),
    ],
)
def test_layers_worth_more_than_their_heads_are_named_from_the_data(page, changed, words):
    opened(page, CASES["heads_out"][0]().html())
    data = {"layers": 2, "heads": 2, "measured": MEASURED | changed}
    script = CASES["heads_out"][0]().html()
    assert data_of("heads_out").keys() == data.keys()
    source = script[script.index("// machine: heads_out") : script.index("\nmount(mark, ")]
    said = page.evaluate(
        f"(data) => {{ const decimals = (v, p) => v.toFixed(p);\n{source}\n"
        "return machine.answered(data, { said: 0, tried: [true, true] }, null); }",
        data,
    )
    assert words in said


def test_a_wrong_head_is_judged_beside_its_button(page):
    opened(page, CASES["where_a_head_looks"][0]().html())
    page.evaluate(f"{HOST}.machine.set({{ layer: 1, head: 3 }})")
    page.get_by_role("button", name="This head looks back most").click()
    shares = page.evaluate(f"{HOST}.machine.compute({HOST}.machine.state())")
    assert (
        page.get_by_text("another head gives more").inner_text()
        == f"{100 * shares['before']:.1f} %: another head gives more."
    )
