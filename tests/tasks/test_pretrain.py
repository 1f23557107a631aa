"""Pretraining: it learns, it is exact, it measures what it says; fill-mask is transformers'."""

import copy
import random
import sys
from dataclasses import replace

import checks
import numpy as np
import pytest
import torch
from keywords import train
from torch.nn import functional as F

from bertlib import BertConfig, BertForPreTraining
from bertlib.data.encoders import encoder_folder
from bertlib.metrics import pretraining_scores, unigram_baseline
from bertlib.model.dropout import Dropout
from bertlib.tasks.pretrain import PretrainedBert, pretrain
from bertlib.text import pair_stream
from bertlib.text.batching import length_buckets
from bertlib.text.masking import IGNORED
from bertlib.text.pair_stream import PretrainingData, Stretch, real_tokens, with_places
from bertlib.text.wordpiece import SPECIAL_TOKENS, WordPiece
from bertlib.train.checkpoints import Checkpoints
from bertlib.train.tracking import Curves

TINY = BertConfig(
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=24,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)
QUIET = {"show_progress": False, "precision": "fp32"}
SUBJECTS = {"cats": "purr", "dogs": "bark", "cows": "moo", "lions": "roar", "ducks": "quack", "bees": "buzz"}


def documents(count, seed):
    """Every document is about one animal, and every animal makes its own sound: masked words can be inferred."""
    rng, found = random.Random(seed), []
    for _ in range(count):
        animal = rng.choice(sorted(SUBJECTS))
        found.append([f"{animal} {rng.choice(['often', 'never'])} {SUBJECTS[animal]} ." for _ in range(8)])
    return found


@pytest.fixture(scope="module")
def tokenizer():
    return WordPiece.train((s for document in documents(50, 0) for s in document), 200).to_tokenizers()


@pytest.fixture(scope="module")
def learned(tokenizer):
    return pretrain(
        documents(200, 1),
        documents(60, 2),
        start=replace(TINY, hidden_size=64, num_attention_heads=4),
        tokenizer=tokenizer,
        updates=450,
        batch_size=16,
        max_length=20,
        learning_rate=2e-3,
        **QUIET,
    )


def make_data(tokenizer, **settings):
    settings = {"max_length": 20, "batch_size": 4, "show_progress": False} | settings
    return PretrainingData(documents(20, 3), tokenizer, **settings)


def test_it_learns(learned):
    first, last = learned.history.epochs[0], learned.history.epochs[-1]
    assert first["updates"] == 0
    assert abs(first["mlm_loss"] - learned.baseline["mlm_loss"]) < 0.2  # a good start is the unigram guess
    assert last["mlm_loss"] < learned.baseline["mlm_loss"] - 1
    assert last["mlm_accuracy"] > 0.6
    assert last["nsp_accuracy"] > 0.7
    assert learned.fill_mask("ducks never [MASK] .", top_k=1)[0]["token_str"] == "quack"
    assert learned.follows("cats purr .", "cats never purr .") > learned.follows("cats purr .", "dogs bark .")


def test_a_plain_start_begins_above_the_unigram_guess(tokenizer):
    result = pretrain(
        documents(30, 1),
        documents(10, 2),
        start=TINY,
        tokenizer=tokenizer,
        updates=1,
        max_length=20,
        good_start=False,
        **QUIET,
    )
    assert result.history.epochs[0]["mlm_loss"] > result.baseline["mlm_loss"] + 0.3


# ------------------------------------------------------------------------------------------------------- the data


