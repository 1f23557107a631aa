"""Vectors of texts, as sentence-transformers has them; learned by contrast, saved, opened; what is refused."""

import json
import shutil
import warnings
from dataclasses import replace
from itertools import pairwise

import checks
import numpy as np
import peft
import pytest
import torch
import transformers
from bug_zoo import search_bugs
from datasets import Dataset, DatasetDict
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from bertlib import BertModel
from bertlib.data.catalog import load
from bertlib.data.encoders import encoder_folder
from bertlib.model.adapters import adapters_of, lora_of, merge
from bertlib.model.heads import BertForEmbedding, mean_pooling
from bertlib.tasks import classify
from bertlib.tasks.embed import Embedder, fine_tune
from bertlib.text.wordpiece import word_spans
from bertlib.train.recipe import RECIPES
from conftest import LETTERS, TINY, VOCABULARY, WORDS

SETTINGS = {"epochs": 6, "batch_size": 8, "learning_rate": 3e-3, "max_length": 24, "precision": "fp32", "seed": 0}
SETTINGS |= {"show_progress": False}
SUBJECTS = {"bank": "share", "profit": "market", "goal": "match", "team": "coach"}
CLOSE = {"rtol": 0, "atol": 1e-5}


def make_pairs(size, seed, wrong=False):
    """A text with one of four words finds the one with its partner; all else is drawn."""
    rng, rows = np.random.default_rng(seed), []
    for number in range(size):
        asked = list(SUBJECTS)[number % 4]
        others = [word for word in SUBJECTS.values() if word != SUBJECTS[asked]]
        texts = []
        for word in (asked, SUBJECTS[asked], str(rng.choice(others))):
            words = [str(one) for one in rng.choice(["the", "and", "of", *"abcdefgh"], size=rng.integers(2, 7))]
            words.insert(int(rng.integers(0, len(words) + 1)), word)
            texts.append(" ".join(words))
        rows.append(dict(zip(("first", "second", "wrong"), texts, strict=True)))
    data = Dataset.from_list(rows)
    return data if wrong else data.remove_columns("wrong")


@pytest.fixture(scope="module")
def pairs():
    return DatasetDict(train=make_pairs(160, 0), validation=make_pairs(40, 1))


@pytest.fixture(scope="module")
def learned(tiny_folder, pairs):
    return fine_tune(pairs, encoder=tiny_folder, **SETTINGS)


@pytest.fixture
def embedder(tiny_config, tokenizer):
    """Weights large enough for different texts to have clearly different vectors."""
    model = BertForEmbedding(tiny_config)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.3)
    return Embedder(model, tokenizer, 24)


@pytest.fixture(scope="module")
def minilm():
    return Embedder.load(encoder_folder("minilm"))


@pytest.fixture(scope="module")
def theirs():
    return SentenceTransformer(str(encoder_folder("minilm")), device="cpu")


@pytest.fixture(scope="module")
def articles():
    """Texts of very different lengths; the last ones have more tokens than MiniLM reads."""
    texts = load("bbc_news")["test"]["text"][:24]
    cut = [" ".join(text.split()[: 1 + number * number]) for number, text in enumerate(texts[:18])]
    return [*cut, *sorted(texts, key=len)[-2:]]


# ------------------------------------------------------------------------------------------ equal to its model


def test_vectors_are_those_of_sentence_transformers(minilm, theirs, articles):
    lengths = [len(encoding.ids) for encoding in minilm.tokenizer.encode_batch(articles)]
    assert min(lengths) == 3 and max(lengths) > 400 and theirs.max_seq_length == minilm.max_length == 256
    ours = minilm.predict(articles)
    assert ours.dtype == np.float32 and ours.shape == (20, 384)
    np.testing.assert_allclose(ours, theirs.encode(articles), **CLOSE)
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, **CLOSE)


