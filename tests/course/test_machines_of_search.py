"""Machines of lesson 12: what is asked after the answer, words that say why, and a split that is opened once."""

import re

import pytest
from machine_cases.search import CORPUS, QUERY, TEXTS, query_by_hand, weight_of_fusion
from test_machines import HOST, opened

from bertcourse.machines import search


def press(page, *words):
    """Switch these words on, and all others off."""
    page.get_by_role("button", name="all off").click()
    for word in words:
        page.get_by_role("button", name=re.compile(rf"^{word}\s*in \d")).click()
    assert page.wrong == []
    return page.locator(".answer").inner_text()


def test_a_word_is_asked_for_then_the_one_that_misleads(page):
    opened(page, query_by_hand().html())
    assert "puts “Kingsnake”, which answers it, in place 2 of 5" in page.locator("section").inner_text()
    told = press(page, "rattlesnake", "immune")
    assert told == "Not answered yet. In front, with 2 words. The question is about one."
    assert press(page, "a") == "Not answered yet."
    told = press(page, "immune")
    assert told.startswith("✓ “immune” alone puts it 0.")
    assert "It stands in 2 of 25 texts: its idf is ln(1 + (25 − 2 + 0.5) / (2 + 0.5)) = 2.34. " in told
    assert (
        "“rattlesnake” has a higher one, 3.95, but this text does not have it. “is”, in 25 of 25 texts, has 0.02: "
        in told
    )
    assert told.endswith("Now switch all words on, and ONE off so that “Kingsnake” comes to the front.")
    page.get_by_role("button", name="all on").click()
    assert page.locator(".answer").inner_text().endswith("(You have moved on since.)")
    told = press(page, *(word for word in QUERY if word != "snake"))
    assert "Without “snake”, in 1 of 25 texts, “Kingsnake” is in front. The word gave “Venom” " in told
    assert told.endswith(" and this text 0.00: BM25 weighs a word by how rare it is, whatever the question means.")


def test_where_the_whole_query_is_right_a_word_that_changes_nothing_is_asked_for(page):
    opened(page, query_by_hand(("the", "chess", "rook"), "Chess").html())
    assert "in place 1 of 5" in page.locator("section").inner_text()
    assert press(page, "chess").endswith("Now switch all words on, and ONE off so that every place stays as it is.")
    told = press(page, "the", "chess")
    assert told.endswith("Without “rook”, in 0 of 25 texts, every place stays: it gives these texts at most 0.00.")


@pytest.mark.parametrize(
    ("query", "wanted", "word", "words"),
    [
        (("king", "most", "is"), "King", "king", "“most” has a higher one, 2.34, but does not put it in front. "),
        (("eats", "immune", "is"), "Kingsnake", "eats", "= 2.85, and no word of the query has a higher one. "),
        (("a", "king", "nobody"), "King", "king", "“nobody” has a higher one, 3.95, but this text does not have it. "),
        (("chess", "king", "is"), "King", "king", "“chess” has a higher one, 2.85, but this text does not have it. "),
    ],
)
def test_a_rarer_word_that_does_not_decide_is_told_of(page, query, wanted, word, words):
    opened(page, query_by_hand(query, wanted).html())
    assert words in press(page, word)


def test_a_rarer_word_that_stands_there_less_often_is_told_of(page):
    opened(page, query_by_hand(("snake", "fluid", "is"), "Venom", [*CORPUS, ["snake"]]).html())
    told = press(page, "snake")
    assert re.search(r"in 2 of 26 texts.*“fluid” has a higher one, 2\.\d\d, but puts it only 1\.\d\d ahead\. ", told)


def test_a_text_with_none_of_the_words_has_no_place(page):
    opened(page, query_by_hand().html())
    press(page, "immune")
    rows = page.get_by_role("group", name="texts, best first").inner_text().split("\n")
    assert rows[0].startswith("1. Kingsnake")
    assert rows.count("none of these words") == 3 and sum(row.startswith("– ") for row in rows) == 3


