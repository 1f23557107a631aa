import json
import warnings

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from bertlib import BertConfig, BertForSequenceClassification, BertForTokenClassification
from bertlib.data.encoders import encoder_folder
from bertlib.data.entities import contexts_of, read_split, tag_names_of
from bertlib.metrics import entity_scores, find_differences
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.tag import EntityTagger, fine_tune
from bertlib.text.masking import IGNORED
from bertlib.text.spans import entities_of, tag_names
from bertlib.text.windows import Pieces, cut_into_pieces, first_pieces, make_windows, piece_labels
from bertlib.text.wordpiece import load_tokenizer, word_spans

NAMES = tag_names(("TEAM", "BANK"))
SETTINGS = {"epochs": 12, "learning_rate": 4e-3, "batch_size": 8, "max_length": 32, "precision": "fp32"}
SETTINGS |= {"show_progress": False}


def make_entities(size, seed, names=NAMES):
    """Sentences in which `goal team` is a team and `bank` a bank; `team` alone is nothing."""
    rng = np.random.default_rng(seed)
    rows = {"tokens": [], "ner_tags": []}
    for _ in range(size):
        tokens, tags = [], []
        for _ in range(rng.integers(2, 6)):
            kind = rng.integers(4)
            new = (["goal", "team"], ["bank"], ["the", "team"], [str(rng.choice(["good", "and", "of"]))])[kind]
            tokens += new
            tags += {0: ["B-TEAM", "I-TEAM"], 1: ["B-BANK"]}.get(kind, ["O"] * len(new))
        rows["tokens"].append(tokens)
        rows["ner_tags"].append([names.index(tag) for tag in tags])
    return Dataset.from_dict(
        rows, features=Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=list(names)))})
    )


def rows_of(tokens, tags, names=NAMES):
    features = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=list(names)))})
    return Dataset.from_dict({"tokens": tokens, "ner_tags": tags}, features=features)


@pytest.fixture(scope="module")
def tiny_entities():
    return DatasetDict(train=make_entities(120, 0), validation=make_entities(30, 1), test=make_entities(30, 2))


@pytest.fixture(scope="module")
def trained(tiny_folder, tiny_entities, tmp_path_factory):
    checkpoint = tmp_path_factory.mktemp("tagger") / "best"
    return fine_tune(tiny_entities, encoder=tiny_folder, checkpoint=checkpoint, **SETTINGS), checkpoint


@pytest.fixture(scope="module")
def bert_tokenizer():
    return load_tokenizer(encoder_folder("minilm"))


@pytest.fixture(scope="module")
def untrained():
    """MiniLM's body with a head that was never trained: it finds entities everywhere."""
    torch.manual_seed(0)
    folder = encoder_folder("minilm")
    model = BertForTokenClassification.from_pretrained(folder, labels=tag_names(("PER", "LOC")))
    torch.nn.init.normal_(model.classifier.weight, std=0.6)
    return EntityTagger(model, load_tokenizer(folder), 128, constrained=False)


# ---------------------------------------------------------------------------------------------- words and pieces


def aligned(tokenizer, text, words):
    (pieces,) = cut_into_pieces(tokenizer, [text])
    return [text[slice(*pieces.offsets[i])] if i >= 0 else None for i in first_pieces(pieces, words)]


def test_each_word_meets_its_first_piece(bert_tokenizer):
    text = "Khodorkovsky's bank, Menatep"
    words = [(0, 12), (12, 14), (15, 19), (19, 20), (21, 28)]
    found = aligned(bert_tokenizer, text, words)
    assert found[1:4] == ["'", "bank", ","]
    assert "Khodorkovsky".startswith(found[0]) and "Menatep".startswith(found[4])


@pytest.mark.parametrize(
    "text",
    [
        "Jose\u0301 and José at a café",
        "a 😀😀 b😀c 👩‍👩‍👧 d",
        "東京 Tokyo に",
        "x\u200by zero\u00adwidth",
        "w" * 500 + " end",
        "''\"((a))",
        "tab\tand\nbreak\u00a0space",
        "ﬁne ligatures Ǆ İstanbul",
    ],
)
def test_odd_characters_keep_their_places(bert_tokenizer, text):
    words = word_spans(text)
    (pieces,) = cut_into_pieces(bert_tokenizer, [text])
    found = first_pieces(pieces, words)
    assert len(found) == len(words)
    for (start, end), piece in zip(words, found, strict=True):
        assert piece >= 0
        assert start <= pieces.offsets[piece][0] < end
    assert len(set(found.tolist())) == len(found)


@pytest.mark.parametrize("context, shift", [(None, 0), ([("x y", "z")], 2)])
def test_first_pieces_by_hand(bert_tokenizer, context, shift):
    """\x01 leaves no piece; the next one begins where it ends. Nor does anything begin behind the text but context."""
    (pieces,) = cut_into_pieces(bert_tokenizer, ["a \x01b c"], context)
    found = first_pieces(pieces, [(0, 1), (2, 3), (3, 4), (5, 6), (6, 8)])
    assert found.tolist() == [shift, -1, shift + 1, shift + 2, -1]
    assert pieces.core == (shift, shift + 3)


