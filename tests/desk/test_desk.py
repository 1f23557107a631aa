"""The desk itself: what it finds, when it hands over, what it makes of a conversation, and what it refuses."""

import dataclasses
import json

import numpy as np
import pytest
from desk_parts import ENTRIES

from bertcourse.desk.answers import (
    LONGEST,
    Desk,
    Entry,
    Guess,
    asked,
    entries_of,
    figures_of,
    read_answers,
    readable,
    search_both,
    text_of,
    with_history,
)
from bertcourse.desk.confidence import SHIPPED, Confidence, fit_confidence, threshold_for
from bertcourse.desk.run import open_desk
from bertlib.data.encoders import encoder_folder
from bertlib.files import data_folder
from bertlib.tasks.embed import Embedder

BY_COSINE = Confidence({"best": 20.0}, -8.0, threshold=0.5)  # a cosine of 0.4 is as likely right as wrong


@pytest.fixture(scope="module")
def embedder():
    return Embedder.load(encoder_folder("minilm"))


@pytest.fixture(scope="module")
def desk(embedder):
    with Desk(ENTRIES, embedder, BY_COSINE) as made:
        yield made


def guess(name, cosine, words=0.0, question=None):
    return Guess(Entry(name, name if question is None else question, "An answer."), cosine, cosine, words)


# ------------------------------------------------------------------------------------------------------------ replies


@pytest.mark.parametrize(
    "question, entry",
    [
        ("i forgot what i log in with", "password"),
        ("can I come by on saturday?", "hours"),
        ("when does my package arrive", "parcel"),
    ],
)
def test_a_reply_is_a_stored_answer_word_for_word(desk, question, entry):
    reply = desk.reply(question)
    stored = desk.entries[reply.entry]
    assert reply.entry == entry
    assert (reply.answer, reply.source) == (stored.answer, stored.source)
    assert not reply.handed_over and reply.why == "" and 0.5 <= reply.confidence <= 1
    assert reply.guesses[0].entry == stored and reply.runners_up == reply.guesses[1:] and len(reply.guesses) == 4
    assert [guess.score for guess in reply.guesses] == sorted((g.score for g in reply.guesses), reverse=True)
    assert reply.milliseconds > 0 and reply.searched == question and reply.history == ()


def test_what_no_answer_fits_is_handed_over_with_the_nearest(desk):
    reply = desk.reply("How long does a volcano sleep?")
    assert reply.handed_over and reply.why == "no stored answer is likely enough to fit"
    assert (reply.answer, reply.entry, reply.source) == (None, None, None)
    assert reply.confidence < 0.5 and len(reply.runners_up) == 4 == len(reply.guesses)


def test_the_threshold_decides_and_equality_answers(embedder):
    question = "i forgot what i log in with"
    with Desk(ENTRIES, embedder, BY_COSINE) as desk:
        confidence = desk.reply(question).confidence
        desk.confidence = dataclasses.replace(BY_COSINE, threshold=confidence)
        assert not desk.reply(question).handed_over
        desk.confidence = dataclasses.replace(BY_COSINE, threshold=np.nextafter(confidence, 2))
        assert desk.reply(question).handed_over
        desk.confidence = dataclasses.replace(BY_COSINE, threshold=0.0)
        assert not desk.reply("How long does a volcano sleep?").handed_over


def test_another_script_is_handed_over_however_sure_the_search_is(embedder):
    with Desk(ENTRIES, embedder, Confidence({"best": 0.0}, 9.0)) as desk:
        reply = desk.reply("我忘记了密码,怎么办?")
        assert reply.confidence > 0.99 and reply.handed_over and reply.why == "this desk reads English only"
        assert not desk.reply("Ich habe mein Passwort vergessen, größer?").handed_over


def test_readable():
    assert readable("R2-D2, 42?") and readable("42") and readable("naïve Ωmega")
    assert not readable("Где моя посылка? OK") and not readable("密码")


def test_a_reply_as_json(desk):
    reply = desk.reply("i forgot what i log in with")
    values = json.loads(json.dumps(reply.as_json()))
    assert values["answer"] == reply.answer and "guesses" not in values
    assert [one["entry"]["id"] for one in values["runners_up"]] == [one.entry.id for one in reply.runners_up]


def test_fewer_entries_than_guesses(embedder):
    with Desk(ENTRIES[:1], embedder, BY_COSINE) as desk:
        reply = desk.reply("i forgot what i log in with")
        assert reply.entry == "password" and reply.runners_up == ()


