"""Answers in a text: learned, predicted, decided, measured, saved and opened; what does not fit is named."""

import json
import os
from dataclasses import replace

import checks
import numpy as np
import pytest
import torch
import transformers
from bug_zoo import answer_bugs
from datasets import Dataset, DatasetDict

from bertlib import BertForQuestionAnswering, BertForSequenceClassification
from bertlib.data.encoders import encoder_folder
from bertlib.data.questions import question_rows
from bertlib.metrics.answers import answer_scores
from bertlib.model.adapters import adapters_of, lora_of, merge, trained
from bertlib.tasks import classify
from bertlib.tasks.answer import Answerer, fine_tune
from bertlib.text.answers import KEPT, Candidate, read_with_questions
from bertlib.text.tokenizer import load_tokenizer
from bertlib.text.wordpiece import word_spans
from bertlib.train.recipe import RECIPES
from conftest import WORDS

SETTINGS = {"epochs": 30, "batch_size": 16, "learning_rate": 4e-3, "max_length": 30, "precision": "fp32", "seed": 0}
SETTINGS |= {"show_progress": False}
SHORT = SETTINGS | {"epochs": 1}
ENOUGH = {"epochs": 60, "learning_rate": 2e-3}  # on processors that round otherwise, too
SUBJECTS = {"bank": ["share", "profit", "market"], "goal": ["match", "team", "coach"]}


def row_of(question, context, *answers):
    """A row; each answer by its text, at its first place, or with its place."""
    places = [own if isinstance(own, tuple) else (own, context.index(own)) for own in answers]
    told = {"text": [text for text, _ in places], "answer_start": [start for _, start in places]}
    return {"question": question, "context": context, "answers": told}


def make_questions(size, seed, fillers=(3, 9)):
    """`the bank` asks for one or two words of money, `the goal` for those of play; a word of the other kind is there
    too, and in a third of the texts nothing else: no answer.
    """
    rng, rows = np.random.default_rng(seed), []
    for number in range(size):
        asked, other = list(SUBJECTS)[:: 1 if number % 2 else -1]
        parts = [str(word) for word in rng.choice(["the", "and", "of", "good", "bad"], size=rng.integers(*fillers))]
        answers = [" ".join(rng.choice(SUBJECTS[asked], size=rng.integers(1, 3)))] if rng.random() > 0.3 else []
        for part in (*answers, str(rng.choice(SUBJECTS[other]))):
            parts.insert(int(rng.integers(0, len(parts) + 1)), part)
        rows.append(row_of(f"the {asked}", " ".join(parts), *answers))
    return question_rows(rows)


@pytest.fixture(scope="module")
def questions():
    return DatasetDict(train=make_questions(240, 0), validation=make_questions(60, 1), test=make_questions(80, 2))


@pytest.fixture(scope="module")
def trained_and_folder(tiny_folder, questions, tmp_path_factory):
    checkpoint = tmp_path_factory.mktemp("answerer") / "best"
    return fine_tune(questions, encoder=tiny_folder, checkpoint=checkpoint, **SETTINGS | ENOUGH), checkpoint


@pytest.fixture(scope="module")
def answerer(trained_and_folder):
    return trained_and_folder[0]