def test_pieces_are_whole_texts_whatever_the_tokenizer_was_set_to():
    tokenizer = load_tokenizer(encoder_folder("minilm"))
    expected = [pieces.ids for pieces in cut_into_pieces(tokenizer, ["one two three", "four"])]
    tokenizer.enable_padding(length=9)
    tokenizer.enable_truncation(2)
    assert [pieces.ids for pieces in cut_into_pieces(tokenizer, ["one two three", "four"])] == expected
    assert [len(ids) for ids in expected] == [3, 1]


def test_words_without_pieces(bert_tokenizer):
    assert aligned(bert_tokenizer, "can\x01not", [(0, 3), (3, 4), (4, 7)])[1] is None
    assert aligned(bert_tokenizer, "cannot", [(0, 3), (3, 6)]) == ["cannot", None]


def test_training_labels_by_hand(bert_tokenizer):
    text = "U.S. envoy Khodorkovsky left"
    words = [(0, 4), (5, 10), (11, 23), (24, 28)]
    names = tag_names(("PER", "LOC"))
    (pieces,) = cut_into_pieces(bert_tokenizer, [text])
    labels = piece_labels(pieces, words, [names.index(tag) for tag in ("B-LOC", "O", "B-PER", "O")], names)
    shown = [
        (text[slice(*at)], names[tag] if tag != IGNORED else "") for at, tag in zip(pieces.offsets, labels, strict=True)
    ]
    assert shown[:6] == [("U", "B-LOC"), (".", "I-LOC"), ("S", "I-LOC"), (".", "I-LOC"), ("envoy", "O"), ("K", "B-PER")]
    assert [tag for _, tag in shown[6:-1]] == [""] * (len(shown) - 7)
    assert shown[-1] == ("left", "O")


def test_words_without_pieces_are_not_asked(bert_tokenizer):
    (pieces,) = cut_into_pieces(bert_tokenizer, ["cannot"])
    assert piece_labels(pieces, [(0, 3), (3, 6)], [1, 3], NAMES).tolist() == [1]


def test_first_of_words():
    assert Pieces([5, 6, 7, 8], [], [3, 3, 4, 5], (0, 4)).first_of_words().tolist() == [True, False, True, True]
    assert Pieces([], [], [], (0, 0)).first_of_words().tolist() == []


def test_context_is_never_asked(bert_tokenizer):
    """`U.S.` is cut off by the text's end: what goes on in its context is not the text's."""
    (pieces,) = cut_into_pieces(bert_tokenizer, ["Tony U.S"], [("Mr", ". here")])
    labels = piece_labels(pieces, [(0, 4), (5, 20)], [1, 3], NAMES).tolist()
    assert labels == [-100, 1, 3, 4, 4, -100, -100]


def test_label_names_in_any_order(bert_tokenizer):
    """Code that turns B- into I- by adding one, or by `label % 2`, fails on this order."""
    names = ["I-PER", "O", "B-LOC", "B-PER", "I-LOC"]
    (pieces,) = cut_into_pieces(bert_tokenizer, ["U.S."])
    assert piece_labels(pieces, [(0, 4)], [2], names).tolist() == [2, 4, 4, 4]
    assert piece_labels(pieces, [(0, 4)], [1], names).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("length, size", [(6, 1), (6, 30), (16, 14), (16, 15), (16, 200), (128, 1000), (13, 57)])