def test_what_follows_on_the_limit_is_not_read(minilm, articles):
    """B17: of two texts that differ beyond it alone there is one vector; windows tell them apart."""
    pieces = minilm.tokenizer.encode(articles[-1], add_special_tokens=False)
    last = word_spans(articles[-1][: pieces.offsets[253][1]])[-1]
    known = articles[-1][: last[1]]
    assert len(minilm.tokenizer.encode(known).ids) <= 256
    other = articles[-1][: pieces.offsets[253][1]] + " The goalkeeper fell into the sea. " * 40
    one, two = minilm.predict([articles[-1], other])
    np.testing.assert_allclose(one, two, **CLOSE)
    vectors, owners = minilm.windows([articles[-1], other])
    first = {owner: vectors[owners == owner] for owner in (0, 1)}
    np.testing.assert_allclose(first[0][0], one, **CLOSE)
    asked = minilm.predict("a goalkeeper in the water")
    assert (first[1] @ asked).max() > (first[0] @ asked).max() + 0.2


def test_three_files_of_minilm_state_three_limits(minilm):
    folder = encoder_folder("minilm")
    stated = {
        json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"]: "sentence-transformers",
        json.loads((folder / "tokenizer_config.json").read_text())["model_max_length"]: "transformers",
        json.loads((folder / "tokenizer.json").read_text())["truncation"]["max_length"]: "tokenizers",
    }
    assert stated == {256: "sentence-transformers", 512: "transformers", 128: "tokenizers"}
    assert minilm.max_length == 256


def test_states_are_pooled_over_the_tokens_alone():
    states, mask = torch.randn(3, 5, 4), torch.tensor([[1] * 5, [1, 1, 0, 0, 0], [1, 0, 0, 0, 0]])
    expected = torch.stack([states[0].mean(0), states[1, :2].mean(0), states[2, 0]])
    torch.testing.assert_close(mean_pooling(states, mask), expected)
    torch.testing.assert_close(mean_pooling(states), states.mean(1))
    torch.testing.assert_close(mean_pooling(states, torch.ones(3, 5).long()), states.mean(1))
    assert mean_pooling(states.bfloat16(), mask).dtype == torch.bfloat16


def test_neighbours_of_a_batch_change_nothing(embedder):
    """B11."""
    checks.vectors_know_no_neighbours(mean_pooling)
    texts = ["goal", "the bank and the good share of the market and the profit", "a b c d e", "team"]
    together = embedder.predict(texts)
    for size in (1, 2, 3):
        np.testing.assert_allclose(embedder.predict(texts, batch_size=size), together, rtol=0, atol=1e-6)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_allclose(embedder.predict(text), vector, rtol=0, atol=1e-6)
    assert np.abs(together[0] - together[1]).max() > 0.05  # they could differ


@pytest.mark.parametrize("pooling", [search_bugs.padding_counts, search_bugs.sum_over_all, search_bugs.mean_of_all])
def test_pooling_that_knows_the_padding_is_caught(pooling):
    with pytest.raises(AssertionError):
        checks.vectors_know_no_neighbours(pooling)


# ------------------------------------------------------------------------------------------------ what it is given


def test_one_text_gives_one_vector_and_several_give_rows_in_their_order(embedder):
    texts = ["the goal of the team", "bank", "a b c d e f g h", "the good share"]
    expected = embedder.predict(texts)
    assert expected.shape == (4, 32) and expected.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(expected, axis=1), 1, **CLOSE)
    column = Dataset.from_dict({"text": texts})["text"]
    for given in (tuple(texts), iter(texts), np.array(texts), (text for text in texts), column):
        assert np.array_equal(embedder.predict(given), expected)
    assert embedder.predict(texts[0]).shape == (32,) and embedder.predict(texts[:1]).shape == (1, 32)


