"""The checkpoint in data/bbc_bert is what its card says: it is loaded, measured again, and compared."""

import json
import re
from pathlib import Path

import pytest
import torch

from bertlib.__main__ import build_parser
from bertlib.data.catalog import load
from bertlib.data.columns import documents_of
from bertlib.data.encoders import encoder_folder
from bertlib.metrics import unigram_baseline
from bertlib.model.config import BertConfig
from bertlib.model.weights import count_parameters
from bertlib.tasks.pretrain import PretrainedBert
from bertlib.text.pair_stream import PretrainingData
from bertlib.text.wordpiece import WordPiece

FOLDER = Path(__file__).resolve().parents[2] / "data" / "bbc_bert"
CARD = (FOLDER / "README.md").read_text(encoding="utf-8")
HISTORY = json.loads((FOLDER / "history.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shipped():
    assert encoder_folder("bbc_bert") == FOLDER
    return PretrainedBert.load(FOLDER)


@pytest.fixture(scope="module")
def corpus():
    return load("bbc_news")


def test_size():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 12e6


def test_held_out_loss_again(shipped, corpus):
    measured = shipped.evaluate(documents_of(corpus["validation"]), precision="fp32")
    for name in ("mlm_loss", "nsp_loss"):
        assert measured[name] == pytest.approx(HISTORY["held_out"][name], abs=2e-3)
    for name in ("mlm_accuracy", "nsp_accuracy"):
        assert measured[name] == pytest.approx(HISTORY["held_out"][name], abs=3e-3)
    assert measured["mlm_loss"] < HISTORY["baseline"]["mlm_loss"] - 1.0
    # Halving the numbers cost nothing that shows.
    assert measured["mlm_loss"] == pytest.approx(HISTORY["rows"][-1]["mlm_loss"], abs=0.01)


def test_baseline_again(shipped, corpus):
    settings = {"max_length": shipped.max_length, "show_progress": False}
    counts = PretrainingData(documents_of(corpus["train"]), shipped.tokenizer, batch_size=16, **settings).token_counts()
    batches = PretrainingData(
        documents_of(corpus["validation"]), shipped.tokenizer, batch_size=32, **settings
    ).one_pass()
    assert unigram_baseline(counts, batches) == pytest.approx(HISTORY["baseline"], abs=1e-6)


def test_the_card_says_the_measured_figures(shipped):
    held_out, baseline = HISTORY["held_out"], HISTORY["baseline"]
    for text in (
        f"{held_out['mlm_loss']:.2f} nats",
        f"{baseline['mlm_loss']:.2f} nats",
        f"{baseline['mlm_loss'] - held_out['mlm_loss']:.2f} nats below",
        f"{100 * held_out['mlm_accuracy']:.1f} %",
        f"{100 * held_out['nsp_accuracy']:.1f} %",
        f"{HISTORY['rows'][-1]['tokens'] / 1e6:.1f} million tokens",
        f"{count_parameters(shipped.model):,} parameters",
    ):
        assert text in CARD, text


def test_the_cards_command_is_the_one_that_was_run():
    (command,) = re.findall(r"python -m bertlib (pretrain .*?)\n```", CARD, flags=re.S)
    options = build_parser().parse_args(command.replace("\\\n", " ").split())
    settings = HISTORY["settings"]
    for name in ("updates", "evaluate_every", "batch_size", "accumulation", "learning_rate", "warmup", "seed"):
        assert getattr(options, name) == settings[name], name
    assert options.max_length == settings["max_length"]
    assert options.corpus == "bbc_news"
    assert options.good_start is settings["good_start"]
    config = settings["config"]
    assert (options.hidden_size, options.layers, options.heads) == (
        config["hidden_size"],
        config["num_hidden_layers"],
        config["num_attention_heads"],
    )
    assert options.dropout is None, "what the start says, and that is the default"
    assert config["hidden_dropout_prob"] == BertConfig(vocab_size=8192).hidden_dropout_prob


def test_curves_fall(shipped):
    losses = [row["mlm_loss"] for row in HISTORY["rows"]]
    assert len(losses) > 10
    assert losses[0] > losses[len(losses) // 2] > losses[-1]


def test_transformers_opens_it(shipped):
    import transformers

    theirs = transformers.BertForPreTraining.from_pretrained(FOLDER, dtype=torch.float32).eval()
    ids = torch.tensor([shipped.tokenizer.encode("the prime [MASK] said he would not resign.").ids])
    with torch.no_grad():
        expected = theirs(ids).prediction_logits
        torch.testing.assert_close(shipped.model(ids).prediction_logits, expected, rtol=0, atol=1e-4)
    opened = transformers.AutoTokenizer.from_pretrained(FOLDER)
    assert opened("the prime minister")["input_ids"] == shipped.tokenizer.encode("the prime minister").ids


def test_vocabulary_is_readable_by_ours(shipped):
    ours = WordPiece.from_vocab(FOLDER / "vocab.txt")
    text = "Blair said the UK's economy grew 2.5% in 2004."
    assert ours.encode(text).ids == shipped.tokenizer.encode(text).ids