def test_windows_own_every_piece_once(bert_tokenizer, length, size):
    pieces = cut_into_pieces(bert_tokenizer, ["the " * size, "one two", ""])
    windows = make_windows(pieces, length)
    for number, text in enumerate(pieces):
        own = [i for window in windows if window.text == number for i in range(*window.own)]
        assert own == list(range(len(text.ids)))
    for window in windows:
        assert window.start <= window.own[0] <= window.own[1] <= window.end
        assert window.end - window.start <= length - 2
    inner = [window for window in windows if window.text == 0][1:-1]
    assert all(window.own[0] - window.start >= (length - 2) // 10 for window in inner)


def test_windows_by_hand(bert_tokenizer):
    windows = make_windows(cut_into_pieces(bert_tokenizer, ["the " * 30]), 16)
    assert [(w.start, w.end, w.own) for w in windows] == [(0, 14, (0, 12)), (11, 25, (12, 20)), (16, 30, (20, 30))]
    pieces = cut_into_pieces(bert_tokenizer, ["the " * 30], [("a b", "c")])
    windows = make_windows(pieces, 16)  # a long text needs no context
    assert [(w.start, w.end, w.own) for w in windows] == [(2, 16, (2, 14)), (13, 27, (14, 22)), (18, 32, (22, 32))]


def test_context_fills_the_room_on_both_sides(bert_tokenizer):
    before, after = "b " * 50, "a " * 50
    (pieces,) = cut_into_pieces(bert_tokenizer, ["one two"], [(before, after)])
    (window,) = make_windows([pieces], 22)
    assert window.end - window.start == 20
    assert window.own == pieces.core == (50, 52)
    assert pieces.offsets[50] == (0, 3)
    assert abs((50 - window.start) - (window.end - 52)) <= 1
    (pieces,) = cut_into_pieces(bert_tokenizer, ["one two"], [("", after)])
    (window,) = make_windows([pieces], 22)
    assert (window.start, window.end) == (0, 20)
    assert make_windows(cut_into_pieces(bert_tokenizer, ["one two"], [(before, "")]), 22)[0].end == 52


def test_no_room():
    with pytest.raises(ValueError, match="max_length=5"):
        make_windows([], 5)


# ------------------------------------------------------------------------------------------------------ fine_tune


def test_tagging_learns(trained, tiny_entities):
    tagger, _ = trained
    scores = tagger.evaluate(tiny_entities["test"])
    assert scores["f1"] > 0.95
    assert scores["by_type"]["TEAM"]["support"] > 10
    found = tagger.predict("the goal team and team of bank")
    shown = [(entity["type"], entity["text"], entity["start"], entity["end"]) for entity in found]
    assert shown == [("TEAM", "goal team", 4, 13), ("BANK", "bank", 26, 30)]
    assert all(0.5 < entity["score"] <= 1 for entity in found)


def test_checkpoint_and_saved_folder_give_the_same(trained, tiny_entities, tmp_path):
    tagger, checkpoint = trained
    tagger.save(tmp_path / "saved")
    text = "goal team bank team"
    for folder in (checkpoint, tmp_path / "saved"):
        again = EntityTagger.load(folder)
        assert again.labels == tagger.labels
        assert (again.max_length, again.constrained, again.context) == (32, True, False)
        assert again.predict(text) == tagger.predict(text)


def test_seed_decides_on_everything(tiny_folder, tiny_entities):
    short = SETTINGS | {"epochs": 1}
    one, two, other = (fine_tune(tiny_entities, encoder=tiny_folder, seed=seed, **short) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True))
    assert not torch.equal(one.model.classifier.weight, other.model.classifier.weight)


def test_another_order_of_tags_learns_the_same(tiny_folder):
    names = ["I-BANK", "B-TEAM", "O", "B-BANK", "I-TEAM"]
    data = DatasetDict(train=make_entities(120, 0, names), validation=make_entities(30, 1, names))
    tagger = fine_tune(data, encoder=tiny_folder, **SETTINGS)
    assert tagger.evaluate(make_entities(30, 2, NAMES))["f1"] > 0.95  # tags are compared by name, not by number


def test_long_texts_lose_nothing(trained):
    tagger, _ = trained
    text = "the goal team and " * 200 + "bank"  # 801 tokens, 40 positions
    found = tagger.predict(text)
    assert sum(entity["text"] == "goal team" for entity in found) == 200
    assert found[-1]["type"] == "BANK"
    assert all(text[entity["start"] : entity["end"]] == entity["text"] for entity in found)
    assert [entity["start"] for entity in found] == sorted(entity["start"] for entity in found)


def test_long_rows_are_trained_and_scored_whole(tiny_folder):
    row = ["the", "goal", "team", "and"] * 40 + ["bank"]
    tags = [0, 1, 2, 0] * 40 + [3]
    data = DatasetDict(train=rows_of([row] * 8, [tags] * 8))
    tagger = fine_tune(data, encoder=tiny_folder, **SETTINGS | {"epochs": 30, "max_length": 16})
    assert tagger.evaluate(rows_of([row], [tags]))["f1"] == 1.0


def test_context_is_read(tiny_folder):
    """`team` alone is a team if the sentence before says so: only a tagger that reads it can know."""
    rng = np.random.default_rng(0)
    rows = {"tokens": [], "ner_tags": [], "before": [], "after": []}
    for _ in range(160):
        is_team = int(rng.integers(2))
        rows["tokens"].append(["the", "team"])
        rows["ner_tags"].append([0, is_team])
        rows["before"].append("goal" if is_team else "market")
        rows["after"].append("")
    features = make_entities(1, 0).features | {"before": Value("string"), "after": Value("string")}
    data = Dataset.from_dict(rows, features=Features(features))
    splits = DatasetDict(train=data.select(range(120)), test=data.select(range(120, 160)))
    f1 = {
        context: fine_tune(splits, encoder=tiny_folder, context=context, **SETTINGS).evaluate(splits["test"])["f1"]
        for context in (False, True)
    }
    assert f1[True] == 1.0
    assert f1[False] < 0.9


# ----------------------------------------------------------------------------------------------- against transformers