@pytest.fixture
def untrained(tiny_config, tokenizer):
    """Weights large enough for different texts to get clearly different scores."""
    model = BertForQuestionAnswering(tiny_config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return Answerer(model, tokenizer, 24)


class Random(Answerer):
    """Its scores are drawn, not computed."""

    def logits(self, examples, **options):
        for number, sequence in enumerate(examples.sequences):
            yield [number], torch.randn(1, len(sequence) + number % 3, 2)


# -------------------------------------------------------------------------------------------------------- it learns


def test_learns_what_only_question_and_context_together_tell(answerer, questions):
    scores = answerer.evaluate(questions["test"])
    assert scores["f1"] > 0.9 and scores["exact"] > 0.8
    assert scores["has_answer"]["f1"] > 0.85 and scores["no_answer"]["f1"] > 0.9
    assert scores["has_answer"]["support"] > 40 and scores["no_answer"]["support"] > 20
    context = "the good market and of coach"
    assert answerer.predict("the bank", context)["text"] == "market"
    assert answerer.predict("the goal", context)["text"] == "coach"


def test_shuffled_answers_teach_nothing(tiny_folder, questions):
    """The control: other words of the same texts for answers, as many of them none."""
    rng = np.random.default_rng(0)

    def moved(row):
        words = row["context"].split()
        answers = [str(rng.choice(words))] if row["answers"]["text"] else []
        return row_of(row["question"], row["context"], *answers)

    data = DatasetDict(train=question_rows([moved(row) for row in questions["train"]]))
    scores = fine_tune(data, encoder=tiny_folder, **SETTINGS).evaluate(questions["test"])
    assert scores["has_answer"]["f1"] < 0.4


def test_where_a_word_stands_is_learned_at_either_edge(tiny_folder):
    """B9: answers are the first or the last word of their contexts, and are found there."""
    rng, rows = np.random.default_rng(0), []
    for number in range(160):
        words = [str(word) for word in rng.choice(["the", "and", "of"], size=rng.integers(2, 6))]
        answer = str(rng.choice(SUBJECTS["goal"]))
        words = [answer, *words] if number % 2 else [*words, answer]
        rows.append(row_of("the goal", " ".join(words), answer))
    data = DatasetDict(train=question_rows(rows[:120]), validation=question_rows(rows[120:]))
    found = fine_tune(data, encoder=tiny_folder, **SETTINGS | {"epochs": 8}).evaluate(question_rows(rows[120:]))
    assert found["exact"] > 0.9


def test_seed_decides_on_everything(tiny_folder, questions):
    one, two, other = (fine_tune(questions, encoder=tiny_folder, **SHORT | {"seed": seed}) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True))
    assert one.threshold == two.threshold != other.threshold
    assert not torch.equal(one.model.qa_outputs.weight, other.model.qa_outputs.weight)


def test_its_recipe_and_its_history(answerer, questions, tiny_folder):
    assert Answerer.recipe is RECIPES["answer"] and Answerer.recipe.epochs == 2
    assert len(answerer.history.epochs) == ENOUGH["epochs"]
    for row in answerer.history.epochs:
        assert 0 <= row["validation_exact"] <= row["validation_f1"] <= 1
    best = max(answerer.history.epochs, key=lambda row: row["validation_f1"])
    assert answerer.history.best_epoch == best["epoch"]
    fresh = fine_tune(questions, encoder=tiny_folder, pretrained=False, **SHORT)
    assert fresh.model.config == answerer.model.config


# ---------------------------------------------------------------------------------------- what each window is asked


def labelled(answerer, *rows, max_length=24):
    answerer.max_length = max_length
    return answerer.examples(question_rows(rows))


def test_labels_by_hand(untrained):
    """[CLS] the goal [SEP] good match of team [SEP]: the first answer is learned, none is [CLS]."""
    made = labelled(
        untrained,
        row_of("the goal", "good match of team", "match", "team"),
        row_of("the goal", "good match of team", "team", "match"),
        row_of("the goal", "good match of team"),
        row_of("the goal", "good match of team", "good match of team"),
        row_of("goal", "good xyz of", "xyz"),
        row_of("goal", "good xyz of", "yz o"),  # cut inside words: those that it touches
    )
    assert made.labels == [[5, 5], [7, 7], [0, 0], [4, 7], [4, 6], [4, 7]]
    assert made.segments[0] == [0] * 4 + [1] * 5 and made.sequences[0][0] == 2
    shown = [untrained.tokenizer.id_to_token(number) for number in made.sequences[4]]
    assert shown == ["[CLS]", "goal", "[SEP]", "good", "x", "##y", "##z", "of", "[SEP]"]


def test_windows_that_hold_half_an_answer_or_none_are_asked_for_none(untrained):
    words = ["the", "and", "of", "good", "bad", "bank", "share", "goal", "match", "team", "coach", "profit"]
    context = " ".join(words)
    made = labelled(untrained, row_of("goal", context, "bank share goal"), max_length=11)
    found = []
    for sequence, (first, last) in zip(made.sequences, made.labels, strict=True):
        tokens = [untrained.tokenizer.id_to_token(number) for number in sequence]
        whole = " ".join(tokens[3:-1])
        assert (first, last) != (0, 0) or "bank share goal" not in whole
        if (first, last) != (0, 0):
            assert tokens[first : last + 1] == ["bank", "share", "goal"]
        found.append((first, last) != (0, 0))
    assert len(found) > 1 and any(found) and not all(found)


