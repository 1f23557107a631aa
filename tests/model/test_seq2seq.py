"""The encoder–decoder: equal to transformers' in logits, loss and gradients; what is wrong is refused."""

import json

import pytest
import torch
from bug_zoo import seq2seq_bugs

from bertlib import BertConfig
from bertlib.model import seq2seq
from bertlib.model.seq2seq import BertForSeq2Seq, seq2seq_name, shift_right

SHAPE = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64, "max_position_embeddings": 24}
READER, WRITER = {"vocab_size": 60, "num_hidden_layers": 2}, {"vocab_size": 50, "num_hidden_layers": 3}


def make_model(start=1, end=2, reader=READER, writer=WRITER):
    """Weights far from those of a start, so that every one of them matters."""
    torch.manual_seed(0)
    model = BertForSeq2Seq(BertConfig(**SHAPE, **reader), BertConfig(**SHAPE, **writer), start=start, end=end).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


@pytest.fixture
def model():
    return make_model()


@pytest.fixture
def batch():
    """Four pairs, one source and one target of them padded."""
    torch.manual_seed(1)
    ids, labels = torch.randint(3, 60, (4, 12)), torch.randint(3, 50, (4, 9))
    mask = torch.ones_like(ids)
    ids[1, 6:], mask[1, 6:], labels[0, 5:] = 0, 0, -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


@pytest.fixture
def theirs(model, tmp_path):
    import transformers

    model.save_pretrained(tmp_path / "model")
    opened, about = transformers.EncoderDecoderModel.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not about["missing_keys"] and not about["unexpected_keys"]
    return opened.eval()


def test_logits_loss_and_gradients_are_those_of_transformers(model, theirs, batch):
    ours, other = model(**batch), theirs(**batch)
    asked = batch["labels"] != -100  # behind a text's end transformers hides what the decoder reads there; nobody asks
    assert torch.allclose(ours.logits[asked], other.logits[asked], atol=1e-5)
    assert ours.loss.item() == pytest.approx(other.loss.item(), abs=1e-5)
    ours.loss.backward()
    other.loss.backward()
    named, compared = dict(theirs.named_parameters()), 0
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            assert torch.allclose(parameter.grad, named[seq2seq_name(name)].grad, atol=1e-4), name
            compared += 1
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert compared > 100 and all("pooler" in name for name in without)


def test_opened_again_and_as_transformers_saves_it(model, theirs, batch, tmp_path):
    wanted = model(**batch).logits
    assert torch.equal(BertForSeq2Seq.from_pretrained(tmp_path / "model")(**batch).logits, wanted)
    theirs.save_pretrained(tmp_path / "theirs")
    assert torch.allclose(BertForSeq2Seq.from_pretrained(tmp_path / "theirs")(**batch).logits, wanted, atol=1e-6)


def piece_by_piece(model, batch):
    """The scores behind every piece, each written alone with the memory of those before it."""
    states = model.bert(batch["input_ids"], batch["attention_mask"]).last_hidden_state
    ids, memory = shift_right(batch["labels"], model.start, 0), [{} for _ in model.decoder.layers]
    steps = [model.write(ids[:, i : i + 1], states, batch["attention_mask"], memory) for i in range(ids.size(1))]
    return torch.cat([step.logits for step in steps], dim=1)


def check_memory(model, batch):
    assert torch.allclose(piece_by_piece(model, batch), model(**batch).logits, atol=1e-5)


def check_nothing_later_is_seen(model, batch):
    changed = batch["labels"].clone()
    changed[1:, 5:] = 3 + (changed[1:, 5:] - 3 + 7) % 47
    ours, other = model(**batch).logits, model(**batch | {"labels": changed}).logits
    assert torch.allclose(ours[1:, :6], other[1:, :6], atol=1e-5)  # the decoder reads piece 5 at place 6
    assert not torch.allclose(ours[1:, 6:], other[1:, 6:], atol=1e-3)


def check_padding_of_the_source_changes_nothing(model, batch):
    alone = {name: tensor[1:2] for name, tensor in batch.items()}
    alone |= {name: alone[name][:, :6] for name in ("input_ids", "attention_mask")}
    assert torch.allclose(model(**alone).logits, model(**batch).logits[1:2], atol=1e-5)


def check_the_source_counts(model, batch):
    other = batch | {
        "input_ids": batch["input_ids"].roll(1, dims=0),
        "attention_mask": batch["attention_mask"].roll(1, 0),
    }
    assert not torch.allclose(model(**other).logits, model(**batch).logits, atol=1e-2)


CHECKS = (
    check_memory,
    check_nothing_later_is_seen,
    check_padding_of_the_source_changes_nothing,
    check_the_source_counts,
)