def test_predictions_are_those_of_the_pipeline(untrained, tmp_path):
    import transformers

    from bertlib.data.catalog import load
    from bertlib.data.columns import documents_of

    untrained.save(tmp_path)
    sentences = [s for document in documents_of(load("bbc_news")["test"])[:60] for s in document[:3]][:150]
    sentences += ["", " ", "José Manuel's U.S.-based café (2004) – 5.5% naïve", "Hello\tworld\n\nagain"]
    pipe = transformers.pipeline("token-classification", str(tmp_path), aggregation_strategy="first", device="cpu")
    compared = 0
    for text, ours in zip(sentences, untrained.predict(sentences), strict=True):
        theirs = pipe(text) if text.strip() else []
        assert [(e["type"], e["start"], e["end"]) for e in ours] == [
            (e["entity_group"], e["start"], e["end"]) for e in theirs
        ], text
        np.testing.assert_allclose([e["score"] for e in ours], [float(e["score"]) for e in theirs], atol=1e-4)
        assert all(text[e["start"] : e["end"]] == e["text"] for e in ours)
        compared += len(ours)
    assert compared > 500


def test_constrained_decoding_forbids_what_no_annotator_writes(untrained):
    from bertlib.data.catalog import load
    from bertlib.data.columns import documents_of

    sentences = [s for document in documents_of(load("bbc_news")["test"])[:5] for s in document][:40]
    split = rows_of([s.split() for s in sentences], [[0] * len(s.split()) for s in sentences], untrained.labels)

    def strays(tags):
        return sum(tag[0] == "I" and (i == 0 or row[i - 1][1:] != tag[1:]) for row in tags for i, tag in enumerate(row))

    assert strays(untrained.predict_tags(split)) > 10
    constrained = EntityTagger(untrained.model, untrained.tokenizer, 128, constrained=True)
    assert strays(constrained.predict_tags(split)) == 0


def test_order_and_batches_do_not_matter(untrained):
    texts = ["one two", "Tony Blair went to Paris with a very long train of people " * 4, "", "x"]
    together = untrained.predict(texts)
    for text, found in zip(texts, together, strict=True):
        alone = untrained.predict(text)
        assert [(e["type"], e["start"]) for e in alone] == [(e["type"], e["start"]) for e in found]
    assert together[2] == []


def test_accents_at_the_end_of_a_name(untrained):
    text = "Mr Jose\u0301 sang"
    for entity in untrained.predict(text):
        assert entity["text"] != "Jose"


# ---------------------------------------------------------------------------------------------------------- scores


