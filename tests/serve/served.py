"""What the tests of bertlib.serve share: one small task of each kind, with random weights that decide something."""

from dataclasses import replace

import torch

from bertlib import (
    BertForEmbedding,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
)
from bertlib.tasks.answer import Answerer
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.embed import Embedder
from bertlib.tasks.match import PairClassifier
from bertlib.tasks.tag import EntityTagger

TEXTS = ["goal and the match of the good team", "bank", "the good", "profit of the market and the bad share " * 3]
PAIRS = [("goal", "the match of the good team"), ("bank " * 20, "share"), ("the", "bad " * 30)]
QUESTIONS = [
    ("goal", "the match of the good team and the bank " * 4),
    ("the bad share", "market"),
    ("bank", "the " * 50),
]
INPUTS = {"classify": TEXTS, "embed": TEXTS, "tag": [*TEXTS, ""], "match": PAIRS, "answer": QUESTIONS}
TAGS = ("O", "B-TEAM", "I-TEAM", "B-BANK", "I-BANK")


def make_task(kind, tokenizer, config, **settings):
    """A task whose weights are large enough that its decisions differ from text to text."""
    torch.manual_seed(3)
    config = replace(config, labels=TAGS if kind == "tag" else ("sport", "business", "tech"), initializer_range=0.3)
    made = {
        "classify": lambda: TextClassifier(BertForSequenceClassification(config), tokenizer, 24),
        "match": lambda: PairClassifier(BertForSequenceClassification(config), tokenizer, 24),
        "tag": lambda: EntityTagger(BertForTokenClassification(config), tokenizer, 16, constrained=True),
        "answer": lambda: Answerer(BertForQuestionAnswering(replace(config, labels=())), tokenizer, 24, threshold=-1.0),
        "embed": lambda: Embedder(BertForEmbedding(config), tokenizer, 24),
    }[kind]()
    with torch.no_grad():
        for name, parameter in made.model.named_parameters():
            if name.endswith("bias"):  # zeros would hide one that is left out
                parameter.normal_(std=0.1)
    return made


def asked(task_or_graph, kind, inputs=None):
    """`predict` on inputs of this kind."""
    inputs = INPUTS[kind] if inputs is None else inputs
    return (
        task_or_graph.predict(*map(list, zip(*inputs, strict=True)))
        if kind == "answer"
        else task_or_graph.predict(inputs)
    )