@pytest.mark.parametrize(
    "given, message",
    [
        ([], "texts is empty"),
        ("", "texts[0] is ''"),
        (" \n", "texts[0] is ' \\n'"),
        (["goal", " "], "texts[1] is ' '"),
        (None, "texts is NoneType None"),
        ({"text": "goal"}, "texts is dict"),
        (b"goal", "texts is bytes"),
        (["goal", 5], "texts[1] is int 5"),
        (["goal", "team \ud83d"], "texts[1]: character 5 is half a character"),
    ],
)
def test_what_is_no_text(embedder, given, message):
    with pytest.raises(ValueError) as caught:
        embedder.predict(given)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("given", [["goal", " "], [], "goal of the team", ["goal", None], ["team \ud83d"]])
def test_what_windows_refuse(embedder, given):
    with pytest.raises(ValueError, match="texts"):
        embedder.windows(given)


@pytest.mark.parametrize("max_length", [3, 4, 8, 24])
def test_windows_hold_every_token_and_a_short_text_is_one(embedder, monkeypatch, max_length):
    embedder.max_length = max_length
    rng = np.random.default_rng(0)
    texts = [
        " ".join(rng.permutation([*WORDS, *LETTERS])[:size]) for size in (1, 2, 3, 20, 22, 23, 39)
    ]  # no word twice
    read = []

    def vectors(sequences, **_):
        read.extend(sequences)
        return np.zeros((len(sequences), 32))

    monkeypatch.setattr(embedder, "vectors", vectors)
    vectors, owners = embedder.windows(texts)
    assert len(vectors) == len(owners) == len(read) and (np.diff(owners) >= 0).all()
    opening, closing = (embedder.tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    for number, text in enumerate(texts):
        own = [row for row, owner in zip(read, owners, strict=True) if owner == number]
        pieces = embedder.tokenizer.encode(text, add_special_tokens=False).ids
        assert all(row[0] == opening and row[-1] == closing and len(row) <= max_length for row in own)
        assert all(len(row) == max_length for row in own[:-1])
        places = [[pieces.index(piece) for piece in row[1:-1]] for row in own]
        assert all(row == list(range(row[0], row[-1] + 1)) for row in places)
        assert sorted({place for row in places for place in row}) == list(range(len(pieces)))
        if max_length > 6:  # neighbours share a quarter
            assert all(one[-1] - other[0] + 1 >= len(one) // 4 for one, other in pairwise(places))
        assert len(own) == 1 or len(pieces) > max_length - 2


def test_a_short_texts_window_is_its_vector(embedder):
    texts = ["goal", "the good team", "zebra " * 30]
    vectors, owners = embedder.windows(texts)
    assert owners.tolist() == [0, 1, *[2] * (len(owners) - 2)] and len(owners) > 4
    np.testing.assert_allclose(vectors[:2], embedder.predict(texts[:2]), rtol=0, atol=1e-6)
    np.testing.assert_allclose(vectors[2], embedder.predict(texts[2]), rtol=0, atol=1e-6)


def test_windows_know_a_long_texts_end(embedder):
    """B17."""
    checks.windows_know_the_end(embedder, Embedder.windows)
    with pytest.raises(AssertionError):
        checks.windows_know_the_end(embedder, search_bugs.cut_in_silence)


def test_a_text_of_nothing_that_the_tokenizer_knows_has_a_vector(embedder):
    """[CLS] and [SEP] alone: a NUL character is none of BERT's."""
    vectors, owners = embedder.windows(["\0", "goal"])
    assert owners.tolist() == [0, 1] and np.allclose(vectors[0], embedder.predict("\0"), atol=1e-6)


# -------------------------------------------------------------------------------------------------------- the loss


def plain_loss(model, data, right, width=2):
    """Row by row: of the texts in the batch, which is the partner? Those known to be right too are not asked."""
    texts = [model.predict(text) for text in data["first"]]
    names = ["second", "wrong"][: width - 1]
    others = [(text, model.predict(text)) for name in names for text in data[name]]
    losses = []
    for number, (text, vector) in enumerate(zip(data["first"], texts, strict=True)):
        scores = [
            20 * float(vector @ other)
            for place, (partner, other) in enumerate(others)
            if place == number or (text, partner) not in right
        ]
        own = 20 * float(vector @ others[number][1])
        losses.append(np.log(np.exp(np.array(scores) - own).sum()))
    return float(np.sum(losses))


def loss_of(embedder, data):
    examples = embedder.examples(data)
    batch = examples.batch(range(len(examples)), 0)
    embedder.model.check_batch(batch)
    with torch.no_grad():
        output = embedder.model(**batch)
    assert output.loss_counts == embedder.model.loss_counts(batch) == {"contrast": len(examples)}
    return float(output.loss_sums["contrast"])


@pytest.mark.parametrize("wrong", [False, True], ids=["two columns", "three"])
def test_the_loss_is_that_of_a_plain_computation(embedder, wrong):
    data = make_pairs(12, 3, wrong)
    embedder.text = tuple(data.column_names)
    right = set(zip(data["first"], data["second"], strict=True))
    assert loss_of(embedder, data) == pytest.approx(plain_loss(embedder, data, right, len(embedder.text)), rel=1e-5)


@pytest.mark.parametrize("wrong", [False, True], ids=["two columns", "three"])
def test_the_loss_is_that_of_sentence_transformers(minilm, theirs, wrong):
    data = make_pairs(12, 4, wrong)
    trained = Embedder(minilm.model, minilm.tokenizer, 256, tuple(data.column_names))
    sides = [theirs.tokenize(data[name][:]) for name in data.column_names]
    with torch.no_grad():
        expected = MultipleNegativesRankingLoss(theirs, scale=20.0)(sides, torch.zeros(12))
    assert loss_of(trained, data) / 12 == pytest.approx(float(expected), abs=1e-5)


def test_duplicates_and_true_answers_of_the_batch_are_left_out(embedder):
    """B18."""
    checks.right_answers_are_no_wrong_ones(BertForEmbedding.forward)
    first = ["the goal", "the goal", "bank", "bank of", "team"]
    second = ["match a", "match b", "share", "share", "coach"]
    data = Dataset.from_dict({"first": first, "second": second})
    right = set(zip(first, second, strict=True))
    labels = embedder.examples(data).batch(range(5), 0)["labels"]
    assert labels.dtype == torch.bool and labels.tolist() == [[(a, b) in right for b in second] for a in first]
    assert labels.sum() == 9
    assert loss_of(embedder, data) == pytest.approx(plain_loss(embedder, data, right), rel=1e-5)
    assert loss_of(embedder, data) < plain_loss(embedder, data, set()) - 0.1  # what it would be with them

    # Known from a row that is in another batch.
    more = Dataset.from_dict({"first": [*first, "team"], "second": [*second, "share"]})
    alone = embedder.examples(more).batch([2, 4], 0)["labels"]
    assert alone.tolist() == [[True, False], [True, True]]

    # A wrong partner that is right in another row.
    three = data.add_column("wrong", ["match b", "share", "coach", "match a", "goal"])
    embedder.text = ("first", "second", "wrong")
    labels = embedder.examples(three).batch(range(5), 0)["labels"]
    assert labels.shape == (5, 10) and labels[:, 5:].tolist() == [
        [True, False, False, True, False],
        [True, False, False, True, False],
        [False, True, False, False, False],
        [False, True, False, False, False],
        [False, False, True, False, False],
    ]
    assert loss_of(embedder, three) == pytest.approx(plain_loss(embedder, three, right, 3), rel=1e-5)


@pytest.mark.parametrize(
    "head", [search_bugs.only_the_diagonal, search_bugs.rows_and_columns_swapped, search_bugs.zero_in_place_of_nothing]
)
def test_right_answers_taken_for_wrong_ones_are_caught(head):
    with pytest.raises(AssertionError):
        checks.right_answers_are_no_wrong_ones(head)


def test_without_labels_all_others_are_wrong(embedder):
    batch = embedder.examples(make_pairs(6, 5)).batch(range(6), 0)
    labels = batch.pop("labels")
    with torch.no_grad():
        assert embedder.model(**batch).loss > embedder.model(**batch, labels=torch.ones_like(labels)).loss == 0


def test_gradients_reach_what_is_read_and_nothing_else(embedder):
    """Of the token table the rows of the texts; no pooler; what is left out moves nothing."""
    model = embedder.model.double()
    data = Dataset.from_dict({"first": ["goal", "bank"], "second": ["match", "share"]})
    batch = embedder.examples(data).batch([0, 1], 0)
    model(**batch).loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    moved = model.bert.embeddings.word_embeddings.weight.grad.abs().sum(1) > 0
    read = {"[CLS]", "[SEP]", "goal", "bank", "match", "share"}
    assert {VOCABULARY[place] for place in moved.nonzero().flatten().tolist()} == read
    assert not any("pooler" in name for name, _ in model.named_parameters())

    model.zero_grad()
    model(**batch | {"labels": torch.tensor([[True, True], [False, True]])}).loss.backward()
    one = model.bert.embeddings.word_embeddings.weight.grad[VOCABULARY.index("goal")]
    assert not one.any()  # both partners are right for it: there is nothing to learn of it


def test_parts_of_a_batch_of_which_the_loss_is_asked(embedder):
    batch = embedder.examples(make_pairs(6, 5)).batch(range(6), 0)
    for shape in ((6,), (6, 5), (5, 6), (6, 12)):
        with pytest.raises(ValueError, match=r"labels has shape .*: give \(6, 6\), texts by partners"):
            embedder.model(**batch | {"labels": torch.ones(shape, dtype=torch.bool)})
    with pytest.raises(ValueError, match="input_ids"):
        embedder.model.check_batch(batch | {"partner_ids": batch["partner_ids"] + 999})
    assert embedder.model(batch["input_ids"], batch.get("attention_mask")).loss is None


# -------------------------------------------------------------------------------------------------------- it learns


def test_learns_which_text_is_the_partner(learned, pairs, tiny_folder):
    before = Embedder.load(tiny_folder).evaluate(make_pairs(80, 2))
    after = learned.evaluate(make_pairs(80, 2))
    # Of each text twenty of eighty are of its kind, and one of them is its own.
    assert after["reciprocal_rank"] > 1.7 * before["reciprocal_rank"] and after["recall@10"] > 0.4 > before["recall@10"]
    rates = [row["loss"] for row in learned.history.updates]
    assert np.mean(rates[-20:]) < 0.8 * np.mean(rates[:20])
    assert len(learned.history.epochs) == 6
    assert {"validation_reciprocal_rank", "validation_recall@1", "validation_recall@10"} <= set(
        learned.history.epochs[0]
    )


def test_shuffled_partners_teach_nothing(tiny_folder, pairs):
    """The control."""
    rows = pairs["train"]
    partners = np.random.default_rng(0).permutation(rows["second"][:]).tolist()
    data = DatasetDict(train=Dataset.from_dict({"first": rows["first"][:], "second": partners}))
    assert fine_tune(data, encoder=tiny_folder, **SETTINGS).evaluate(make_pairs(80, 2))["recall@10"] < 0.35


def test_wrong_partners_teach_where_a_batch_has_none(tiny_folder):
    """One text in a batch: only the third column tells it from another. Validation goes without one."""
    data = DatasetDict(train=make_pairs(80, 0, wrong=True), validation=make_pairs(20, 1))
    settings = SETTINGS | {"batch_size": 1, "epochs": 1}
    three = fine_tune(data, columns=("first", "second", "wrong"), encoder=tiny_folder, **settings)
    two = fine_tune(DatasetDict(train=make_pairs(8, 0)), encoder=tiny_folder, **settings)
    assert max(row["loss"] for row in two.history.updates) == 0 < min(row["loss"] for row in three.history.updates[:20])
    before, after = (one.evaluate(make_pairs(80, 2))["recall@10"] for one in (Embedder.load(tiny_folder), three))
    assert after > before + 0.05
    assert three.text == ("first", "second", "wrong")


def test_a_wrong_partner_has_its_say_in_the_length(embedder):
    data = make_pairs(4, 0, wrong=True).map(lambda row: {"wrong": row["wrong"] + " goal" * 15})
    embedder.text = ("first", "second", "wrong")
    examples = embedder.examples(data)
    assert min(examples.lengths()) > 15
    batch = examples.batch([2, 0], 0)
    rows = [row[row != 0].tolist() for row in batch["partner_ids"]]
    expected = [*(data["second"][i] for i in (2, 0)), *(data["wrong"][i] for i in (2, 0))]
    assert rows == [encoding.ids for encoding in embedder.tokenizer.encode_batch(expected)]


def test_its_recipe_and_seed(tiny_folder, pairs):
    assert Embedder.recipe is RECIPES["embed"] and Embedder.recipe.learning_rate == 2e-5
    short = SETTINGS | {"epochs": 1}
    one, two, other = (fine_tune(pairs, encoder=tiny_folder, **short | {"seed": seed}) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True))
    assert not np.array_equal(one.predict("goal"), other.predict("goal"))


def test_evaluation_is_that_of_a_plain_ranking(embedder):
    data = Dataset.from_dict(
        {
            "first": ["goal", "goal", "bank", "team of", "the share"],
            "second": ["match", "coach", "share", "match", "profit of"],
        }
    )
    scores = embedder.evaluate(data)
    there = list(dict.fromkeys(data["second"]))
    right = {}
    for first, second in zip(data["first"], data["second"], strict=True):
        right.setdefault(first, set()).add(second)
    ranks = []
    for first, own in right.items():
        products = {text: float(embedder.predict(first) @ embedder.predict(text)) for text in there}
        found = sorted(products, key=products.get, reverse=True)
        ranks.append(1 + min(found.index(text) for text in own))
    assert scores["reciprocal_rank"] == pytest.approx(np.mean([1 / rank for rank in ranks]))
    assert scores["recall@10"] == 1 and {"ndcg@10", "average_precision", "recall@1"} <= set(scores)


# --------------------------------------------------------------------------------------------------------- folders


def test_saved_and_opened_again(learned, tmp_path):
    learned.save(tmp_path)
    again = Embedder.load(tmp_path)
    assert (again.max_length, again.text) == (24, ("first", "second")) and again.labels == ()
    assert np.array_equal(again.predict(["goal of", "a b"]), learned.predict(["goal of", "a b"]))
    assert json.loads((tmp_path / "bertlib.json").read_text()) == {"max_length": 24, "text": ["first", "second"]}


def test_sentence_transformers_opens_ours_and_cuts_as_we_do(learned, tmp_path):
    learned.save(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = SentenceTransformer(str(tmp_path), device="cpu")
    texts = ["goal", "the good share of a market", "bank " * 60]
    found = theirs.encode(texts, normalize_embeddings=True)  # without it the mean as it is
    np.testing.assert_allclose(found, learned.predict(texts), **CLOSE)


def test_transformers_opens_ours(learned, tmp_path):
    learned.save(tmp_path)
    model, info = transformers.AutoModel.from_pretrained(tmp_path, output_loading_info=True)
    assert type(model) is transformers.BertModel
    assert all("pooler" in name for name in info["missing_keys"]) and not info["unexpected_keys"]
    inputs = transformers.AutoTokenizer.from_pretrained(tmp_path)("the goal of", return_tensors="pt")
    with torch.no_grad():
        mean = model.eval()(**inputs).last_hidden_state.mean(1)[0]
    np.testing.assert_allclose((mean / mean.norm()).numpy(), learned.predict("the goal of"), **CLOSE)


def test_ours_opens_what_sentence_transformers_saves(minilm, theirs, articles, tmp_path):
    theirs.save(str(tmp_path))
    again = Embedder.load(tmp_path)
    assert again.max_length == 256 and again.text == ("first", "second")
    np.testing.assert_allclose(again.predict(articles[-4:]), minilm.predict(articles[-4:]), **CLOSE)


@pytest.mark.parametrize(
    "pooling",
    [
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False},  # as older releases wrote it
        {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True},
        {"pooling_mode_mean_tokens": False, "pooling_mode_max_tokens": True},
        {"pooling_mode": "cls"},  # as 6.2 writes it
        {"pooling_mode": "max"},
        {"pooling_mode": ["cls", "mean"]},
    ],
)
def test_a_folder_that_pools_otherwise_is_refused(pooling, tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    (folder / "1_Pooling").mkdir()
    for good in ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, {"pooling_mode": "mean"}):
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({"embedding_dimension": 32, **good}))
        Embedder.load(folder)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"embedding_dimension": 32, **pooling}))
    with pytest.raises(ValueError, match=r"1_Pooling.*: bertlib takes the mean over the tokens, this model does not"):
        Embedder.load(folder)