@pytest.mark.parametrize(
    "rows, message",
    [
        (
            [row_of("the", "goal", ("team", 0))],
            r"row 0: answer 'team' is not at 0, where 'goal' stands; it does not st",
        ),
        ([row_of("the", "goal team", ("team", 4))], r"row 0: answer 'team' is not at 4, .* it stands at 5"),
        ([row_of("the", "goal team", ("team", 99))], r"row 0: answer 'team' is not at 99, where '' stands; it stands"),
        ([row_of("the", "goal", ("goal", -1))], r"row 0: answer 'goal' at -1: give a text and a place from 0 on"),
        ([row_of("the", "goal"), row_of("the", "goal", (" ", 0))], r"row 1: answer ' ' at 0: give a text and a place"),
        ([row_of(" ", "goal")], r"row 0: question is ' ': give a text with something in it"),
        ([row_of("the", "")], r"row 0: context is '': give a text with something in it"),
        (
            [row_of("the", "a \u200b b", "\u200b")],
            r"row 0: the answer '\\u200b' holds nothing that the tokenizer reads",
        ),
        ([row_of("the", "a"), row_of("the " * 24, "a")], r"question 1 has 24 pieces: with max_length=30 give 1 to 23"),
    ],
)
def test_rows_that_do_not_fit_are_named(rows, message, tiny_folder, questions):
    """Training and validation alike, and before anything is trained."""
    for bad in ("train", "validation"):
        data = {"train": questions["train"], "validation": questions["validation"]} | {bad: question_rows(rows)}
        with pytest.raises(ValueError, match=message):
            fine_tune(DatasetDict(data), encoder=tiny_folder, **SETTINGS | {"epochs": 10**6})


def test_other_columns_are_named(answerer, tiny_folder, questions):
    for column in ("question", "context", "answers"):
        without = questions["train"].remove_columns(column)
        with pytest.raises(ValueError, match=rf"the data has no column '{column}'; it has "):
            fine_tune(DatasetDict(train=without), encoder=tiny_folder, **SHORT)
        with pytest.raises(ValueError, match=rf"the data has no column '{column}'"):
            answerer.evaluate(without)
    bare = Dataset.from_list([{"question": "the", "context": "goal", "answers": ["goal"]}])
    with pytest.raises(ValueError, match=r"row 0: answers is \['goal'\]: give {'text': \[...\], 'answer_start'"):
        fine_tune(DatasetDict(train=bare), encoder=tiny_folder, **SHORT)


def test_data_sets_and_arguments_that_are_none(tiny_folder, questions):
    with pytest.raises(ValueError, match="dataset is a Dataset: give a DatasetDict"):
        fine_tune(questions["train"], encoder=tiny_folder, **SHORT)
    with pytest.raises(ValueError, match="dataset's split 'validation' is empty"):
        empty = {"train": questions["train"], "validation": questions["train"].select([])}
        fine_tune(DatasetDict(empty), encoder=tiny_folder, **SHORT)
    with pytest.raises(ValueError, match="max_length=7: give at least 8"):
        fine_tune(questions, encoder=tiny_folder, **SHORT | {"max_length": 7})
    with pytest.raises(TypeError, match="epoch=2 is no setting"):
        fine_tune(questions, encoder=tiny_folder, epoch=2)


# --------------------------------------------------------------------------------------------------------- predict


def test_one_question_gives_one_result_and_lists_a_list_in_their_order(answerer, questions):
    asked, contexts = questions["test"]["question"][:20], questions["test"]["context"][:20]
    together = answerer.predict(asked, contexts)
    assert [list(found) for found in together] == [["text", "start", "end", "score"]] * 20
    for batch_size in (1, 3, 64):
        again = answerer.predict(asked, contexts, batch_size=batch_size)
        assert [found["text"] for found in again] == [found["text"] for found in together]
    for question, context, found in zip(asked, contexts, together, strict=True):
        alone = answerer.predict(question, context)
        assert {**alone, "score": 0} == {**found, "score": 0}
        assert alone["score"] == pytest.approx(found["score"], abs=1e-5)
    reversed_ = answerer.predict(asked[::-1], contexts[::-1])
    assert [found["start"] for found in reversed_] == [found["start"] for found in together][::-1]


