"""bertlib stands alone: its folder copied elsewhere works without the course; scripts written for older names run."""

import csv
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REFUSED = ("bertcourse", "IPython", "matplotlib", "papermill", "bertviz")

PROGRAM = f"""
import importlib.abc, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {REFUSED}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refuse())
"""

USE = """
from pathlib import Path
import bertlib
from datasets import DatasetDict
from bertlib.classify import TextClassifier, fine_tune
from bertlib.data import from_csv
from bertlib.pretrain import PretrainedBert, pretrain
from bertlib.wordpiece import WordPiece

encoder, table, out = map(Path, sys.argv[1:])
splits = DatasetDict({name: from_csv(table / f"{name}.csv") for name in ("train", "validation")})
quick = {"epochs": 4, "batch_size": 8, "learning_rate": 4e-3, "max_length": 24, "show_progress": False}
fine_tune(splits, encoder=encoder, **quick).save(out / "classifier")
right = TextClassifier.load(out / "classifier").evaluate(splits["validation"])["accuracy"]
assert right > 0.9, right

documents = [["The cat sat.", "The dog ran.", f"Number {n} slept."] for n in range(12)]
words = WordPiece.train((sentence for document in documents for sentence in document), 80)
shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
start = bertlib.BertConfig(**shape, max_position_embeddings=24)
options = {"updates": 2, "evaluate_every": 1, "batch_size": 4, "max_length": 24, "show_progress": False}
done = pretrain(documents[:9], documents[9:], start=start, tokenizer=words, out=out / "bert", **options)
assert [row["updates"] for row in done.history.epochs] == [0, 1, 2]
assert len(PretrainedBert.load(out / "bert" / "model").predict("the [MASK] sat.", top_k=3)) == 3

try:
    from bertlib.checks import check
except ModuleNotFoundError as error:
    assert error.name == "bertcourse"
else:
    raise AssertionError("the course's checks without the course")
print(bertlib.__file__)
"""


def test_the_folder_alone_trains_saves_and_predicts(tmp_path, tiny_folder, tiny_dataset):
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "bertlib", tmp_path / "vendor" / "bertlib", ignore=ignored)
    for name, split in tiny_dataset.items():
        names = split.features["label"].names
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("text", "label"), *((row["text"], names[row["label"]]) for row in split)])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BERT_COURSE_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + USE, str(tiny_folder), str(tmp_path), str(tmp_path / "out")],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(tmp_path / "vendor"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(tmp_path / "vendor" / "bertlib" / "__init__.py")


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_there_is_refused(name):
    done = subprocess.run([sys.executable, "-c", f"{PROGRAM}\nimport {name}"], capture_output=True, encoding="utf-8")
    assert done.returncode == 1 and f"No module named '{name}'" in done.stderr


# ------------------------------------------------------------------------------------------------------- old doors

# The short name -> the module that it opens, and what scripts take from it.
DOORS = {
    "attention": ("model.attention", ["scaled_dot_product_attention", "padding_mask", "MultiHeadSelfAttention"]),
    "masking": ("text.masking", ["mask_tokens", "IGNORED"]),
    "pairs": ("text.pairs", ["next_sentence_pairs", "Pair"]),
    "wordpiece": ("text.wordpiece", ["WordPiece", "load_tokenizer", "word_spans"]),
    "classify": ("tasks.classify", ["fine_tune", "TextClassifier"]),
    "tag": ("tasks.tag", ["fine_tune", "EntityTagger", "piece_labels"]),
    "pretrain": ("tasks.pretrain", ["pretrain", "PretrainedBert", "PretrainingData", "describe"]),
}


@pytest.mark.parametrize("door", DOORS)
def test_an_old_name_opens_the_module_itself(door):
    home, names = DOORS[door]
    module = importlib.import_module(f"bertlib.{home}")
    assert importlib.import_module(f"bertlib.{door}") is module is getattr(importlib.import_module("bertlib"), door)
    assert module.__spec__.name == module.__name__ == f"bertlib.{home}"
    for name in names:
        found = {}
        exec(f"from bertlib.{door} import {name}", found)
        assert found[name] is getattr(module, name)


@pytest.mark.parametrize("first, then", [("bertlib.tag", "bertlib.tasks.tag"), ("bertlib.tasks.tag", "bertlib.tag")])
def test_it_does_not_matter_which_name_comes_first(first, then):
    program = (
        f"import {first}, {then}, importlib, sys\n"
        f"assert {first} is {then} is sys.modules[{first!r}] is sys.modules[{then!r}]\n"
        f"{first}.piece_labels = 'another'\n"
        "from bertlib.tasks import tag\nassert tag.piece_labels == 'another'\n"
        "assert importlib.reload(tag) is tag and tag.piece_labels != 'another'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr


def test_data_is_a_package_that_hands_on_its_names():
    from bertlib import data
    from bertlib.data import catalog, own, splits

    assert (data.load, data.LOADERS) == (catalog.load, catalog.LOADERS)
    assert (data.from_csv, data.with_validation) == (own.from_csv, splits.with_validation)
    assert all(getattr(data, name) is not None for name in data.__all__)
    with pytest.raises(AttributeError, match="no attribute 'no_such_thing'"):
        data.no_such_thing  # noqa: B018


def test_notebooks_handed_out_earlier_find_the_checks():
    import bertcourse.checks
    import bertlib.checks
    from bertlib.checks import check, example, question

    assert (check, example, question) == tuple(getattr(bertcourse.checks, n) for n in ("check", "example", "question"))
    assert bertlib.checks.examine is bertcourse.checks.examine