def test_whole_entities_are_counted():
    gold = [["B-TEAM", "I-TEAM", "O", "B-BANK"], ["O", "B-BANK"]]
    predicted = [["B-TEAM", "O", "O", "B-BANK"], ["B-BANK", "O"]]
    scores = entity_scores(gold, predicted)
    assert scores["precision"] == scores["recall"] == scores["f1"] == pytest.approx(1 / 3)
    assert scores["token_accuracy"] == pytest.approx(3 / 6)
    assert scores["by_type"]["TEAM"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    assert scores["by_type"]["BANK"]["f1"] == pytest.approx(0.5)
    assert json.loads(json.dumps(scores)) == scores  # seqeval counts in numpy's integers, which JSON refuses


def test_scores_where_nothing_is_found():
    nothing = {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    kinds = {"BANK": {**nothing, "support": 1}}
    assert entity_scores([["O", "B-BANK"]], [["O", "O"]]) == {**nothing, "token_accuracy": 0.5, "by_type": kinds}
    warnings.simplefilter("error")  # seqeval averages over nothing, if it is let
    assert entity_scores([["O", "O"]], [["O", "O"]]) == {**nothing, "token_accuracy": 1.0, "by_type": {}}


def test_precision_and_recall():
    scores = entity_scores([["B-BANK", "O", "B-TEAM"]], [["B-BANK", "B-BANK", "O"]])
    assert (scores["precision"], scores["recall"]) == (0.5, 0.5)
    assert scores["by_type"]["BANK"] == {"precision": 0.5, "recall": 1.0, "f1": pytest.approx(2 / 3), "support": 1}
    assert set(scores["by_type"]) == {"BANK", "TEAM"}
    scores = entity_scores([["B-BANK", "B-TEAM", "B-TEAM"]], [["B-BANK", "O", "O"]])
    assert (scores["precision"], scores["recall"], scores["f1"]) == (1.0, pytest.approx(1 / 3), 0.5)


def test_pieces_do_not_weigh_long_names_more(untrained, bert_tokenizer):
    """Scored on pieces, a name of many pieces would count once for each of them."""
    tokens = ["Khodorkovsky", "met", "Ann"]
    names = untrained.labels
    split = rows_of([tokens], [[names.index("B-PER"), 0, names.index("B-PER")]], names)
    assert len(untrained.predict_tags(split)[0]) == 3
    assert sum(kind["support"] for kind in untrained.evaluate(split)["by_type"].values() if kind["support"]) == 2


# --------------------------------------------------------------------------------------------------------- bad input


def test_tokens_and_tags_of_different_lengths(tiny_folder):
    with pytest.raises(ValueError, match="row 1 has 2 tokens and 1 tags"):
        fine_tune(DatasetDict(train=rows_of([["a"], ["a", "b"]], [[0], [0]])), encoder=tiny_folder, **SETTINGS)


def test_texts_and_places_of_words():
    split = rows_of([["ab", "c"], ["d"]], [[0, 1], [0]])
    assert read_split(split) == (["ab c", "d"], [[(0, 2), (3, 4)], [(0, 1)]])
    given = split.add_column("text", ["ab  c", " d"])
    assert read_split(given)[0] == ["ab c", "d"]  # without places the text is of no use
    given = given.add_column("starts", [[0, 4], [1]])
    assert read_split(given) == (["ab  c", " d"], [[(0, 2), (4, 5)], [(1, 2)]])
    assert read_split(given.remove_columns("ner_tags")) == read_split(given)


@pytest.mark.parametrize(
    "text, starts", [("ab c", [0, 2]), ("ab c", [0]), ("ab", [0, 3]), (None, [0, 3]), ("ab c", None)]
)
def test_tokens_that_stand_elsewhere(text, starts):
    split = rows_of([["x"], ["ab", "c"]], [[0], [0, 1]]).add_column("text", ["x", text])
    with pytest.raises(ValueError, match="row 1: its tokens do not stand in its text where starts says"):
        read_split(split.add_column("starts", [[0], starts]))


def test_contexts():
    split = rows_of([["ab"], ["c"]], [[0], [0]]).add_column("before", ["x", ""])
    assert contexts_of(split, False) is None
    with pytest.raises(ValueError, match="context=True needs the columns before and after"):
        contexts_of(split, True)
    assert contexts_of(split.add_column("after", ["", "y"]), True) == [("x", ""), ("", "y")]
    assert contexts_of(split.add_column("after", [None, "y"]), True) == [("x", ""), ("", "y")]  # no word "None"


@pytest.mark.parametrize("row", [[], ["a", ""], [" "], None])
def test_rows_without_words(row):
    with pytest.raises(ValueError, match="row 0 is"):
        read_split(rows_of([row], [[0] * len(row or ())]))


def test_rows_without_tags():
    with pytest.raises(ValueError, match="row 1 has 1 tokens and 0 tags"):
        read_split(rows_of([["a"], ["b"]], [[0], None]))


def test_secret_tags_are_neither_trained_on_nor_scored(trained, tiny_folder):
    """-1 is what published data has in place of a test set's tags; as an index it would be the last tag."""
    secret = rows_of([["goal", "the"], ["a"]], [[0, 0], [-1]])
    message = r"row 1 has the tags \[-1\]: their ids must be 0 … 4"
    with pytest.raises(ValueError, match=message):
        trained[0].evaluate(secret)
    for splits in ({"train": secret}, {"train": secret.select([0]), "validation": secret}):
        with pytest.raises(ValueError, match=message):
            fine_tune(DatasetDict(splits), encoder=tiny_folder, **SETTINGS)


def test_nothing_to_score(trained):
    with pytest.raises(ValueError, match="split has no rows"):
        trained[0].evaluate(make_entities(1, 0).select([]))


def test_a_single_split_is_no_data_set(tiny_folder):
    with pytest.raises(ValueError, match="dataset is a Dataset: give a DatasetDict"):
        fine_tune(make_entities(4, 0), encoder=tiny_folder, **SETTINGS)


@pytest.mark.parametrize(
    "names, message",
    [
        (["O", "B-PER"], "other half"),
        (["O", "I-PER"], "other half"),
        (["B-PER", "I-PER"], "there must be O"),
        (["O", "PER"], "give O, or B- or I-"),
        (["O"], "there must be O, and"),
    ],
)
def test_tags_that_are_no_tag_set(names, message):
    with pytest.raises(ValueError, match=message):
        tag_names_of(rows_of([["a"]], [[0]], names))


def test_no_tags_at_all():
    with pytest.raises(ValueError, match="ner_tags"):
        tag_names_of(Dataset.from_dict({"tokens": [["a"]]}))
    with pytest.raises(ValueError, match="no column 'tokens'"):
        read_split(Dataset.from_dict({"text": ["a"]}))


def test_stray_continuations_in_training_data_are_refused(tiny_folder):
    with pytest.raises(ValueError, match="row 0, token 1: I-TEAM does not go on"):
        fine_tune(DatasetDict(train=rows_of([["a", "b"]], [[0, 2]])), encoder=tiny_folder, **SETTINGS)


def test_validation_with_other_tags(tiny_folder):
    splits = DatasetDict(train=make_entities(4, 0), validation=make_entities(4, 0, NAMES[::-1]))
    with pytest.raises(ValueError, match="the split has the tags"):
        fine_tune(splits, encoder=tiny_folder, **SETTINGS)
    with pytest.raises(ValueError, match="'validation' is empty"):
        fine_tune(splits | {"validation": make_entities(1, 0).select([])}, encoder=tiny_folder, **SETTINGS)


def test_unknown_tags_when_scoring(trained):
    names = tag_names(("TEAM", "CITY"))
    with pytest.raises(ValueError, match="B-CITY"):
        trained[0].evaluate(rows_of([["goal"]], [[names.index("B-CITY")]], names))
    assert trained[0].evaluate(rows_of([["the"]], [[0]], names))["token_accuracy"] in (0.0, 1.0)


def test_context_without_columns(tiny_folder, tiny_entities):
    with pytest.raises(ValueError, match="before and after"):
        fine_tune(tiny_entities, encoder=tiny_folder, context=True, **SETTINGS)


@pytest.mark.parametrize("texts", [[None], ["a", 3]])
def test_texts_that_are_no_strings(trained, texts):
    with pytest.raises(ValueError, match="give strings"):
        trained[0].predict(texts)


def test_a_folder_without_a_tagging_head(trained, tiny_folder, tmp_path):
    with pytest.raises(ValueError, match="has no classes: a tagger needs at least two tags"):
        EntityTagger.load(tiny_folder)
    with pytest.raises(ValueError, match="at least two tags"):
        BertForTokenClassification.from_pretrained(tiny_folder)


def test_a_classifier_is_no_tagger(tiny_classifier_config, tokenizer, tmp_path):
    TextClassifier(BertForSequenceClassification(tiny_classifier_config), tokenizer, 16).save(tmp_path / "classifier")
    with pytest.raises(ValueError, match="lacks constrained; give a folder"):
        EntityTagger.load(tmp_path / "classifier")


def test_a_tagger_has_no_pooler(tiny_config):
    from dataclasses import replace

    model = BertForTokenClassification(replace(tiny_config, labels=tuple(NAMES)))
    assert not any("pooler" in name for name in model.state_dict())
    with pytest.raises(ValueError, match="labels has shape"):
        model(torch.ones(2, 3, dtype=torch.long), labels=torch.zeros(2, 4, dtype=torch.long))
    with pytest.raises(ValueError, match="labels"):
        model.check_batch({"input_ids": torch.ones(1, 3).long(), "labels": torch.tensor([[0, 5, -100]])})
    nothing = model(torch.ones(1, 3, dtype=torch.long), labels=torch.full((1, 3), -100))
    assert nothing.loss.item() == 0.0
    with pytest.raises(ValueError, match="at least two tags"):
        BertForTokenClassification(BertConfig(**{**vars(tiny_config), "labels": ("O",)}))


# ------------------------------------------------------------------------------------------------- kinds of errors


def kinds_of(gold, predicted):
    return [(d.kind, d.gold, d.found) for d in find_differences([gold], [predicted])]


def test_kinds_of_errors_by_hand():
    gold = ["B-PER", "I-PER", "O", "B-LOC", "O", "B-ORG", "I-ORG", "O"]
    assert kinds_of(gold, gold) == []
    predicted = ["B-PER", "O", "O", "B-ORG", "O", "O", "O", "B-LOC"]
    assert kinds_of(gold, predicted) == [
        ("border", (0, 2, "PER"), (0, 1, "PER")),
        ("type", (3, 4, "LOC"), (3, 4, "ORG")),
        ("missed", (5, 7, "ORG"), None),
        ("invented", None, (7, 8, "LOC")),
    ]
    assert kinds_of(["B-PER", "I-PER"], ["O", "B-LOC"]) == [("border and type", (0, 2, "PER"), (1, 2, "LOC"))]
    assert [kind for kind, *_ in kinds_of(["O", "B-PER"], ["B-PER", "O"])] == ["missed", "invented"]  # they only touch
    # Of two that overlap it, the one of its type is its wrong border.
    assert [kind for kind, *_ in kinds_of(["B-PER", "I-PER", "I-PER"], ["B-LOC", "B-PER", "O"])] == [
        "border",
        "invented",
    ]
    # One entity found as two: one of them is a wrong border, the other is not there.
    assert [kind for kind, *_ in kinds_of(["B-PER", "I-PER"], ["B-PER", "B-PER"])] == ["border", "invented"]
    # Two entities found as one: it counts with the first.
    assert [kind for kind, *_ in kinds_of(["B-PER", "B-PER"], ["B-PER", "I-PER"])] == ["border", "missed"]


@pytest.mark.parametrize("seed", range(30))
def test_every_entity_is_right_wrong_or_missed(seed):
    rng = np.random.default_rng(seed)
    gold, predicted = ([rng.choice(NAMES, size=12).tolist() for _ in range(20)] for _ in range(2))
    found = find_differences(gold, predicted)
    right = sum(len(set(entities_of(g)) & set(entities_of(p))) for g, p in zip(gold, predicted, strict=True))
    assert right + sum(d.gold is not None for d in found) == sum(len(entities_of(tags)) for tags in gold)
    assert right + sum(d.found is not None for d in found) == sum(len(entities_of(tags)) for tags in predicted)


# ------------------------------------------------------------------------------------------ taggers that others made


@pytest.fixture
def tagger_of(tiny_folder, tmp_path):
    """A tiny transformers folder whose model sees one tag everywhere; opened by bertlib, and by the pipeline."""
    import transformers

    def make(labels, favourite):
        names = dict(enumerate(labels))
        about = {"id2label": names, "label2id": {name: number for number, name in names.items()}}
        config = transformers.BertConfig.from_pretrained(tiny_folder, **about)
        model = transformers.BertForTokenClassification(config)
        model.classifier.weight.data.zero_()
        model.classifier.bias.data.zero_()
        model.classifier.bias.data[labels.index(favourite)] = 5.0
        model.save_pretrained(tmp_path)
        pieces = (tiny_folder / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
        transformers.BertTokenizer(vocab={piece: n for n, piece in enumerate(pieces)}).save_pretrained(tmp_path)
        (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
        pipe = transformers.pipeline("token-classification", str(tmp_path), aggregation_strategy="first", device="cpu")
        return EntityTagger.load(tmp_path), pipe

    return make


def places(entities):
    return [(entity["type"], entity["start"], entity["end"]) for entity in entities]


@pytest.mark.parametrize(
    "labels",
    [
        ["B-LOC", "B-PER", "I-LOC", "I-PER", "O"],  # CoNLL-2003's IOB1: nothing tells it from BIO
        ["B-LOC", "I-LOC", "I-PER", "O"],  # huggingface/transformers issue 4262
        ["O", "I-PER", "I-LOC"],  # EuropeanaNewspapers/ner-corpora issue 44
    ],
)
def test_entities_that_begin_with_i_are_found_as_the_pipeline_finds_them(tagger_of, labels):
    tagger, pipe = tagger_of(labels, "I-PER")
    for text in ("goal", "goal team", "the goal, and"):
        theirs = [(e["entity_group"], e["start"], e["end"]) for e in pipe(text)]
        assert places(tagger.predict(text)) == theirs == [("PER", 0, len(text))]
    gold = rows_of([["goal", "team"]], [[1, 2]], ["O", "B-PER", "I-PER"])
    assert tagger.evaluate(gold)["f1"] == 1.0


def test_a_letter_and_its_accent_apart(tagger_of):
    """The pipeline takes such a word for a part of the one before it, and cuts an accent off the end of a name."""
    tagger, pipe = tagger_of(["O", "B-PER", "I-PER"], "B-PER")
    for text, expected, theirs in (
        ("goal te\u0301am goal", [(0, 4), (5, 10), (11, 15)], [(0, 10), (11, 15)]),
        ("goal team\u0301", [(0, 4), (5, 10)], [(0, 4), (5, 9)]),
    ):
        assert places(tagger.predict(text)) == [("PER", *place) for place in expected]
        assert [(found["start"], found["end"]) for found in pipe(text)] == theirs


@pytest.mark.parametrize(
    "labels, favourite, expected",
    [
        (["O", "B-PER", "I-PER", "E-PER", "S-PER"], "S-PER", [(0, 4), (5, 9)]),  # flairNLP/flair issue 1268
        (["O", "B-PER", "I-PER", "L-PER", "U-PER"], "U-PER", [(0, 4), (5, 9)]),
        (["O", "B-PER", "M-PER", "E-PER", "S-PER"], "M-PER", [(0, 9)]),
        (["O", "B_PER", "I_PER"], "B_PER", [(0, 4), (5, 9)]),  # macanv/BERT-BiLSTM-CRF-NER issue 127
        (["O", "PER", "LOC"], "PER", [(0, 9)]),  # BritishGeologicalSurvey/geo-ner-model issue 1
    ],
)
def test_tags_of_other_schemes_are_found(tagger_of, labels, favourite, expected):
    tagger, _ = tagger_of(labels, favourite)
    assert places(tagger.predict("goal team")) == [("PER", *place) for place in expected]
    split = rows_of([["goal", "team"]], [[1, 1 if len(expected) == 2 else 2]], ["O", "B-PER", "I-PER"])
    scores = tagger.evaluate(split)
    assert scores["f1"] == scores["token_accuracy"] == 1.0
    with pytest.raises(ValueError, match="the data has the tags B-CITY; the tagger knows the types "):
        tagger.evaluate(rows_of([["goal"]], [[1]], ["O", "B-CITY", "I-CITY"]))


def test_a_tagger_without_names_is_refused(tagger_of):
    with pytest.raises(ValueError, match="the model's tags are LABEL_0, LABEL_1, without O"):
        tagger_of(["LABEL_0", "LABEL_1"], "LABEL_1")


def test_data_in_other_schemes_names_the_remedy(tiny_folder):
    with pytest.raises(ValueError, match=r"tag 'S-PER': give O, .*; bertlib\.text\.spans\.to_bio turns tags of other"):
        tag_names_of(rows_of([["a"]], [[0]], ["O", "B-PER", "I-PER", "S-PER"]))
    with pytest.raises(ValueError, match=r"turn IOB1 into BIO with bertlib\.text\.spans\.to_bio"):
        fine_tune(DatasetDict(train=rows_of([["a"]], [[2]])), encoder=tiny_folder, **SETTINGS)


def test_marks_behind_an_entity_stay_out_of_the_next():
    """A cased tokenizer keeps the accent, and it may be the first sign of the next word (openmed issue 1482)."""
    text = "x-\u0301y z\u0301"
    pieces = Pieces([1, 2, 3, 4], [(0, 1), (1, 2), (2, 4), (5, 6)], [0, 1, 2, 3], (0, 4))
    assert [pieces.place(i, i + 1, text) for i in range(4)] == [(0, 1), (1, 2), (2, 4), (5, 7)]
    scores = np.zeros((4, 3))
    found = pieces.entities(text, scores, np.array([1, 1, 1, 1]), ["O", "B-PER", "I-PER"])
    assert places(found) == [("PER", 0, 1), ("PER", 1, 2), ("PER", 2, 4), ("PER", 5, 7)]
    assert [entity["text"] for entity in found] == ["x", "-", "\u0301y", "z\u0301"]


@pytest.mark.parametrize("seed", range(10))
def test_no_two_entities_overlap(untrained, seed):
    rng = np.random.default_rng(seed)
    signs = [*"ab -.'", "\u0301", "\u093f", "\u0941", "\u200d", "\u20dd", "中", "한", "é", "ﬁ", "İ", "≠", "\u0344", "क"]
    texts = ["".join(rng.choice(signs, size=30)) for _ in range(10)]
    for text, found in zip(texts, untrained.predict(texts), strict=True):
        ends = [0, *(entity["end"] for entity in found)]
        for entity, end in zip(found, ends, strict=False):
            assert end <= entity["start"] < entity["end"] <= len(text), (text, found)


# ---------------------------------------------------------------------------------------- what predict may be given


def columns_of_texts():
    import pandas
    from datasets import Dataset

    texts = ["the goal", "a bank"]
    frame = pandas.DataFrame({"text": texts, "other": texts})
    return {
        "list": texts,
        "tuple": tuple(texts),
        "generator": (text for text in texts),
        "array": np.array(texts),
        "array of objects": np.array(texts, dtype=object),
        "list of numpy strings": list(map(np.str_, texts)),
        "pandas Series": frame["text"],
        "keys": dict.fromkeys(texts).keys(),
        "column of a data set": Dataset.from_dict({"text": texts})["text"],
    }


@pytest.mark.parametrize("kind", list(columns_of_texts()))
def test_several_texts(trained, kind):
    assert trained[0].predict(columns_of_texts()[kind]) == trained[0].predict(["the goal", "a bank"])


@pytest.mark.parametrize("text", [np.str_("the goal"), np.array("the goal")])
def test_a_single_text_of_numpy(trained, text):
    assert trained[0].predict(text) == trained[0].predict("the goal")


def unfit():
    import pandas

    return {
        "None": (None, "texts is NoneType None"),
        "int": (7, "texts is int 7"),
        "bytes": (b"the goal", "texts is bytes b'the goal'"),
        "mapping": ({"text": "the goal"}, "texts is dict {'text': 'the goal'}"),
        "set": ({"the goal"}, "texts is set"),
        # huggingface/tokenizers issue 733: its columns' names were what was read
        "data frame": (pandas.DataFrame({"text": ["the goal"]}), "texts is DataFrame"),
        "data set": (rows_of([["a"]], [[0]]), "texts[0] is dict"),
        "nothing": ([], "texts is empty"),
        "bytes within": (["the goal", b"a"], "texts[1] is bytes b'a'"),
        "None within": (["the goal", None], "texts[1] is NoneType None"),
        "NaN within": (pandas.Series(["the goal", float("nan")], dtype=object), "texts[1] is float nan"),
        "words": ([["the", "goal"]], "texts[0] is list ['the', 'goal']"),
        "table": (np.array([["the", "goal"]]), "texts[0] is ndarray"),
        "half a character": ("the goal \ud83d", "texts[0]: character 9 is half a character ('\\ud83d'"),
        "half a character within": (["the goal", "\ude00"], "texts[1]: character 0 is half a character"),
    }


@pytest.mark.parametrize("kind", list(unfit()))
def test_what_is_no_text(trained, kind):
    given, message = unfit()[kind]
    with pytest.raises(ValueError) as caught:
        trained[0].predict(given)
    assert str(caught.value).startswith(message)