@pytest.mark.parametrize("check", CHECKS)
def test_ours_passes(check, model, batch):
    check(model, batch)


@pytest.mark.parametrize(
    "layer, check",
    [
        (seq2seq_bugs.ForgetsWhatItWrote, check_memory),
        (seq2seq_bugs.ReadsAhead, check_nothing_later_is_seen),
        (seq2seq_bugs.IgnoresSourceMask, check_padding_of_the_source_changes_nothing),
        (seq2seq_bugs.DeafLayer, check_the_source_counts),
    ],
)
def test_the_checks_fail_on_what_others_shipped(layer, check, batch, monkeypatch):
    monkeypatch.setattr(seq2seq, "DecoderLayer", layer)
    with pytest.raises(AssertionError):
        check(make_model(), batch)


def test_the_decoder_reads_what_stands_before_each_label(model, batch):
    """B37: the start first; unshifted, it would read the very piece that it is to write."""
    shifted = shift_right(batch["labels"], 1, 0)
    assert shifted[:, 0].eq(1).all() and torch.equal(shifted[1:, 1:], batch["labels"][1:, :-1])
    assert shifted[0].tolist() == [1, *batch["labels"][0, :5].tolist(), 0, 0, 0]
    assert not torch.equal(seq2seq_bugs.unshifted(batch["labels"], 1, 0), shifted)


def test_attention_over_the_source_is_given_and_sums_to_1_where_there_are_words(model, batch):
    maps = model(**batch, need_weights=True).cross_attentions
    assert len(maps) == 3 and maps[0].shape == (4, 4, 9, 12)
    for weights in maps:
        assert torch.allclose(weights.sum(dim=-1), torch.ones(4, 4, 9), atol=1e-5)
        assert weights[1, :, :, 6:].abs().max() == 0


def test_a_cut_cross_attention_makes_the_output_the_same_for_every_source(model, batch):
    """B36 and its control."""
    for layer in model.decoder.layers:
        torch.nn.init.zeros_(layer.cross.output.weight)
    with pytest.raises(AssertionError):
        check_the_source_counts(model, batch)


def wrong(name):
    def change(batch):
        labels = batch["labels"]
        changed = {
            "pad": {"labels": seq2seq_bugs.padding_is_taught(labels)},
            "start": {"labels": seq2seq_bugs.starts_twice(labels, 1)},
            "hole": {"labels": labels.masked_fill(torch.arange(9) == 2, -100)},
            "vocabulary": {"labels": labels.masked_fill(labels == labels[1, 3], 50)},
            "no words": {"attention_mask": batch["attention_mask"] * torch.tensor([[0], [1], [1], [1]])},
        }
        return batch | changed[name]

    return change


@pytest.mark.parametrize(
    "name, message",
    [
        ("pad", r"labels row 0 holds \[PAD\] \(0\): put -100 there"),
        ("start", r"labels row 0 begins with the start \(1\): the decoder is given it"),
        ("hole", "-100 may stand behind the end of a row alone"),
        ("vocabulary", r"labels\[\d+\] = 50 is outside 0 … 49"),
        ("no words", "attention_mask row 0 is all padding"),
    ],
)
def test_wrong_batches_are_named(model, batch, name, message):
    model.check_batch(batch)
    with pytest.raises(ValueError, match=message):
        model.check_batch(wrong(name)(batch))


def test_wrong_uses_are_named(model, batch, tmp_path):
    with pytest.raises(
        ValueError, match="the text to write has 25 tokens, but the decoder's position table ends at 24"
    ):
        model(batch["input_ids"], labels=torch.full((4, 25), 5))
    with pytest.raises(ValueError, match="labels=None: give labels or decoder_ids"):
        model(batch["input_ids"])
    with pytest.raises(ValueError, match=r"start=50: give an id of the decoder's, from 0 to 49"):
        make_model(start=50)
    with pytest.raises(ValueError, match=r"encoder.hidden_size=32, decoder.hidden_size=16: give both the same width"):
        BertForSeq2Seq(
            BertConfig(**SHAPE, **READER), BertConfig(**SHAPE | {"hidden_size": 16}, **WRITER), start=1, end=2
        )
    model.save_pretrained(tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    values = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps(values | {"model_type": "bert"}), encoding="utf-8")
    with pytest.raises(ValueError, match="model_type='bert': give a folder with an encoder-decoder"):
        BertForSeq2Seq.from_pretrained(tmp_path / "model")
    values["encoder"]["num_hidden_layers"] = 3
    config.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ValueError, match=r"the weights do not fit: missing \['encoder.encoder.layer.2"):
        BertForSeq2Seq.from_pretrained(tmp_path / "model")