def test_a_word_that_stands_twice_counts_twice():
    once = query_by_hand(["immune", "snake", "venom"]).data
    twice = query_by_hand(["immune", "snake", "venom", "venom"]).data
    assert len(twice["words"]) == len(once["words"]) + 1 and twice["counts"][0][2:] == [once["counts"][0][2]] * 2


def test_no_text_of_the_passages_is_stored():
    data = query_by_hand().data
    assert "rattlesnakes" not in str(data) and data["lengths"] == [len(words) for words in TEXTS.values()]
    assert query_by_hand(corpus=None).data["count"] == len(TEXTS)


def test_the_test_split_is_closed_until_a_weight_is_chosen(page):
    opened(page, weight_of_fusion().html())
    table, slider, status = page.locator("table"), page.get_by_role("slider"), page.locator(".answer")
    assert table.inner_text().count("closed") == 2
    page.get_by_role("combobox").select_option("scaled to 0 … 1")
    page.get_by_role("button", name="less").click()
    assert page.evaluate(f"{HOST}.machine.state()") == {"at": 49, "scaled": True, "opened": False}
    page.evaluate(f"{HOST}.machine.set({{ at: 3 }})")
    page.get_by_role("button", name="Open the test split").click()
    assert "closed" not in table.inner_text() and slider.is_disabled() and page.get_by_role("combobox").is_disabled()
    assert status.inner_text() == "Not answered yet. With another choice the validation MRR is higher: start again."
    page.get_by_role("button", name="Start again").click()
    assert table.inner_text().count("closed") == 2 and slider.is_enabled() and page.wrong == []


@pytest.mark.parametrize(
    ("bm25", "cosine", "at", "scaled", "words"),
    [
        (
            [30.0, 20, 10],
            [0.1, 0.9, 0.2],
            80,
            True,
            "✓ Scaled scores, weight 0.80: MRR 1.000 on validation, the most there is (BM25 alone 0.500, cosine alone "
            "1.000; raw scores at best 1.000, at 0.93). In one question BM25 scores span 20.0 on average, cosines "
            "0.80: added raw with equal weights, the cosine hardly counts (MRR 0.500). More than a tenth of the right "
            "passages leave their BM25 place from weight 0.93 on with raw scores, from weight 0.34 on with scaled "
            "ones. On the test split your choice gives 1.000, and no other gives more there.",
        ),
        (
            [0.5, 0.9, 0.1],
            [0.1, 0.9, 0.2],
            0,
            False,
            "✓ Raw scores, weight 0.00: MRR 1.000 on validation, the most there is (BM25 alone 1.000, cosine alone "
            "1.000; scaled scores at best 1.000, at 0.00). In one question BM25 scores span 0.8 on average, cosines "
            "0.80. More than a tenth of the right passages leave their BM25 place at no weight with raw scores, at no "
            "weight with scaled ones. On",
        ),
    ],
)
def test_what_the_best_weight_teaches_is_told_from_the_scores(page, bm25, cosine, at, scaled, words):
    split = [(bm25, cosine, 1)]
    opened(page, search.weight_of_fusion(split, split).html())
    page.evaluate(f"(change) => {{ {HOST}.machine.set(change); }}", {"at": at, "scaled": scaled, "opened": True})
    assert page.locator(".answer").inner_text().startswith(words)


def test_equal_scores_stay_in_the_order_given_and_what_is_not_there_has_no_place(page):
    split = [([3, 3, 3], [0.5, 0.5, 0.5], 1), ([1, 2], [0.1, 0.2], None), ([1, 2], [0.2, 0.2], 1)]
    machine = search.weight_of_fusion(split, split)
    opened(page, machine.html())
    for scaled in (False, True):
        found = page.evaluate(f"(scaled) => {HOST}.machine.compute({{ at: 50, scaled }}).test", scaled)
        assert found["places"] == [2, None, 1] and found["recall"] == pytest.approx(1 / 3)
        assert found["mrr"] == pytest.approx(0.5)
    assert "MRR 0.500" in machine.picture.alt and "later, or not there: 1" in machine.picture.alt
