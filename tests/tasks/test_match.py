import csv

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from bertlib.__main__ import main
from bertlib.tasks.match import PairClassifier, fine_tune
from bertlib.text.batching import encode_pairs

SETTINGS = {"epochs": 8, "batch_size": 16, "learning_rate": 4e-3, "max_length": 30, "seed": 0, "show_progress": False}
SUBJECTS = {"money": ["bank", "share", "profit", "market"], "play": ["goal", "match", "team", "coach"]}


def make_pairs(size, seed):
    """Two short texts, of one subject or of two: neither alone tells which."""
    rng, rows = np.random.default_rng(seed), []
    for index in range(size):
        first = ["money", "play"][rng.integers(2)]
        second = first if index % 2 else ({"money", "play"} - {first}).pop()
        texts = []
        for subject in (first, second):
            words = list(rng.choice(["the", "and", "of", "good"], size=rng.integers(1, 6)))
            words.insert(int(rng.integers(0, len(words) + 1)), str(rng.choice(SUBJECTS[subject])))
            texts.append(" ".join(words))
        rows.append({"first": texts[0], "second": texts[1], "label": int(first == second)})
    names = ["other", "same"]
    features = Features({"first": Value("string"), "second": Value("string"), "label": ClassLabel(names=names)})
    return Dataset.from_list(rows, features=features)


@pytest.fixture(scope="module")
def pairs():
    return DatasetDict(train=make_pairs(480, 0), validation=make_pairs(40, 1), test=make_pairs(80, 2))


@pytest.fixture(scope="module")
def matcher(tiny_folder, pairs):
    return fine_tune(pairs, encoder=tiny_folder, **SETTINGS | {"epochs": 60, "learning_rate": 1e-3})


def test_learns_what_only_both_texts_together_tell(matcher, pairs):
    assert matcher.evaluate(pairs["test"])["accuracy"] > 0.8
    alone = pairs["test"].map(lambda row: {"second": "the"})  # the control: without the second text it is a guess
    assert abs(matcher.evaluate(alone)["accuracy"] - 0.5) < 0.2


def test_one_pair_gives_one_result_and_a_list_a_list_in_its_order(matcher):
    given = [("the bank", "good profit"), ("the goal of the team", "market"), ("coach", "the good and the team")]
    together = matcher.predict(given, batch_size=2)
    assert [list(row) for row in together] == [["label", "score"]] * 3
    for pair, row in zip(given, together, strict=True):
        single = matcher.predict(pair)
        assert single["label"] == row["label"] and single["score"] == pytest.approx(row["score"], abs=1e-6)


def test_saved_and_opened_again_and_by_transformers(matcher, pairs, tmp_path):
    import transformers

    matcher.save(tmp_path / "matcher")
    again = PairClassifier.load(tmp_path / "matcher")
    assert again.text == ("first", "second") and again.max_length == 30
    given = list(zip(pairs["test"]["first"][:10], pairs["test"]["second"][:10], strict=True))
    mine = again.probabilities(given)
    assert np.array_equal(mine, matcher.probabilities(given))
    theirs = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "matcher").eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "matcher")
    with torch.no_grad():
        for (first, second), row in zip(given, mine, strict=True):
            inputs = tokenizer(first, second, truncation=True, max_length=30, return_tensors="pt")
            assert np.allclose(theirs(**inputs).logits.softmax(-1)[0].numpy(), row, atol=1e-5)


@pytest.mark.parametrize("max_length", [5, 6, 7, 11, 12, 40])
def test_pairs_are_cut_as_transformers_cuts_them(tiny_folder, tokenizer, max_length):
    import transformers

    theirs = transformers.BertTokenizer.from_pretrained(tiny_folder)
    texts = [("the goal of the team", "bank"), ("bank", "the goal and the goal"), ("a b c d", "e f g h"), ("bad", "ok")]
    ids, segments = encode_pairs(tokenizer, texts, max_length)
    for pair, mine, sides in zip(texts, ids, segments, strict=True):
        expected = theirs(*pair, truncation=True, max_length=max_length)
        assert (mine, sides) == (expected["input_ids"], expected["token_type_ids"])
    assert tokenizer.truncation is None  # the shared tokenizer is as it was


@pytest.mark.parametrize(
    "bad, message",
    [
        ([], r"pairs=\[\]: give a list with at least one pair"),
        (["ab"], r"pairs\[0\] is 'ab': give two texts"),
        ([("a", "b"), ("a", "b", "c")], r"pairs\[1\] is .* give two texts"),
        ([("a", " ")], r"pairs\[0\] is .* both must be strings"),
        ([("a", None)], r"pairs\[0\] is .* both must be strings"),
    ],
)
def test_what_is_no_pair_is_named(tokenizer, bad, message):
    with pytest.raises(ValueError, match=message):
        encode_pairs(tokenizer, bad, 20)


def test_arguments_out_of_range(tokenizer, pairs, tiny_folder):
    with pytest.raises(ValueError, match="max_length=4: give at least 5"):
        encode_pairs(tokenizer, [("a", "b")], 4)
    with pytest.raises(ValueError, match="columns='first': give the names of two"):
        fine_tune(pairs, columns="first", encoder=tiny_folder)
    with pytest.raises(ValueError, match="text='question' is no column of the data; it has first, second, label"):
        fine_tune(pairs, columns=("question", "second"), encoder=tiny_folder, **SETTINGS)


def test_the_command(pairs, tiny_folder, tmp_path, capsys):
    for split in ("train", "test"):
        with (tmp_path / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["question", "answer", "label"])
            names = pairs[split].features["label"].names
            rows.writerows([row["first"], row["second"], names[row["label"]]] for row in pairs[split])
    columns = ["--first", "question", "--second", "answer", "--encoder", str(tiny_folder), "--max-length", "30"]
    files = [
        "--train",
        str(tmp_path / "train.csv"),
        "--test",
        str(tmp_path / "test.csv"),
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(["match", *files, *columns, "--epochs", "2", "--learning-rate", "4e-3"]) == 0
    printed = capsys.readouterr().out
    assert "test, 80 texts: accuracy " in printed and f"saved: {tmp_path / 'out'}" in printed
    assert PairClassifier.load(tmp_path / "out").text == ("question", "answer")


# ---------------------------------------------------------------------------------------- what predict may be given


def test_pairs_of_any_kind(matcher):
    pairs = [("goal", "team"), ("bank", "the goal")]
    expected = matcher.predict(pairs)
    for given in (tuple(pairs), iter(pairs), list(map(list, pairs)), np.array(pairs), (pair for pair in pairs)):
        assert matcher.predict(given) == expected
    assert matcher.predict(pairs[0]) == matcher.predict(pairs[:1])[0]


@pytest.mark.parametrize(
    "given, message",
    [
        ("goal", "pairs is str 'goal': give a pair of texts"),  # huggingface/setfit pull request 448
        (None, "pairs is NoneType None"),
        ({"text": "goal", "text_pair": "team"}, "pairs is dict"),
        ([], "pairs is empty"),
        (["goal", "team"], "pairs[0] is str 'goal': give two texts"),
        (("goal", "team", "bank"), "pairs[0] is tuple ('goal', 'team', 'bank')"),
        ([("goal", "team"), ("goal", None)], "pairs[1][1] is NoneType None"),
        ([("goal", b"team")], "pairs[0][1] is bytes b'team'"),
        (("goal", "team \ud83d"), "pairs[0][1]: character 5 is half a character"),
    ],
)
def test_what_is_no_pair(matcher, given, message):
    with pytest.raises(ValueError) as caught:
        matcher.predict(given)
    assert str(caught.value).startswith(message)