def test_questions_and_contexts_of_any_kind(answerer):
    asked, contexts = ["the bank", "the goal"], ["good market of", "the coach and"]
    expected = answerer.predict(asked, contexts)
    for kind in (tuple, iter, np.array, lambda given: (text for text in given), Dataset_column):
        assert answerer.predict(kind(asked), kind(contexts)) == expected
    assert answerer.predict(asked[:1], contexts[:1]) == expected[:1]
    assert answerer.predict(np.str_("the bank"), contexts[0]) == expected[0]


def Dataset_column(texts):
    return Dataset.from_dict({"text": texts})["text"]


@pytest.mark.parametrize(
    "question, context, message",
    [
        ("the", ["goal"], "1 questions and 1 contexts: give two texts, or two lists of one length"),
        (["the"], "goal", "1 questions and 1 contexts: give two texts, or two lists of one length"),
        (["the"], ["goal", "bank"], "1 questions and 2 contexts: give two texts, or two lists of one length"),
        ("", "goal", "question 0 is '': give a text with something in it"),
        ("the", " \n", r"context 0 is ' \n': give a text with something in it"),
        (["the", "\t"], ["goal", "bank"], r"question 1 is '\t': give a text with something in it"),
        (None, "goal", "texts is NoneType None: give a text or a list of them"),
        ("the", {"text": "goal"}, "texts is dict"),
        ([], [], "texts is empty"),
        (["the", 3], ["goal", "bank"], "texts[1] is int 3: give strings"),
        ("the", "goal \ud83d", "texts[0]: character 5 is half a character"),
        ("\u200b", "goal", "question 0 has 0 pieces: with max_length=30 give 1 to 23"),
        ("the " * 24, "goal", "question 0 has 24 pieces: with max_length=30 give 1 to 23"),
    ],
)
def test_what_cannot_be_asked(answerer, question, context, message):
    with pytest.raises(ValueError) as caught:
        answerer.predict(question, context)
    assert str(caught.value).startswith(message)


def test_two_thousand_answers_are_cut_out_of_their_contexts(tiny_config):
    """Whatever the scores: text is context[start:end], of whole words; accents stay with their letters."""
    from test_answers import random_text

    model = BertForQuestionAnswering(replace(tiny_config, vocab_size=30522))
    answerer = Random(model, load_tokenizer(encoder_folder("minilm")), 40, threshold=float("inf"))
    rng = np.random.default_rng(0)
    contexts = [random_text(rng, int(rng.integers(3, 40))) for _ in range(2000)]
    longer = 0
    for context, found in zip(contexts, answerer.predict(["Who?"] * 2000, contexts), strict=True):
        assert found["text"] == context[found["start"] : found["end"]] != ""
        words = word_spans(context)
        assert found["start"] in {start for start, _ in words}
        assert not context[found["end"] :].startswith(("\u0301", "\u030a", "\ufe0f"))
        end = max(end for _, end in words if end <= found["end"])
        assert set(context[end : found["end"]]) <= {"\u0301", "\u030a", "\ufe0f"}
        assert 0 < found["score"] < 1
        longer += " " in found["text"]
    assert longer > 500


def test_the_score_is_a_share_of_what_might_be_the_answer(untrained):
    question, context = "the goal", "good match of team and bank"
    ((best, nothing),) = untrained.candidates([question], [context])
    assert len(best) == KEPT and all(isinstance(candidate, Candidate) for candidate in best)
    scores = [candidate.score for candidate in best]
    assert scores == sorted(scores, reverse=True)
    exponents = np.exp([nothing, *scores])
    for threshold, number in ((float("inf"), 1), (float("-inf"), 0)):
        untrained.threshold = threshold
        found = untrained.predict(question, context)
        assert found["score"] == pytest.approx(exponents[number] / exponents.sum())
    huge = untrained.decide([Candidate(0, 4, 5000.0), Candidate(5, 6, 4000.0)], -9e3, context)  # no overflow
    assert huge == {"text": "", "start": None, "end": None, "score": 0.0}


