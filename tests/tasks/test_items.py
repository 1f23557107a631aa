"""BERT on items: equal to transformers, learns what only order tells, takes in new clicks, says what is wrong."""

import json

import numpy as np
import pytest
import torch
import transformers

from bertlib.model.config import BertConfig
from bertlib.model.heads import BertForMaskedLM
from bertlib.tasks.items import MASK, PAD, SPECIALS, ItemModel, fit, masked_windows
from bertlib.text.masking import IGNORED
from bertlib.train.recipe import RECIPES

TINY = BertConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
ITEMS = [f"film {number}" for number in range(12)]


def circle(length, rng):
    """A walk around twelve items, always to the next one."""
    first = int(rng.integers(12))
    return [ITEMS[(first + step) % 12] for step in range(length)]


@pytest.fixture(scope="module")
def untrained():
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=14,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=8,
        initializer_range=0.5,
    )
    return ItemModel(BertForMaskedLM(shape), ITEMS, 8)


@pytest.fixture(scope="module")
def walker():
    rng = np.random.default_rng(0)
    histories = [circle(int(rng.integers(3, 8)), rng) for _ in range(120)]
    settings = {"epochs": 30, "learning_rate": 5e-3, "batch_size": 32, "config": TINY, "max_length": 8}
    return fit(histories, items=ITEMS, **settings, show_progress=False)


def test_the_scores_are_those_of_transformers(untrained, tmp_path):
    untrained.save(tmp_path / "model")
    theirs = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "model").eval()
    histories = [ITEMS[:3], ITEMS[2:11], ["film 7"]]
    ours = untrained.scores(histories)
    for history, row in zip(histories, ours, strict=True):
        ids = [MASK, *(ITEMS.index(name) + len(SPECIALS) for name in history[::-1][:7])]
        with torch.inference_mode():
            logits = theirs(input_ids=torch.tensor([ids])).logits[0, 0, len(SPECIALS) :]
        assert np.abs(row - logits.numpy()).max() < 1e-4


def test_the_loss_is_that_of_transformers(untrained, tmp_path):
    untrained.save(tmp_path / "model")
    theirs = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "model").eval()
    batch = masked_windows([[2, 3, 4, 5, 6], [7, 8, 9]], 8, 14, RECIPES["items"], 0.5, 0)[0]
    with torch.inference_mode():
        ours, wanted = untrained.model(**batch), theirs(**batch).loss
    assert float(ours.loss) == pytest.approx(float(wanted), abs=1e-5)
    assert ours.loss_counts == untrained.model.loss_counts(batch) == {"mlm": int((batch["labels"] != IGNORED).sum())}


def test_it_learns_an_order_and_takes_in_new_clicks_without_training(walker):
    assert walker.predict(["film 3", "film 4"])[0][0] == "film 5"
    before = {name: tensor.clone() for name, tensor in walker.model.state_dict().items()}
    assert walker.predict(["film 3", "film 4", "film 8", "film 9"])[0][0] == "film 10", "two clicks more"
    assert all(torch.equal(before[name], tensor) for name, tensor in walker.model.state_dict().items())


def test_what_is_recommended_was_not_seen_and_is_in_order(walker):
    seen = ["film 1", "film 2", "film 3"]
    found = walker.predict(seen, top=50, exclude=["film 4"])
    names, shares = zip(*found, strict=True)
    assert sorted(names) == sorted({*ITEMS} - {*seen, "film 4"})
    assert list(shares) == sorted(shares, reverse=True)
    assert 0 < sum(shares) < 1, "shares are among all items"
    assert walker.predict(seen, top=2) == walker.predict(seen)[:2]


def test_a_long_history_counts_by_its_newest_items(walker):
    long = [ITEMS[number % 12] for number in range(40)]
    assert np.array_equal(walker.scores([long]), walker.scores([long[-7:]]))
    assert not np.array_equal(walker.scores([long]), walker.scores([long[-6:]]))


def test_neighbours_in_a_batch_change_nothing(walker):
    histories = [ITEMS[:2], ITEMS[3:10], ITEMS[5:9]]
    together = walker.scores(histories)
    alone = np.concatenate([walker.scores([history]) for history in histories])
    assert np.abs(together - alone).max() < 1e-4


def test_a_folder_gives_the_same_model(walker, tmp_path):
    walker.save(tmp_path / "model")
    opened = ItemModel.load(tmp_path / "model")
    assert (opened.items, opened.max_length) == (walker.items, walker.max_length)
    assert np.allclose(opened.scores([ITEMS[:3]]), walker.scores([ITEMS[:3]]), atol=1e-5)
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "config.json", "items.json", "model.safetensors"
    ]  # fmt: skip


