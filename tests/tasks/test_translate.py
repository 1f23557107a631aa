"""The translator as a task: it learns what stands in the source alone, is measured, saved and opened again."""

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict

from bertlib.tasks.translate import Translator, fine_tune

WORDS = {"goal": "but", "team": "équipe", "bank": "Banque", "share": "part", "market": "marché", "good": "bon"}
SETTINGS = {"epochs": 30, "batch_size": 16, "learning_rate": 4e-3, "show_progress": False, "precision": "fp32"}
SHAPE = {"layers": 1, "width": 32, "pieces": 80, "max_length": 16, "dropout": 0.0}


def make_pairs(size, seed):
    """Two to four words, written in reverse order."""
    rng, rows = np.random.default_rng(seed), {"source": [], "target": []}
    for _ in range(size):
        words = list(rng.choice(list(WORDS), size=rng.integers(2, 5)))
        rows["source"].append(" ".join(words) + ".")
        rows["target"].append(" ".join(WORDS[word] for word in reversed(words)) + ".")
    return Dataset.from_dict(rows)


@pytest.fixture(scope="module")
def pairs():
    return DatasetDict(train=make_pairs(320, 0), validation=make_pairs(40, 1), test=make_pairs(40, 2))


@pytest.fixture(scope="module")
def translator(pairs):
    return fine_tune(pairs, **SHAPE, **SETTINGS)


def test_learns_what_only_the_source_tells(translator, pairs):
    found = translator.evaluate(pairs["test"])
    assert found["accuracy"] > 0.9 and found["bleu"] > 60 and found["chrf"] > 70
    turned = Dataset.from_dict({"source": pairs["test"]["source"][:][::-1], "target": pairs["test"]["target"][:]})
    assert translator.evaluate(turned)["bleu"] < found["bleu"] / 2
    assert translator.history.epochs[-1]["validation_loss"] < translator.history.epochs[0]["validation_loss"]


def test_one_text_gives_one_and_a_list_a_list_in_its_order(translator, pairs):
    given = pairs["test"]["source"][:7]
    for beams in (1, 3):
        together = translator.predict(given, beams=beams, batch_size=3)
        assert together == [translator.predict(text, beams=beams) for text in given]


def test_saved_and_opened_again_and_by_transformers(translator, pairs, tmp_path):
    import transformers

    translator.save(tmp_path / "translator")
    again, given = Translator.load(tmp_path / "translator"), pairs["test"]["source"][:8]
    assert again.max_length == 16 and again.predict(given) == translator.predict(given)
    theirs = transformers.EncoderDecoderModel.from_pretrained(tmp_path / "translator").eval()
    reader = transformers.AutoTokenizer.from_pretrained(tmp_path / "translator" / "source")
    for text, wanted in zip(given, translator.predict(given, beams=1), strict=True):
        read = reader(text, return_tensors="pt")
        ids = theirs.generate(read["input_ids"], attention_mask=read["attention_mask"], max_new_tokens=16, num_beams=1)
        assert again.as_text(ids[0, 1:].tolist()) == wanted


def test_goes_on_from_where_it_stands(translator, pairs, tmp_path):
    translator.save(tmp_path / "translator")
    again = Translator.load(tmp_path / "translator")
    before = again.next_pieces(pairs["validation"])
    again.go_on(pairs, **SETTINGS | {"epochs": 1, "learning_rate": 1e-5})
    assert again.next_pieces(pairs["validation"])["loss"] == pytest.approx(before["loss"], abs=0.1)
    assert again.card["task"] == "Translator" and len(again.history.epochs) == 1


def test_reads_with_an_encoder_that_is_given(tiny_folder, pairs):
    made = fine_tune(pairs, encoder=tiny_folder, **SHAPE, **SETTINGS | {"epochs": 1})
    assert made.model.config.num_hidden_layers == 2 and made.model.decoder_config.num_hidden_layers == 1
    assert made.tokenizer.get_vocab_size() == made.model.config.vocab_size


def test_marks_close_up_to_their_words(translator):
    pieces = ["[CLS]", "l", "'", "équipe", ",", "bon", "##t", "-", "il", ":", "«", "but", "»", ".", "[SEP]", "[PAD]"]
    numbers = dict(enumerate(pieces))
    translator = Translator(translator.model, translator.tokenizer, translator.target, 16)

    class Known:
        id_to_token = staticmethod(numbers.get)

    known, start, end = Known(), 0, 14
    translator.target = known
    from bertlib.tasks import translate

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(translate, "framing_ids", lambda tokenizer: (start, end))
        patch.setattr(translator.model.decoder_config, "pad_token_id", 15)
        assert translator.as_text(range(16)) == "l'équipe, bont-il: «but»."


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda made, pairs: made.predict(""), r"texts\[0\] is '': every text must be a string with something in it"),
        (lambda made, pairs: made.predict("goal", beams=100), r"beams=100: give 1 to \d+, half of the decoder's"),
        (lambda made, pairs: made.go_on(DatasetDict()), "it needs a split 'train'"),
        (lambda made, pairs: fine_tune(pairs, **SHAPE, epochs=0), "epochs=0: give a whole number of at least 1"),
    ],
)
def test_wrong_input_is_named(translator, pairs, call, message):
    with pytest.raises(ValueError, match=message):
        call(translator, pairs)


def test_attention_over_the_source_can_be_drawn(translator, pairs):
    batch = translator.examples(pairs["test"].select(range(2))).batch([0, 1], 0)
    with torch.no_grad():
        (maps,) = translator.model(**batch, need_weights=True).cross_attentions
    assert maps.shape == (2, 4, batch["labels"].size(1), batch["input_ids"].size(1))