def test_a_folder_with_a_layer_behind_the_mean_is_refused(tiny_folder, tmp_path):
    folder = shutil.copytree(tiny_folder, tmp_path / "model")
    Embedder.load(folder)
    (folder / "2_Dense").mkdir()
    with pytest.raises(ValueError, match="bertlib takes the mean over the tokens, this model does not"):
        Embedder.load(folder)


def test_an_encoder_opens_as_it_is_and_so_does_a_classifiers(tiny_folder, tiny_dataset, tmp_path):
    plain = Embedder.load(tiny_folder)
    assert plain.max_length == TINY["max_position_embeddings"]
    settings = {"epochs": 1, "learning_rate": 1e-3, "max_length": 16, "show_progress": False}
    classify.fine_tune(tiny_dataset, encoder=tiny_folder, checkpoint=tmp_path / "classifier", **settings)
    assert Embedder.load(tmp_path / "classifier").predict("goal").shape == (32,)
    assert BertForEmbedding.from_pretrained(tmp_path / "classifier").config.labels == ()


# --------------------------------------------------------------------------------------------------------- adapters


def test_trained_saved_opened_and_merged_with_adapters(tiny_folder, pairs, tmp_path):
    folder = tmp_path / "adapters"
    lora = {"method": "lora", "rank": 4, "alpha": 12.0, "targets": "all", "learning_rate": 1e-2}
    own = fine_tune(pairs, encoder=tiny_folder, checkpoint=folder, **SETTINGS | {"epochs": 2} | lora)
    plain, texts = Embedder.load(tiny_folder), ["goal of the", "bank a b", "zebra"]
    assert np.abs(own.predict(texts) - plain.predict(texts)).max() > 0.01
    assert lora_of(own.model).whole == ()  # a head without weights
    written = json.loads((folder / "adapter_config.json").read_text())
    assert written["task_type"] == "FEATURE_EXTRACTION" and written["modules_to_save"] == []
    assert sorted(path.name for path in folder.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "bertlib.json",
        "run.json",
    ]
    again = Embedder.load(folder, tiny_folder)
    assert np.array_equal(again.predict(texts), own.predict(texts)) and again.max_length == 24
    merge(again.model)
    again.save(tmp_path / "whole")
    whole = Embedder.load(tmp_path / "whole")
    assert not adapters_of(whole.model)
    np.testing.assert_allclose(whole.predict(texts), own.predict(texts), **CLOSE)


