"""What many tests share: tiny shapes, one tiny transformers folder, one tiny data set."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")  # before anything imports matplotlib
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import bertlib  # noqa: F401 # isort: skip - before torch, so that its threads wait without spinning

import numpy as np
import pytest
import torch
from browser import chromium, watch

from bertlib import BertConfig

torch.set_num_threads(1)  # the models here are tiny: threads would mostly wait for each other

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["goal", "match", "team", "coach", "bank", "share", "profit", "market", "the", "and", "of", "good", "bad"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS)]

TINY = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 40,
}


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Tests mean the mini profile, whatever the shell that started them is set to; and start from one seed."""
    monkeypatch.delenv("BERT_COURSE_PROFILE", raising=False)
    torch.manual_seed(0)


@pytest.fixture
def tiny_config():
    return BertConfig(**TINY)


@pytest.fixture
def tiny_classifier_config():
    return BertConfig(**TINY, labels=("sport", "business", "tech"))


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A bare encoder as transformers itself writes it, with random weights and a vocabulary one can read."""
    import transformers

    folder = tmp_path_factory.mktemp("models") / "tiny"
    torch.manual_seed(1)
    transformers.BertModel(transformers.BertConfig(**TINY)).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def tokenizer(tiny_folder):
    from bertlib.text.wordpiece import load_tokenizer

    return load_tokenizer(tiny_folder)


def make_split(size: int, seed: int):
    """Short texts about two subjects, told apart by a single word; lengths from 2 to 12 words."""
    from datasets import ClassLabel, Dataset, Features, Value

    rng = np.random.default_rng(seed)
    topics = {"business": ["bank", "share", "profit", "market"], "sport": ["goal", "match", "team", "coach"]}
    names = sorted(topics)
    texts, labels = [], []
    for index in range(size):
        words = list(rng.choice(["the", "and", "of", "good", "bad"], size=rng.integers(1, 12)))
        words.insert(int(rng.integers(0, len(words) + 1)), str(rng.choice(topics[names[index % 2]])))
        texts.append(" ".join(words))
        labels.append(index % 2)
    features = Features({"text": Value("string"), "label": ClassLabel(names=names)})
    return Dataset.from_dict({"text": texts, "label": labels}, features=features)


@pytest.fixture(scope="session")
def tiny_dataset():
    from datasets import DatasetDict

    return DatasetDict(train=make_split(96, seed=0), validation=make_split(24, seed=1), test=make_split(24, seed=2))


@pytest.fixture
def batch():
    """Three sequences of different lengths, padded, with segments and labels."""
    ids = torch.tensor([[2, 5, 9, 6, 13, 3], [2, 7, 3, 0, 0, 0], [2, 8, 10, 12, 3, 0]])
    segments = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 0]])
    return {
        "input_ids": ids,
        "attention_mask": (ids != 0).long(),
        "token_type_ids": segments,
        "labels": torch.tensor([2, 0, 1]),
    }


@pytest.fixture(scope="module")
def page():
    """A page in Chromium for each file of tests; `page.wrong` is what `watch` gives. Some files have another page."""
    with chromium() as browser:
        page = browser.new_page()
        page.wrong = watch(page)
        yield page