def test_candidates_come_from_the_models_scores(untrained):
    """By hand, from the logits of transformers' own forward pass over one window."""
    question, context = "the goal", "good xyz of team"
    ((best, nothing),) = untrained.candidates([question], [context], 100)
    sequences, segments, _, (pieces,) = read_with_questions(untrained.tokenizer, [question], [context], 24)
    with torch.no_grad():
        ids = {"input_ids": torch.tensor(sequences), "token_type_ids": torch.tensor(segments)}
        starts, ends = untrained.model(**ids).logits[0].T.numpy()
    words = [(0, 0), (1, 3), (4, 4), (5, 5)]  # first and last piece of each
    places = word_spans(context)
    expected = {
        (places[one][0], places[other][1]): starts[4 + words[one][0]] + ends[4 + words[other][1]]
        for one in range(4)
        for other in range(one, 4)
    }
    assert {(found.start, found.end) for found in best} == expected.keys() and len(pieces.ids) == 6
    assert all(found.score == pytest.approx(expected[found.start, found.end], abs=1e-5) for found in best)
    assert nothing == pytest.approx(starts[0] + ends[0], abs=1e-5)
    few = untrained.candidates([question], [context], 3)[0][0]
    assert [(found.start, found.end) for found in few] == [(found.start, found.end) for found in best[:3]]


# --------------------------------------------------------------------------------------------- no answer, threshold


def test_no_answer(answerer):
    found = answerer.predict("the goal", "the good and of market")
    assert {**found, "score": 0} == {"text": "", "start": None, "end": None, "score": 0}
    assert 0.3 < found["score"] <= 1
    assert json.loads(json.dumps(found)) == found


def test_the_threshold_decides(untrained, questions):
    asked, contexts = questions["test"]["question"][:], questions["test"]["context"][:]
    leads = np.array([nothing - best[0].score for best, nothing in untrained.candidates(asked, contexts)])
    for threshold in (-1e9, *np.quantile(leads, [0.1, 0.5, 0.9]), float(leads[3]), 1e9):
        untrained.threshold = threshold
        given = [found["text"] != "" for found in untrained.predict(asked, contexts)]
        assert np.mean(given == (leads <= threshold)) > 0.98  # but for rounding, where one lies exactly on it


def test_the_suited_threshold_is_the_best_of_all():
    checks.the_threshold_is_the_best(Answerer.suited_threshold)


@pytest.mark.parametrize("bug", [answer_bugs.threshold_never_moved, answer_bugs.scores_never_passed])
def test_other_thresholds_are_caught(bug):
    with pytest.raises(AssertionError):
        checks.the_threshold_is_the_best(bug)


def test_the_threshold_comes_from_validation_and_is_the_best_there(answerer, questions):
    """B7: exactly 0 is what it is when nobody has chosen."""
    assert answerer.threshold != 0 and np.isfinite(answerer.threshold)
    assert answerer.threshold == answerer.suited_threshold(questions["validation"])
    own, validation = answerer.threshold, questions["validation"]
    try:
        best = answerer.evaluate(validation)["f1"]
        kept = max(row["validation_f1"] for row in answerer.history.epochs)
        assert best >= kept - 1e-9  # epochs are compared at 0
        for other in (*np.linspace(-8, 8, 33), 0.0):
            answerer.threshold = float(other)
            assert answerer.evaluate(validation)["f1"] <= best + 1e-9
    finally:
        answerer.threshold = own


def test_without_validation_the_threshold_is_zero(tiny_folder, questions):
    assert fine_tune(DatasetDict(train=questions["train"]), encoder=tiny_folder, **SHORT).threshold == 0.0


def test_a_threshold_on_questions_that_tell_nothing(untrained):
    with pytest.raises(ValueError, match="there are no questions to choose a threshold on"):
        untrained.suited_threshold(make_questions(3, 0).select([]))
    never = row_of("the", "abcdefghijklmnopqrstuvwxyz" * 2)  # a word that no window holds whole
    assert untrained.suited_threshold(question_rows([never])) == 0.0
    assert untrained.predict("the", never["context"])["text"] == ""
    with_one = [never, row_of("the", "goal", "goal"), never]
    assert np.isfinite(untrained.suited_threshold(question_rows(with_one)))


# -------------------------------------------------------------------------------------------------------- evaluate


def test_evaluate_scores_what_predict_says(answerer, questions):
    split = questions["test"]
    given = [found["text"] for found in answerer.predict(split["question"], split["context"])]
    assert answerer.evaluate(split) == answer_scores([row["text"] for row in split["answers"]], given)
    assert answerer.evaluate(split, batch_size=7) == answerer.evaluate(split)