def test_peft_opens_our_adapters_and_we_open_theirs(tiny_folder, pairs, tokenizer, tmp_path):
    """To peft it is the bare encoder."""
    lora = {"method": "lora", "rank": 4, "targets": "all", "learning_rate": 1e-2}
    own = fine_tune(pairs, encoder=tiny_folder, **SETTINGS | {"epochs": 1} | lora)
    own.save(tmp_path / "ours")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # peft warns of keys that find no place
        model = peft.PeftModel.from_pretrained(transformers.BertModel.from_pretrained(tiny_folder), tmp_path / "ours")
    ids = torch.tensor([tokenizer.encode("the goal of").ids])
    with torch.no_grad():
        mean = model.eval()(ids).last_hidden_state.mean(1)[0]
    np.testing.assert_allclose((mean / mean.norm()).numpy(), own.predict("the goal of"), **CLOSE)

    config = peft.LoraConfig(task_type="FEATURE_EXTRACTION", r=3, lora_alpha=9, target_modules=["query", "value"])
    other = peft.get_peft_model(transformers.BertModel.from_pretrained(tiny_folder), config)
    for name, parameter in other.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    other.save_pretrained(tmp_path / "theirs")
    (tmp_path / "theirs" / "bertlib.json").write_text('{"max_length": 24, "text": ["first", "second"]}')
    ours = Embedder.load(tmp_path / "theirs", tiny_folder)
    with torch.no_grad():
        mean = other.eval()(ids).last_hidden_state.mean(1)[0]
    np.testing.assert_allclose((mean / mean.norm()).numpy(), ours.predict("the goal of"), **CLOSE)