def test_damaged_folders_are_named(walker, tmp_path):
    walker.save(tmp_path / "model")
    own = tmp_path / "model" / "items.json"
    values = json.loads(own.read_text(encoding="utf-8"))
    own.write_text(json.dumps(values | {"items": values["items"][:-1]}), encoding="utf-8")
    with pytest.raises(ValueError, match="11 different names for 14 ids"):
        ItemModel.load(tmp_path / "model")
    own.write_text(json.dumps({"items": values["items"]}), encoding="utf-8")
    with pytest.raises(ValueError, match="lacks max_length"):
        ItemModel.load(tmp_path / "model")
    own.unlink()
    with pytest.raises(FileNotFoundError, match=r"items\.json"):
        ItemModel.load(tmp_path / "model")


def test_the_same_seed_gives_the_same_model_and_the_best_epoch_is_kept():
    rng = np.random.default_rng(1)
    histories = [circle(5, rng) for _ in range(40)]
    settings = {"config": TINY, "max_length": 6, "epochs": 4, "learning_rate": 5e-3, "show_progress": False}
    cut, last = [history[:-1] for history in histories], [history[-1] for history in histories]
    one, two = (fit(cut, last, items=ITEMS, **settings, seed=3) for _ in range(2))
    assert np.array_equal(one.scores(cut), two.scores(cut))
    other = fit(cut, last, items=ITEMS, **settings, seed=4)
    assert not np.array_equal(one.scores(cut), other.scores(cut))
    epochs = [row["validation_ndcg@10"] for row in one.history.epochs]
    scores = one.scores(cut)
    for row, seen in zip(scores, cut, strict=True):
        row[[ITEMS.index(name) for name in seen]] = -np.inf
    own = scores[np.arange(len(cut)), [ITEMS.index(name) for name in last]]
    rank = 1 + (scores > own[:, None]).sum(axis=1)
    assert np.mean(np.where(rank <= 10, 1 / np.log2(rank + 1), 0)) == pytest.approx(max(epochs))


def test_windows_hold_every_item_and_hide_the_newest():
    histories = [list(range(2, 40)), [40, 41], [42], [43, 44, 45]]
    told = [one for row in histories for one in row]
    kept = []
    for epoch in range(40):
        for batch in masked_windows(histories, 10, 46, RECIPES["items"], 0.3, epoch):
            ids = torch.where(batch["labels"] == IGNORED, batch["input_ids"], batch["labels"])
            ids[batch["attention_mask"] == 0] = PAD
            assert (batch["input_ids"][:, 0] == MASK).all()
            assert (batch["labels"][:, 0] == ids[:, 0]).all()
            assert (batch["labels"][ids == PAD] == IGNORED).all()
            assert ids.size(1) <= 10
            for row in ids.tolist():
                row = [one for one in row if one != PAD]
                assert row == sorted(row, reverse=True), "newest first, neighbours stay neighbours"
                assert len(row) > 1
                kept += row
    assert {*kept} == {*told} - {42}, "an item alone teaches nothing"


@pytest.mark.parametrize(
    ("history", "told"),
    [
        ([], "at least one item"),
        ("film 1", "give a list"),
        (["film 1", "film 99"], "'film 99', which the model does not know"),
        ([1, 2], "1, which the model does not know"),
        (["x" * 10_000], "which the model does not know"),
        ([" "], "' ', which the model does not know"),
        (ITEMS, "there is none to recommend"),
    ],
)
def test_histories_that_cannot_be_read(walker, history, told):
    with pytest.raises(ValueError, match=told) as caught:
        walker.predict(history)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (([["a"], ["b"]],), "two items in one"),
        (([],), "two items in one"),
        (([["a", "b"]], ["a", "b"]), "one for each"),
        (([["a", "b"], []],), "at least one item"),
    ],
)
def test_nothing_to_train_on(given, told):
    with pytest.raises(ValueError, match=told):
        fit(*given, show_progress=False)


def test_settings_are_checked(walker):
    with pytest.raises(ValueError, match="max_length=1"):
        fit([["a", "b"]], max_length=1)
    with pytest.raises(ValueError, match=r"probability=1\.5"):
        fit([["a", "b"]], probability=1.5, show_progress=False)
    with pytest.raises(TypeError, match="epoch"):
        fit([["a", "b"]], epoch=3)
    with pytest.raises(ValueError, match="which the model does not know"):
        fit([["a", "b"]], items=["a", "c"], show_progress=False)
    with pytest.raises(ValueError, match="top=0"):
        walker.predict(ITEMS[:2], top=0)