def test_known_vectors_give_the_same_desk(embedder, desk):
    vectors = embedder.predict([text_of(entry) for entry in ENTRIES])
    with Desk(ENTRIES, embedder, BY_COSINE, vectors=vectors) as other:
        for question in ("can I come by on saturday?", "my letter got lost"):
            one, two = desk.search(question), other.search(question)
            assert [guess.entry for guess in one] == [guess.entry for guess in two]
            np.testing.assert_allclose([g.score for g in one], [g.score for g in two], atol=1e-5)


def test_hybrid_lets_words_decide_where_its_weight_says_so(embedder):
    question = "settings account"
    by_words = [Entry("a", "Colours", "They stand in the settings of your account."), *ENTRIES[1:3]]
    with Desk(by_words, embedder, BY_COSINE, mode="hybrid", weight=0.0) as desk:
        found = desk.search(question)
        assert found[0].entry.id == "a" and found[0].score == 1.0 and found[0].words > 0
        assert len(found) == 3 and all(guess.words == 0 for guess in found[1:])
    with Desk(ENTRIES, embedder, BY_COSINE, mode="hybrid", weight=1.0) as desk:
        by_meaning = Desk(ENTRIES, embedder, BY_COSINE)
        assert [g.entry for g in desk.search(question)] == [g.entry for g in by_meaning.search(question)]
        assert desk.search(question)[0].cosine == pytest.approx(by_meaning.search(question)[0].score, abs=1e-6)
        by_meaning.close()


def test_the_desk_refuses(embedder):
    for entries, options, message in (
        ([], {}, "0 entries"),
        ([ENTRIES[0], ENTRIES[0]], {}, "2 entries with 1 ids"),
        ([Entry("x", "Who?", " ")], {}, "entry 'x' has a blank answer"),
        (ENTRIES, {"mode": "words"}, "mode='words': choose one of meaning, hybrid"),
        (ENTRIES, {"weight": 2.0}, r"weight=2\.0"),
        (ENTRIES, {"guesses": 0}, "guesses=0"),
    ):
        with pytest.raises(ValueError, match=message):
            Desk(entries, embedder, BY_COSINE, **options)


def test_the_commands_desk_has_the_adapters_vectors_merged():
    adapted = Embedder.load(data_folder("desk") / "embedder", encoder_folder("minilm"))
    with open_desk(ENTRIES, BY_COSINE, show_progress=False) as desk:
        texts = [text_of(entry) for entry in ENTRIES]
        np.testing.assert_allclose(desk.index.embedder.predict(texts), adapted.predict(texts), atol=1e-5)
        assert not any("lora" in name for name, _ in desk.index.embedder.model.named_parameters())


# ------------------------------------------------------------------------------------------------------ conversations


def test_a_follow_up_does_not_get_the_answer_that_was_given(desk):
    reply = desk.reply("and from when on?", ["on which days are you open?"])
    assert desk.search("on which days are you open? and from when on?")[0].entry.id == "hours" != reply.entry
    assert reply.history == ("on which days are you open?",)


def test_a_new_question_goes_to_search_alone(desk):
    reply = desk.reply("Where is my parcel?", ["on which days are you open?"])
    assert reply.entry == "parcel" and reply.searched == "Where is my parcel?"


def test_all_earlier_questions_are_put_before_it():
    assert with_history("c", []) == "c" and with_history("c", ["a", "b"]) == "a b c"


def test_search_both_takes_the_nearer_and_of_equal_ones_the_question_alone():
    near = {"b": 0.5, "a b": 0.6, "c": 0.6, "a c": 0.6, "d": 0.7, "a d": 0.6, "z a": 0.4, "z a b": 0.9}

    def search(text):
        return [guess("answered", near[text])] if text in ("a", "z a") else [guess("x", near[text])]

    near["a"] = 0.5
    assert search_both(search, "b", ["z", "a"])[1] == "z a b"
    assert search_both(search, "b", ["a"])[1] == "a b"
    assert search_both(search, "c", ["a"])[1] == "c"
    assert search_both(search, "d", ["a"])[1] == "d"
    assert search_both(search, "b", [])[1] == "b"