# ------------------------------------------------------------------------------------------------- what is refused


def test_data_that_do_not_fit(tiny_folder, pairs):
    def trained(data=pairs, **settings):
        return fine_tune(data, encoder=tiny_folder, **SETTINGS | settings)

    for columns in ("first", ("first",), ("a", "b", "c", "d"), ()):
        with pytest.raises(ValueError, match=r"columns=.*: give the names of two or three"):
            trained(columns=columns)
    with pytest.raises(ValueError, match="text='question' is no column of the data; it has first, second"):
        trained(columns=("question", "second"))
    with pytest.raises(ValueError, match="text='wrong' is no column of the data; it has first, second"):
        trained(columns=("first", "second", "wrong"))
    with pytest.raises(ValueError, match="text='second' is no column of the data; it has first"):
        trained(DatasetDict(train=pairs["train"], validation=pairs["validation"].remove_columns("second")))
    for blank in ("", None):
        rows = Dataset.from_dict({"first": ["goal", "bank"], "second": ["match", blank]})
        with pytest.raises(ValueError, match=r"(row 1 of column 'second'|texts\[1\]) is "):
            trained(DatasetDict(train=rows))


@pytest.mark.parametrize(
    "rows",
    [
        [("goal", "match")],
        [("goal", "match")] * 3,
        [("goal", "match"), ("team", "match")],
        [("goal", "match"), ("goal", "coach")],
    ],
)
def test_pairs_from_which_nothing_is_learned(rows, tiny_folder):
    data = Dataset.from_list([dict(zip(("first", "second"), row, strict=True)) for row in rows])
    with pytest.raises(ValueError, match="each partner is right for each text: give other pairs too"):
        fine_tune(DatasetDict(train=data), encoder=tiny_folder, **SETTINGS)
    more = data.add_column("wrong", ["bank"] * len(rows))
    fine_tune(
        DatasetDict(train=more), columns=("first", "second", "wrong"), encoder=tiny_folder, **SETTINGS | {"epochs": 1}
    )


def test_the_head_is_the_encoder_and_nothing_else(tiny_config, tmp_path):
    model = BertForEmbedding(replace(tiny_config, labels=("a", "b")))
    assert model.config.labels == () and not any("pooler" in name for name in model.state_dict())
    model.save_pretrained(tmp_path)
    again = BertForEmbedding.from_pretrained(tmp_path)
    assert again.fresh == [] and again.config == model.config
    assert BertModel.from_pretrained(tmp_path).fresh == ["pooler.dense.bias", "pooler.dense.weight"]