def test_the_better_of_two_right_answers_counts(answerer):
    context = "the good coach team and of"
    given = answerer.predict("the goal", context)["text"]
    assert given in ("coach", "coach team", "team")
    for answers in ([given, "good"], ["good", given]):
        assert answerer.evaluate(question_rows([row_of("the goal", context, *answers)]))["exact"] == 1.0
    assert answerer.evaluate(question_rows([row_of("the goal", context, "good")]))["exact"] == 0.0


def test_nothing_to_evaluate(answerer, questions):
    with pytest.raises(ValueError, match="is empty"):
        answerer.evaluate(questions["test"].select([]))


# ------------------------------------------------------------------------------------------------------ long contexts


def make_long(size, seed):
    """The one word of play in a text of many windows, wherever; in some texts there is none."""
    rng, rows = np.random.default_rng(seed), []
    for _ in range(size):
        words = [str(word) for word in rng.choice(["the", "and", "of", "good", "bank"], size=rng.integers(40, 80))]
        answers = [str(rng.choice(SUBJECTS["goal"]))] if rng.random() < 0.7 else []
        for answer in answers:
            words.insert(int(rng.integers(0, len(words) + 1)), answer)
        rows.append(row_of("the goal", " ".join(words), *answers))
    return question_rows(rows)


def test_long_contexts_are_trained_on_and_read_whole(tiny_folder):
    data = DatasetDict(train=make_long(60, 0), validation=make_long(20, 1))
    answerer = fine_tune(data, encoder=tiny_folder, **SETTINGS | {"epochs": 5, "max_length": 16})
    assert len(answerer.examples(data["train"])) > 5 * 60
    test = make_long(40, 2)
    scores = answerer.evaluate(test)
    assert scores["has_answer"]["exact"] > 0.95 and scores["no_answer"]["exact"] > 0.9
    places = [found["start"] for found in answerer.predict(test["question"], test["context"]) if found["text"]]
    assert min(places) < 50 and max(places) > 180
    # More windows after an answer, and before it, change neither what it is nor where it stands in its own text.
    filler = "and of good " * 60
    for context in (
        "the coach of",
        f"the coach of {filler}",
        f"{filler}the coach of",
        f"{filler}the coach of {filler}",
    ):
        found = answerer.predict("the goal", context)
        assert (found["text"], found["start"]) == ("coach", context.index("coach"))
    assert answerer.predict("the goal", filler)["text"] == ""


# ---------------------------------------------------------------------------------------------------- save and load


def test_checkpoint_and_saved_folder_give_the_same(trained_and_folder, questions, tmp_path):
    answerer, checkpoint = trained_and_folder
    answerer.save(tmp_path / "saved")
    asked, contexts = questions["test"]["question"][:20], questions["test"]["context"][:20]
    for folder in (checkpoint, tmp_path / "saved"):
        again = Answerer.load(folder)
        assert (again.max_length, again.threshold) == (30, answerer.threshold)
        assert json.loads((folder / "bertlib.json").read_text()) == {
            "max_length": 30,
            "threshold": answerer.threshold,
        }
        assert again.predict(asked, contexts) == answerer.predict(asked, contexts)
        assert again.history is None and again.labels == ()


def test_transformers_opens_the_folder_and_gives_the_same_scores(answerer, tmp_path):
    answerer.save(tmp_path)
    theirs = transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    question, context = "the bank", "good market of the coach"
    inputs = tokenizer(question, context, return_tensors="pt")
    with torch.no_grad():
        output, mine = theirs(**inputs), answerer.model(**inputs).logits
    torch.testing.assert_close(torch.stack([output.start_logits, output.end_logits], dim=-1), mine)
    first, last = (int(scores[0].argmax()) for scores in (output.start_logits, output.end_logits))
    found = answerer.predict(question, context)
    assert (found["start"], found["end"]) == (inputs.token_to_chars(first).start, inputs.token_to_chars(last).end)


def test_a_folder_of_transformers_opens_with_settings_that_suit_it(tiny_folder, tmp_path):
    config = transformers.BertConfig.from_pretrained(tiny_folder)
    transformers.BertForQuestionAnswering(config).save_pretrained(tmp_path)
    vocabulary = (tiny_folder / "vocab.txt").read_text(encoding="utf-8")
    (tmp_path / "vocab.txt").write_text(vocabulary, encoding="utf-8")
    answerer = Answerer.load(tmp_path)
    assert (answerer.max_length, answerer.threshold) == (40, 0.0)
    assert set(answerer.predict("the", "goal of")) == {"text", "start", "end", "score"}