def test_what_answered_the_earlier_questions_does_not_answer_the_next_one_by_them():
    lists = {"cost?": [guess("x", 0.3)], "a": [guess("a", 0.9)], "a cost?": [guess("a", 0.8), guess("b", 0.6)]}
    found, searched = search_both(lists.__getitem__, "cost?", ["a"])
    assert searched == "a cost?" and [one.entry.id for one in found] == ["b"]
    lists["a cost?"] = [guess("a", 0.8)]  # nothing is left
    assert search_both(lists.__getitem__, "cost?", ["a"]) == (lists["cost?"], "cost?")
    lists["a"], lists["cost?"] = [guess("a", 0.9)], [guess("a", 0.7)]  # asked again, in words that stand alone
    assert search_both(lists.__getitem__, "cost?", ["a"])[0][0].entry.id == "a"


def test_only_the_last_five_questions_are_kept(desk):
    reply = desk.reply("and when?", [f"question {number}" for number in range(8)])
    assert reply.history == tuple(f"question {number}" for number in range(3, 8))


# ------------------------------------------------------------------------------------------------------------ figures


def test_figures_of_a_search():
    found = [guess("a", 0.8, 3.0), guess("b", 0.7, 5.0), guess("c", 0.6)]
    assert figures_of(found) == pytest.approx({"best": 0.8, "lead": 0.1, "agree": 0.5})
    assert figures_of(found[:1]) == {"best": 0.8, "lead": 0.0, "agree": 1.0}
    assert figures_of([guess("a", 0.8, 0.0), guess("b", 0.7, 5.0)])["agree"] == 0.0
    assert figures_of([guess("a", 0.8, 5.0), guess("b", 0.7, 5.0)])["agree"] == 1.0, "a tie is no doubt"
    with pytest.raises(ValueError, match="found is empty"):
        figures_of([])


def test_two_entries_with_one_question_are_no_reason_to_doubt():
    found = [guess("a", 0.8, 1.0, "Same?"), guess("b", 0.79, 1.0, "Same?"), guess("c", 0.5)]
    assert figures_of(found)["lead"] == pytest.approx(0.3)
    blank = [guess("a", 0.8, 1.0, ""), guess("b", 0.7, 1.0, "")]
    assert figures_of(blank)["lead"] == pytest.approx(0.1), "no question is no common one"


def test_figures_are_of_the_ten_nearest():
    found = [guess("a", 0.9, 1.0), *(guess(str(i), 0.5, 0.5) for i in range(9)), guess("far", 0.1, 9.0)]
    assert figures_of(found)["agree"] == 1.0


# --------------------------------------------------------------------------------------------------------- confidence


def rows_of(count=400, seed=0):
    rng = np.random.default_rng(seed)
    best, lead = rng.random(count), rng.random(count) / 10
    right = rng.random(count) < 1 / (1 + np.exp(-(8 * best + 30 * lead - 5)))
    return [{"best": b, "lead": d, "still": 1.0} for b, d in zip(best.tolist(), lead.tolist(), strict=True)], right


def test_the_fit_finds_the_probability_that_made_the_labels():
    figures, right = rows_of(20_000)
    fitted = fit_confidence(figures, right.tolist())
    assert fitted.weights["best"] == pytest.approx(8, abs=0.5) and fitted.weights["lead"] == pytest.approx(30, abs=3)
    assert fitted.weights["still"] == 0.0
    guessed = np.array([fitted.of(row) for row in figures])
    for low in (0.1, 0.5, 0.9):
        inside = abs(guessed - low) < 0.05
        assert right[inside].mean() == pytest.approx(guessed[inside].mean(), abs=0.03)


def test_the_fit_is_scikit_learns_on_scaled_figures():
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    figures, right = rows_of(60)
    table = StandardScaler().fit_transform([[row["best"], row["lead"], row["still"]] for row in figures])
    for strength in (1.0, 10.0):
        own = fit_confidence(figures, right.tolist(), strength=strength)
        theirs = LogisticRegression(C=1 / strength).fit(table, right).predict_proba(table)[:, 1]
        np.testing.assert_allclose([own.of(row) for row in figures], theirs, atol=1e-4)


def test_the_fit_refuses():
    figures, right = rows_of(4)
    for wrong, labels, message in (
        (figures, [True, False], "4 figures and 2 right"),
        ([], [], "0 figures and 0 right"),
        ([*figures[:3], {"best": 1.0}], right, r"figures\[3\] has best"),
        ([*figures[:3], figures[3] | {"lead": float("nan")}], right, r"figures\[3\] is not finite"),
        (figures, [True] * 4, "right is True for all 4"),
        (figures, [False] * 4, "right is False for all 4"),
    ):
        with pytest.raises(ValueError, match=message):
            fit_confidence(wrong, labels)


