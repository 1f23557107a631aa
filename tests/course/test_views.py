import re
import shutil
import subprocess

import pytest
import torch

from bertcourse.views import entities_html, entities_text, head_view, model_view, rounded, show_entities

TEXT = "Blair <met> Bush & Co"
ENTITIES = [{"start": 0, "end": 5, "type": "PER"}, {"start": 12, "end": 16, "type": "PER"}]


def test_entities_in_html():
    page = entities_html(TEXT, ENTITIES)
    assert page.count("<mark") == page.count("</mark>") == 2
    assert "&lt;met&gt;" in page and "&amp; Co" in page and "<met>" not in page
    assert page.count("<b>PER</b>") == 2
    assert entities_html("a<b", []) == "a&lt;b"


def test_colours_follow_the_order_of_types():
    one, other = (
        entities_html("ab", [{"start": 0, "end": 1, "type": "B"}], types) for types in (["A", "B"], ["B", "A"])
    )
    assert one != other


def test_entities_in_plain_text():
    assert entities_text(TEXT, ENTITIES) == "[Blair PER] <met> [Bush PER] & Co"


@pytest.mark.parametrize(
    "start, end, before", [(3, 7, (0, 5)), (0, 0, None), (4, 2, None), (18, 40, None), (-1, 2, None), (6, 6, None)]
)
def test_entities_that_do_not_fit(start, end, before):
    entities = [{"start": before[0], "end": before[1], "type": "PER"}] if before else []
    with pytest.raises(ValueError, match="overlaps another one or lies outside"):
        entities_html(TEXT, [*entities, {"start": start, "end": end, "type": "PER"}])


def test_one_text_or_several(monkeypatch):
    shown = []
    monkeypatch.setattr("bertcourse.views.display", lambda bundle, raw: shown.append(bundle))
    show_entities(TEXT, ENTITIES)
    show_entities([TEXT, "x"], [ENTITIES, []], notes=["first:", "second:"])
    assert shown[0]["text/plain"] == entities_text(TEXT, ENTITIES)
    assert shown[1]["text/plain"].splitlines() == ["first: " + entities_text(TEXT, ENTITIES), "second: x"]
    assert shown[1]["text/html"].count("<p ") == 2
    with pytest.raises(ValueError):
        show_entities([TEXT], [ENTITIES, []])


# --------------------------------------------------------------------------------------------------------- bertviz

TOKENS = ["[CLS]", "a", "</script>", '"b"', "[SEP]"]


@pytest.fixture(scope="module")
def attentions():
    torch.manual_seed(0)
    return tuple(torch.randn(1, 3, 5, 5).softmax(dim=-1) for _ in range(2))


@pytest.mark.parametrize("view", [head_view, model_view])
def test_views_carry_all_they_need(view, attentions):
    page = view(attentions, TOKENS).data
    assert not re.findall(r"""(?:src|href)\s*=\s*["']https?:""", page)
    assert "cdnjs" not in re.sub(r"paths: \{.*?\}", "", page, flags=re.DOTALL)  # there, nothing is loaded from it
    assert page.count("<script") == page.count("</script>") == 1  # a token cannot end the script
    assert "d3js.org v5.7.0" in page
    assert "PYTHON_PARAMS" not in page
    assert re.search(r'role="figure" aria-label="(Head|Model) view of attention: .*\b5 tokens', page)  # read aloud
    assert view(attentions, TOKENS).data == page  # the same picture, the same text


def test_views_of_many_heads_stay_small():
    many = tuple(torch.rand(1, 12, 21, 21).softmax(dim=-1) for _ in range(6))
    tokens = [f"word{i}" for i in range(21)]
    for view in (head_view, model_view):
        assert len(view(many, tokens).data) < 0.55 * 2**20
    assert len(model_view(many, tokens, layers=[0, 3]).data) < 0.4 * 2**20


def test_weights_are_shown_to_three_decimals(attentions):
    (first, _) = rounded(attentions)
    assert (first - attentions[0]).abs().max() <= 0.0005 + 1e-9
    assert all(len(str(value)) <= 5 for value in first.flatten().tolist())


@pytest.mark.parametrize(
    "weights, tokens, message",
    [
        ((), TOKENS, "attentions is empty"),
        ((torch.zeros(2, 3, 5, 5),), TOKENS, "of a single text"),
        ((torch.zeros(3, 5, 5),), TOKENS, "of a single text"),
        ((torch.zeros(1, 3, 1, 5),), TOKENS, "of a single text"),
        ((torch.zeros(1, 3, 5, 5),), TOKENS[1:], "4 tokens, but attentions of 5"),
    ],
)
@pytest.mark.parametrize("view", [head_view, model_view])
def test_views_of_what_does_not_fit(view, weights, tokens, message):
    with pytest.raises(ValueError, match=message):
        view(weights, tokens)


def test_no_such_layer(attentions):
    with pytest.raises(ValueError, match="layer=2: give one from 0 to 1"):
        head_view(attentions, TOKENS, layer=2)


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("view, lines", [(head_view, 3 * 25), (model_view, 2 * 3 * 25)])
def test_views_are_drawn_by_a_browser_without_network(view, lines, attentions, tmp_path):
    page = tmp_path / "view.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{view(attentions, TOKENS).data}", encoding="utf-8")
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--virtual-time-budget=3000"),
            *("--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.count("<line") >= lines
    assert "&lt;/script&gt;" in done.stdout or "/script" in done.stdout
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line and "Uncaught" in line]