def test_folders_without_what_is_needed(answerer, tiny_folder, tiny_dataset, tmp_path):
    with pytest.raises(ValueError, match=r"has no answering head \(qa_outputs\.bias is missing\): fine-tune it first"):
        Answerer.load(tiny_folder)
    classifier = {"epochs": 1, "learning_rate": 1e-3, "max_length": 16, "show_progress": False}
    classify.fine_tune(tiny_dataset, encoder=tiny_folder, checkpoint=tmp_path / "classifier", **classifier)
    with pytest.raises(ValueError, match="has no answering head"):
        Answerer.load(tmp_path / "classifier")
    answerer.save(tmp_path / "answerer")
    (tmp_path / "answerer" / "bertlib.json").write_text('{"max_length": 30}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"lacks threshold; give a folder that Answerer\.save wrote"):
        Answerer.load(tmp_path / "answerer")
    with pytest.raises(ValueError, match="classifier"):
        BertForSequenceClassification.from_pretrained(tmp_path / "answerer")
    with pytest.raises(FileNotFoundError):
        Answerer.load(tmp_path / "nowhere")


def test_an_encoder_that_was_a_classifier(tiny_folder, tiny_dataset, questions, tmp_path):
    """Its classes have no say: transformers would take as many for the rows of the layer."""
    settings = {"epochs": 1, "learning_rate": 1e-3, "max_length": 16, "show_progress": False}
    three = tiny_dataset.map(lambda row, number: {"label": number % 2}, with_indices=True)
    classify.fine_tune(three, encoder=tiny_folder, checkpoint=tmp_path / "classifier", **settings)
    fine_tune(questions, encoder=tmp_path / "classifier", checkpoint=tmp_path / "answerer", **SHORT)
    assert "id2label" not in json.loads((tmp_path / "answerer" / "config.json").read_text(encoding="utf-8"))
    transformers.AutoModelForQuestionAnswering.from_pretrained(tmp_path / "answerer")


@pytest.mark.parametrize("targets", ["attention", "all"])
def test_trained_saved_opened_and_merged_with_adapters(targets, tiny_folder, questions, tmp_path):
    folder = tmp_path / "adapters"
    lora = {"method": "lora", "rank": 4, "alpha": 12.0, "targets": targets}
    answerer = fine_tune(questions, encoder=tiny_folder, checkpoint=folder, **SHORT | {"epochs": 2}, **lora)
    own = lora_of(answerer.model)
    assert (own.rank, own.alpha, own.encoder) == (4, 12.0, "tiny")
    assert set(trained(answerer.model)) >= {"qa_outputs.weight", "qa_outputs.bias"}
    there = ["adapter_config.json", "adapter_model.safetensors", "bertlib.json", "run.json"]
    assert sorted(os.listdir(folder)) == there
    assert json.loads((folder / "adapter_config.json").read_text())["task_type"] == "QUESTION_ANS"

    asked, contexts = questions["test"]["question"][:10], questions["test"]["context"][:10]
    expected = answerer.predict(asked, contexts)
    again = Answerer.load(folder, tiny_folder)
    assert again.predict(asked, contexts) == expected
    assert (again.threshold, again.max_length) == (answerer.threshold, 30) and again.threshold != 0
    again.save(tmp_path / "copy")
    for file in os.listdir(folder):
        same = (tmp_path / "copy" / file).read_bytes() == (folder / file).read_bytes()
        assert same or (targets == "all" and file == "adapter_config.json")  # the targets in another order
    with pytest.raises(ValueError, match=r"holds adapters alone; give encoder=, the .* 'tiny' is unknown"):
        Answerer.load(folder)
    with pytest.raises(ValueError, match="task_type='QUESTION_ANS'"):
        classify.TextClassifier.load(folder, tiny_folder)

    merge(again.model)
    again.save(folder)
    whole = Answerer.load(folder)
    assert not adapters_of(whole.model)
    for one, other in zip(whole.predict(asked, contexts), expected, strict=True):
        assert one["text"] == other["text"] and one["score"] == pytest.approx(other["score"], abs=1e-5)


def test_the_words_of_these_texts_are_in_the_tiny_vocabulary():
    assert {word for words in SUBJECTS.values() for word in words} | set(SUBJECTS) <= set(WORDS)