def same_batch(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_batch_is_a_function_of_its_number(tokenizer):
    data = make_data(tokenizer)
    forwards = [data.batch(number) for number in range(60)]
    other = make_data(tokenizer)
    for number in (59, 3, 31, 30, 0):
        assert same_batch(other.batch(number), forwards[number])
    assert not same_batch(make_data(tokenizer, seed=1).batch(0), forwards[0])
    checked = []
    part = Stretch(data, 10, 5, checked.append)
    assert len(part) == 5
    assert same_batch(part[4], with_places(forwards[14])) and same_batch(checked[0], forwards[14])
    with pytest.raises(IndexError):
        part[5]


def test_masks_and_pairs_change_from_pass_to_pass(tokenizer):
    data = make_data(tokenizer)
    passes = [data.batches_of_pass(number) for number in (0, 1)]
    assert passes[0] != passes[1]
    for batches in passes:
        assert {pair.documents[0] for batch in batches for pair in batch} == set(range(20))


def test_masks_are_drawn_anew_in_each_pass(tokenizer, monkeypatch):
    """Where pairs and order stay as they are, the same text still gets other holes; and always the same ones."""
    for name in ("next_sentence_pairs", "length_buckets"):
        original = getattr(pair_stream, name)

        def fixed(*arguments, original=original, rng=None, **settings):
            rng = np.random.default_rng(0)
            if original is length_buckets:
                return original(*arguments[:2], rng)
            return original(*arguments, rng=rng, **settings)

        monkeypatch.setattr(pair_stream, name, fixed)
    data, again = make_data(tokenizer), make_data(tokenizer)
    length = len(data.batches_of_pass(0))
    assert data.batches_of_pass(0) == data.batches_of_pass(1)

    def batch_of(epoch, number):
        batch = data.batch(epoch * length + number)
        return batch["input_ids"], batch["labels"]

    checks.masks_change_from_epoch_to_epoch(batch_of)
    for number in (0, length, 3 * length + 1):
        assert same_batch(again.batch(number), data.batch(number))
    assert torch.equal(data.batch(0)["attention_mask"], data.batch(length)["attention_mask"])


@pytest.mark.parametrize("number", [0, 1, 5])
def test_every_document_is_in_every_pass(tokenizer, number):
    pairs = [pair for batch in make_data(tokenizer).batches_of_pass(number) for pair in batch]
    assert {pair.documents[0] for pair in pairs} == set(range(20))


def test_what_a_batch_holds(tokenizer):
    batch = make_data(tokenizer).batch(0)
    ids, mask, segments, labels = (batch[name] for name in ("input_ids", "attention_mask", "token_type_ids", "labels"))
    assert (ids[:, 0] == tokenizer.token_to_id("[CLS]")).all()
    assert ((ids == 0) == (mask == 0)).all()
    assert ids.size(1) == int(mask.sum(1).max()) <= 20
    for row in range(len(ids)):
        (separators,) = (ids[row] == tokenizer.token_to_id("[SEP]")).nonzero(as_tuple=True)
        assert len(separators) == 2
        expected = torch.zeros_like(segments[row])
        expected[separators[0] + 1 : separators[1] + 1] = 1
        assert torch.equal(segments[row], expected)
    assert (labels[mask == 0] == IGNORED).all()
    assert set(batch["next_sentence_label"].tolist()) <= {0, 1}


def test_whole_words_and_rates(tokenizer):
    data = make_data(tokenizer, probability=0.5, whole_words=True)
    batches = data.one_pass()
    selected = sum((batch["labels"] != IGNORED).sum() for batch in batches)
    ordinary = sum(batch["attention_mask"].sum() - 3 * len(batch["input_ids"]) for batch in batches)
    assert selected / ordinary == pytest.approx(0.5, abs=0.07)
    assert {tokenizer.id_to_token(number)[:2] for number in data.continuation_ids} == {"##"}


def test_unigram_baseline_by_hand():
    counts = np.array([0, 3, 5])
    batch = {"labels": torch.tensor([[2, IGNORED, 0], [1, 2, IGNORED]])}
    expected = -np.log(np.array([6, 1, 4, 6]) / 11).mean()
    assert unigram_baseline(counts, [batch]) == {"mlm_loss": pytest.approx(expected), "mlm_accuracy": 0.5}


# ----------------------------------------------------------------------------------------------------- evaluation


def test_evaluation_by_hand_and_independent_of_the_split(learned, tokenizer):
    model = learned.model
    batches = make_data(tokenizer).one_pass()
    losses, hits, nsp, nsp_losses = [], [], [], []
    with torch.no_grad():
        for batch in batches:
            for row in range(len(batch["input_ids"])):
                single = {name: tensor[row : row + 1] for name, tensor in batch.items()}
                output = model(single["input_ids"], single["attention_mask"], single["token_type_ids"])
                chosen = single["labels"] != IGNORED
                losses.append(
                    F.cross_entropy(output.prediction_logits[chosen], single["labels"][chosen], reduction="none")
                )
                hits.append(output.prediction_logits[chosen].argmax(-1) == single["labels"][chosen])
                nsp.append(output.seq_relationship_logits.argmax(-1) == single["next_sentence_label"])
                nsp_losses.append(F.cross_entropy(output.seq_relationship_logits, single["next_sentence_label"]))
    scores = pretraining_scores(model, batches, precision="fp32")
    assert scores["nsp_loss"] == pytest.approx(torch.stack(nsp_losses).mean().item(), abs=1e-5)
    assert scores["nsp_pairs"] == len(nsp_losses)
    assert scores["mlm_loss"] == pytest.approx(torch.cat(losses).mean().item(), abs=1e-5)
    assert scores["mlm_accuracy"] == pytest.approx(torch.cat(hits).float().mean().item())
    assert scores["nsp_accuracy"] == pytest.approx(torch.cat(nsp).float().mean().item())
    assert scores["mlm_tokens"] == len(torch.cat(losses))
    assert not model.training
    # Rows alone (some with nothing selected), in threes, or as they come: the means are over tokens and pairs.
    for size in (1, 3):
        parts = [
            dict(zip(batch, values, strict=True))
            for batch in batches
            for values in zip(*(tensor.split(size) for tensor in batch.values()), strict=True)
        ]
        assert len({int((part["labels"] != IGNORED).sum()) for part in parts}) > 2
        assert pretraining_scores(model, parts, precision="fp32") == pytest.approx(scores, abs=1e-5)


def test_evaluation_leaves_the_mode_as_it_was(learned, tokenizer):
    learned.model.train()
    pretraining_scores(learned.model, [make_data(tokenizer).batch(0)])
    assert learned.model.training
    learned.model.eval()


def test_packed_batches_are_measured_as_others_are(learned, tokenizer):
    """The same pairs, all in one batch; only masks fall elsewhere, so the losses on what is masked are told apart."""
    packed, plain = (make_data(tokenizer, packing=packing, batch_size=200).batch(0) for packing in (True, False))
    figures = [pretraining_scores(learned.model, [batch], precision="fp32") for batch in (packed, plain)]
    assert figures[0]["nsp_pairs"] == figures[1]["nsp_pairs"] == len(plain["next_sentence_label"])
    assert figures[0]["mlm_tokens"] == (packed["labels"] != IGNORED).sum()
    with torch.no_grad():
        output = learned.model(**packed)
    assert figures[0]["mlm_loss"] == pytest.approx(output.mlm_loss.item(), rel=1e-5)
    assert figures[0]["nsp_loss"] == pytest.approx(output.nsp_loss.item(), rel=1e-5)


def test_nothing_to_measure_is_said(learned, tokenizer):
    batch = make_data(tokenizer).batch(0)
    batch["labels"] = torch.full_like(batch["labels"], IGNORED)
    with pytest.raises(ValueError, match="no token is selected"):
        pretraining_scores(learned.model, [batch])


def test_training_goes_on_where_a_batch_has_nothing_masked(tokenizer):
    result = pretrain(
        documents(5, 0),
        start=TINY,
        tokenizer=tokenizer,
        updates=20,
        batch_size=1,
        max_length=8,
        probability=0.02,
        **QUIET,
    )
    assert all(np.isfinite(row["loss"]) for row in result.history.updates)


# ----------------------------------------------------------------------------------------- from model to folder


@pytest.mark.parametrize("text", ["cats never [MASK] .", "[MASK] often [MASK] .", "[MASK]"])
def test_fill_mask_is_transformers(learned, tmp_path, text):
    import transformers

    learned.save(tmp_path)
    pipeline = transformers.pipeline("fill-mask", model=str(tmp_path), device=-1)
    theirs, ours = pipeline(text, top_k=4), learned.fill_mask(text, top_k=4)
    flat = lambda rows: [row for part in rows for row in (part if isinstance(part, list) else [part])]  # noqa: E731
    assert len(flat(ours)) == len(flat(theirs))
    for mine, other in zip(flat(ours), flat(theirs), strict=True):
        assert mine["score"] == pytest.approx(other["score"], abs=1e-5)
        assert {k: v for k, v in mine.items() if k != "score"} == {k: v for k, v in other.items() if k != "score"}


def test_text_without_a_mask(learned):
    with pytest.raises(ValueError, match=r"has no \[MASK\]: write \[MASK\] where"):
        learned.fill_mask("cats purr")


def test_no_guesses_asked_for(learned):
    for top_k in (0, 2.0, "2", None):
        with pytest.raises(ValueError, match=f"top_k={top_k!r}: give a whole number of at least 1"):
            learned.fill_mask("cats [MASK]", top_k=top_k)


def test_text_too_long_to_fill(learned):
    with pytest.raises(ValueError, match="24"):
        learned.fill_mask("cats purr " * 20 + "[MASK]")


def test_more_guesses_than_there_are_tokens(learned):
    guesses = learned.fill_mask("cats [MASK] .", top_k=10_000)
    assert len(guesses) == learned.tokenizer.get_vocab_size()
    assert sum(row["score"] for row in guesses) == pytest.approx(1, abs=1e-4)


def test_follows_is_transformers(learned, tmp_path):
    import transformers

    learned.save(tmp_path)
    theirs = transformers.BertForNextSentencePrediction.from_pretrained(tmp_path).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    answers = []
    for second in ("cats never purr .", "dogs bark .", "often"):
        with torch.no_grad():
            logits = theirs(**tokenizer("cats purr .", second, return_tensors="pt")).logits
        answers.append(learned.follows("cats purr .", second))
        assert answers[-1] == pytest.approx(logits.softmax(-1)[0, 0].item(), abs=1e-5)
    assert max(answers) - min(answers) > 0.1


def test_out_holds_what_came_out(tokenizer, tmp_path):
    settings = {"start": TINY, "tokenizer": tokenizer, "updates": 5, "evaluate_every": 2, "max_length": 20, **QUIET}
    result = pretrain(documents(10, 0), documents(5, 1), out=tmp_path, **settings)
    assert [row["updates"] for row in result.history.epochs] == [0, 2, 4, 6]  # whole stretches
    again = PretrainedBert.load(tmp_path / "model")
    for (name, mine), other in zip(again.model.state_dict().items(), result.model.state_dict().values(), strict=True):
        assert torch.equal(mine, other), name
    assert again.fill_mask("cats [MASK] .") == result.fill_mask("cats [MASK] .")
    without = pretrain(documents(10, 0), documents(5, 1), **settings)
    assert without.history.updates == result.history.updates  # writing changes nothing


def test_save_and_load(learned, tmp_path):
    learned.save(tmp_path / "model")
    again = PretrainedBert.load(tmp_path / "model")
    held_out = documents(20, 5)
    assert again.evaluate(held_out, precision="fp32") == pytest.approx(
        PretrainedBert(learned.model, learned.tokenizer, 24).evaluate(held_out, precision="fp32")
    )
    with pytest.raises(ValueError, match="has no MLM head: pretrain it first"):
        PretrainedBert.load(encoder_folder("minilm"))


def test_same_topic_is_harder(learned):
    held_out = documents(60, 6)
    topics = [document[0].split()[0] for document in held_out]
    anywhere, same = learned.evaluate(held_out), learned.evaluate(held_out, topics=topics)
    assert same["nsp_accuracy"] < anywhere["nsp_accuracy"] - 0.1


def test_going_on_from_an_encoder_without_heads():
    result = pretrain(
        [["Shares fell again today.", "Banks lost most of all."], ["It rained in London.", "Play was stopped."]] * 3,
        start=encoder_folder("minilm"),
        updates=1,
        batch_size=2,
        max_length=24,
        **QUIET,
    )
    assert all(parameter.isfinite().all() for parameter in result.model.parameters())


# ---------------------------------------------------------------------------------------- accumulation, precision


def test_accumulation_changes_nothing(tokenizer):
    """The same 16 pairs an update, in 1, 2 or 4 batches: their numbers of masked tokens differ."""
    whole = make_data(tokenizer, batch_size=16).batch(0)
    torch.manual_seed(0)
    model = BertForPreTraining(TINY)
    start = copy.deepcopy(model.state_dict())

    def flat(tensors):
        return torch.cat([tensor.detach().flatten() for tensor in tensors]).double()

    def run(parts, epochs):
        model.load_state_dict(start)
        batches = [
            dict(zip(whole, values, strict=True))
            for values in zip(*(t.split(16 // parts) for t in whole.values()), strict=True)
        ]
        assert parts == 1 or len({model.loss_counts(batch)["mlm"] for batch in batches}) > 1
        history = train(
            model,
            lambda epoch: batches,
            epochs=epochs,
            learning_rate=1e-3,
            warmup=0.0,
            max_grad_norm=1e9,
            accumulation=parts,
            **QUIET,
        )
        gradients = flat(parameter.grad for parameter in model.parameters())
        return [row["loss"] for row in history.updates], gradients, flat(model.state_dict().values())

    loss = model(**whole).loss  # what one update is to be: the sum of two means, each over all of its own
    loss.backward()
    expected = flat(parameter.grad for parameter in model.parameters())
    for parts in (1, 2, 4):
        losses, gradients, _ = run(parts, epochs=1)
        assert losses == [pytest.approx(loss.item(), rel=1e-6)]
        assert (gradients - expected).norm() < 1e-6 * expected.norm()
    losses, _, weights = run(1, epochs=6)
    for parts in (2, 4):
        others, _, other_weights = run(parts, epochs=6)
        assert others == pytest.approx(losses, rel=1e-6)
        assert (other_weights - weights).norm() < 1e-6 * weights.norm()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_both_precisions(tokenizer, precision):
    result = pretrain(
        documents(20, 0),
        start=TINY,
        tokenizer=tokenizer,
        updates=30,
        max_length=20,
        learning_rate=3e-3,
        precision=precision,
        show_progress=False,
    )
    losses = [row["loss"] for row in result.history.updates]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


def test_dropout_is_for_the_training_alone(tokenizer, tmp_path):
    start = replace(TINY, hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.1)
    settings = {"start": start, "tokenizer": tokenizer, "updates": 2, "max_length": 20}
    with_it = pretrain(documents(10, 0), out=tmp_path / "a", **settings, **QUIET)
    without = pretrain(documents(10, 0), out=tmp_path / "b", dropout=0.0, **settings, **QUIET)
    for result in (with_it, without):
        assert result.model.config.hidden_dropout_prob == result.model.bert.config.hidden_dropout_prob == 0.3
        assert {module.p for module in result.model.modules() if isinstance(module, Dropout)} == {0.3}
        assert {layer.attention.dropout_p for layer in result.model.bert.layers} == {0.1}
    assert with_it.history.updates != without.history.updates
    assert PretrainedBert.load(tmp_path / "b" / "model").model.config.hidden_dropout_prob == 0.3


def test_padding_may_stand_anywhere_in_the_vocabulary(tokenizer):
    """A table's padding row gets no gradient from what looks it up: it must be [PAD]'s and no other token's."""
    pieces = tokenizer.get_vocab()
    pieces = [*sorted(pieces.keys() - {"[PAD]"}, key=pieces.get), "[PAD]"]
    moved = WordPiece({piece: number for number, piece in enumerate(pieces)})
    model = pretrain(documents(5, 0), start=TINY, tokenizer=moved, updates=1, max_length=20, **QUIET).model
    assert model.config.pad_token_id == model.bert.embeddings.word_embeddings.padding_idx == len(pieces) - 1


# ---------------------------------------------------------------------------------------------------- TensorBoard


def test_tensorboard(tokenizer, tmp_path, monkeypatch):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    settings = {"start": TINY, "tokenizer": tokenizer, "updates": 6, "evaluate_every": 3, "max_length": 20, **QUIET}
    opened = []
    monkeypatch.setattr("bertlib.tasks.pretrain.Curves", lambda folder: opened.append(Curves(folder)) or opened[-1])
    result = pretrain(documents(10, 0), documents(5, 1), out=tmp_path, tensorboard=True, **settings)
    assert opened[0].writer.file_writer is None  # closed
    events = loader.EventAccumulator(str(tmp_path / "runs"))
    events.Reload()
    losses = events.Scalars("training/loss")
    assert [event.step for event in losses] == [1, 2, 3, 4, 5, 6]
    assert losses[-1].value == pytest.approx(result.history.updates[-1]["loss"])
    held_out = events.Scalars("held_out/mlm_loss")
    assert [event.step for event in held_out] == [0, 3, 6]
    assert held_out[-1].value == pytest.approx(result.history.epochs[-1]["mlm_loss"])


def test_tensorboard_of_a_run_that_goes_on(tokenizer, tmp_path):
    """Stopped after six updates, of which four are in a checkpoint: its curves show every update once."""
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    settings = {"start": TINY, "tokenizer": tokenizer, "updates": 8, "evaluate_every": 2, "max_length": 20, **QUIET}

    class Stop(Exception):
        pass

    def stop(history, baseline):
        if len(history.updates) == 6:
            raise Stop

    def steps(name):
        events = loader.EventAccumulator(str(tmp_path / "runs"))
        events.Reload()
        return [event.step for event in events.Scalars(name)]

    with pytest.raises(Stop):
        pretrain(documents(10, 0), documents(5, 1), out=tmp_path, tensorboard=True, on_evaluation=stop, **settings)
    assert steps("training/loss") == [1, 2, 3, 4, 5, 6]
    for _ in range(2):  # goes on; and once more, when all is done
        pretrain(documents(10, 0), documents(5, 1), out=tmp_path, tensorboard=True, **settings)
        assert steps("training/loss") == [1, 2, 3, 4, 5, 6, 7, 8]
        assert steps("held_out/mlm_loss") == [0, 2, 4, 6, 8]


def test_tensorboard_that_is_not_installed(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match="pip install tensorboard"):
        pretrain(
            documents(10, 0), start=TINY, tokenizer=tokenizer, updates=1, max_length=20, out=tmp_path, tensorboard=True
        )


# ------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    "change, message",
    [
        ({"documents": []}, "documents is empty"),
        ({"documents": [["one."], ["two."]]}, "none of the 2 documents has two sentences"),
        ({"documents": [["one.", "two."]]}, "only one document"),
        ({"max_length": 4}, "max_length=4: a pair needs at least 5"),
        ({"max_length": 25}, "max_length=25: the model's position table ends at 24"),
        ({"updates": 0}, "updates=0: give a whole number"),
        ({"batch_size": 0}, "batch_size=0: give a whole number"),
        ({"seed": -1}, "seed=-1: give a whole number of at least 0"),
        ({"evaluate_every": 0}, "evaluate_every=0: give a whole number"),
        ({"accumulation": 0}, "accumulation=0: give a whole number"),
        ({"learning_rate": 0}, "learning_rate=0: give a number above 0"),
        ({"probability": 1}, "probability=1: give a share"),
        ({"tensorboard": True}, "tensorboard=True needs out"),
        ({"tokenizer": None}, "tokenizer=None with a BertConfig: give a tokenizer"),
    ],
)
def test_bad_input(tokenizer, change, message):
    settings = {"start": TINY, "tokenizer": tokenizer, "updates": 2, "max_length": 20, **QUIET} | change
    with pytest.raises(ValueError, match=message):
        pretrain(settings.pop("documents", documents(5, 0)), **settings)


def test_a_tokenizer_of_another_model(tokenizer):
    with pytest.raises(ValueError, match=r"the tokenizer has \d+ entries, the model 30522: use its own"):
        pretrain(
            documents(5, 0), start=encoder_folder("minilm"), tokenizer=tokenizer, updates=1, max_length=20, **QUIET
        )


def test_a_vocabulary_without_special_tokens():
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    bare = Tokenizer(WordLevel({"[UNK]": 0, "[CLS]": 1, "a": 2}, unk_token="[UNK]"))
    with pytest.raises(ValueError, match=r"no \[PAD\] and no \[SEP\] and no \[MASK\]: pretraining needs"):
        pretrain(documents(5, 0), start=TINY, tokenizer=bare, updates=1, max_length=20, **QUIET)
    assert set(SPECIAL_TOKENS) >= {"[PAD]", "[SEP]", "[MASK]"}


def test_a_loss_that_is_not_a_number_is_never_silent(tokenizer):
    with pytest.raises(FloatingPointError, match=r"update \d+: loss (nan|inf)"):
        pretrain(
            documents(20, 0),
            start=TINY,
            tokenizer=tokenizer,
            updates=60,
            max_length=20,
            learning_rate=1e30,
            warmup=0.0,
            **QUIET,
        )


def test_checkpoints_keep_the_last_not_the_best(tmp_path):
    with pytest.raises(ValueError, match="these keep the last weights"):
        train(
            torch.nn.Linear(1, 1),
            lambda epoch: [],
            epochs=1,
            learning_rate=1,
            evaluate=lambda model: {},
            maximize="x",
            checkpoints=Checkpoints(tmp_path, {}),
        )


# ------------------------------------------------------------------------------------- packing, recomputing, compiling


def test_packed_batches_hold_the_same_pairs(tokenizer):
    """Every pair of a pass once, whole, in rows that are never too long, and told apart from its neighbours."""
    data = make_data(tokenizer, packing=True, max_length=24, batch_size=10)
    cls, sep = data.ids["[CLS]"], data.ids["[SEP]"]
    for number in range(len(data.batches_of_pass(0))):
        batch, pairs = data.batch(number), data.batches_of_pass(0)[number]
        assert batch.keys() == {"input_ids", "sequence_ids", "token_type_ids", "labels", "next_sentence_label"}
        original = torch.where(batch["labels"] == IGNORED, batch["input_ids"], batch["labels"])
        found = []
        for row, numbers, segments in zip(original, batch["sequence_ids"], batch["token_type_ids"], strict=True):
            assert len(row) <= 24
            for n in range(1, int(numbers.max()) + 1):
                found.append((row[numbers == n].tolist(), segments[numbers == n].tolist()))
        expected = [pair.join(cls, sep) for pair in pairs]
        assert sorted(found) == sorted(expected)
        labels = {tuple(ids): pair.label for (ids, _), pair in zip(expected, pairs, strict=True)}
        assert [labels[tuple(ids)] for ids, _ in found] == batch["next_sentence_label"].tolist()
    assert real_tokens(batch) == sum(len(ids) for ids, _ in found)


@pytest.mark.parametrize("settings", [{"packing": True}, {"recompute": True}, {"compile": True}])
def test_ways_to_train(settings, tokenizer):
    """Recomputing and compiling change nothing; packing draws other batches, and learns as well."""
    run = {"start": TINY, "tokenizer": tokenizer, "updates": 40, "batch_size": 8, "max_length": 20} | QUIET
    run |= {"learning_rate": 2e-3, "evaluate_every": 40}
    with torch.compiler.set_stance("force_eager"):  # the compiler's own work takes a minute and is not ours to test
        plain, other = (pretrain(documents(60, 1), documents(20, 2), **run, **more) for more in ({}, settings))
    first, last = (other.history.epochs[place]["mlm_loss"] for place in (0, -1))
    assert last < first - 0.2
    losses = [[row["loss"] for row in result.history.updates] for result in (plain, other)]
    if "packing" in settings:
        assert losses[0] != losses[1]
        assert abs(last - plain.history.epochs[-1]["mlm_loss"]) < 0.4
    else:
        assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_predict_takes_what_every_task_takes(learned):
    expected = learned.predict(["cats [MASK]", "[MASK] purr"])
    assert learned.predict(text for text in ("cats [MASK]", "[MASK] purr")) == expected
    assert learned.predict(np.array(["cats [MASK]", "[MASK] purr"])) == expected
    assert learned.predict(np.str_("cats [MASK]")) == learned.fill_mask("cats [MASK]") == expected[0]
    for given, message in (
        ({"text": "cats [MASK]"}, r"texts is dict"),
        (None, "texts is NoneType None"),
        ([], "texts is empty"),
        (["cats [MASK]", 7], r"texts\[1\] is int 7: give strings"),
        ("cats [MASK] \ud83d", r"texts\[0\]: character 12 is half a character"),
    ):
        with pytest.raises(ValueError, match=f"^{message}"):
            learned.predict(given)
    with pytest.raises(ValueError, match=r"^texts\[0\] is NoneType None"):
        learned.fill_mask(None)
    with pytest.raises(ValueError, match=r"^pairs\[0\]\[1\] is int 7"):
        learned.follows("cats", 7)


def test_what_is_held_out_is_named_as_that(tokenizer):
    few = documents(1, 7)
    with pytest.raises(ValueError, match=r"^of the held-out documents \(1\): the corpus has only one document"):
        pretrain(documents(3, 8), few, start=TINY, tokenizer=tokenizer, updates=1, max_length=20, **QUIET)