def test_confidence_is_kept_as_json(tmp_path):
    made = Confidence({"best": 2.5, "lead": -1.0}, 0.25, 0.7, "on nothing, größer")
    made.save(tmp_path / "c.json")
    assert Confidence.load(tmp_path / "c.json") == made
    assert json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["fitted"] == "on nothing, größer"
    assert made.of({"best": 0.3, "lead": 1.0, "more": 9.0}) == pytest.approx(0.5)
    assert made.of({"best": -1e6, "lead": 0.0}) == 0.0 and made.of({"best": 1e6, "lead": 0.0}) == 1.0


@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "line 1: not JSON"),
        ("{}", "give a file that Confidence.save wrote"),
        ('{"weights": {"best": "2"}, "bias": 0, "threshold": 0.5, "fitted": ""}', "best='2': give a finite number"),
        ('{"weights": {"best": NaN}, "bias": 0, "threshold": 0.5, "fitted": ""}', "best=nan"),
        ('{"weights": {}, "bias": null, "threshold": 0.5, "fitted": ""}', "give a file that"),
    ],
)
def test_confidence_refuses_other_files(tmp_path, text, message):
    (tmp_path / "c.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        Confidence.load(tmp_path / "c.json")


def test_a_figure_that_is_missing_is_named():
    with pytest.raises(ValueError, match="figures lack lead: they have best"):
        Confidence({"best": 1.0, "lead": 1.0}, 0.0).of({"best": 1.0})


def test_the_shipped_confidence_reads_the_figures_of_a_search():
    shipped = Confidence.load(SHIPPED)
    assert set(shipped.weights) == set(figures_of([guess("a", 0.8)])) and shipped.fitted


def test_the_threshold_from_costs():
    assert threshold_for(5, 1) == 0.8 and threshold_for(1, 1) == threshold_for(1, 3) == 0.0
    for wrong, handed_over in ((0, 1), (1, 0), (-1, 1), (float("nan"), 1), (1, float("inf"))):
        with pytest.raises(ValueError, match="give a cost over 0"):
            threshold_for(wrong, handed_over)


# -------------------------------------------------------------------------------------------------- what is asked, kept


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "question is blank"),
        (" \n\t ", "question is blank"),
        ("?!", "question is without words"),
        ("🙂", "question is without words"),
        ("x" * 10_000, "question has 10,000 characters: give at most 1,000"),
        ("a\ud800", "half a character"),
        (None, "question is a NoneType"),
    ],
)
def test_what_is_no_question(text, message, desk):
    for refuse in (asked, desk.reply):
        with pytest.raises(ValueError, match=message):
            refuse(text)
    with pytest.raises(ValueError, match=message.replace("question", "history", 1)):
        desk.reply("Is it open?", [text])


def test_the_longest_question_is_read(desk):
    assert asked(f"  {'x' * LONGEST}\n") == "x" * LONGEST
    assert desk.reply("word " * 200).handed_over


def test_entries_of_rows():
    rows = [{"id": "a", "question": "Q?", "answer": "A.", "sources": "S", "category": "c"}]
    assert entries_of(rows) == [Entry("a", "Q?", "A.", "S")]
    assert entries_of([{"id": "a", "question": "Q?", "answer": "A."}]) == [Entry("a", "Q?", "A.", "")]


def test_answers_of_ones_own(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text('\ufeffAnswer, Question,Source\n"One, or\nmore.",How many?,Book\n\nNo.,Any?,\n', encoding="utf-8")
    assert read_answers(path) == [
        Entry("line 2", "How many?", "One, or\nmore.", "Book"),
        Entry("line 5", "Any?", "No."),
    ], "the lines where they begin"


@pytest.mark.parametrize(
    "content, message",
    [
        (b"question,reply\na,b\n", "line 1: give one column 'answer'; the columns are question, reply"),
        (b"", "line 1 is empty: begin with the names of the columns, question,answer"),
        (b"question,answer\n", "no rows below the header"),
        (b"question,answer\na,b\nc\n", "line 3: 1 fields where the header has 2"),
        (b"question,answer\n ,b\n", "line 2: 'question' is blank"),
        (b'question,answer\na,"b\n', "line 2: unexpected end of data"),
        (b"question,answer\na,\xff\n", "line 2"),
    ],
)
def test_answers_with_faults(tmp_path, content, message):
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_answers(path)
    with pytest.raises(FileNotFoundError):
        read_answers(tmp_path / "other.csv")
