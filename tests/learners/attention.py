"""Answers to the checks on attention."""

from . import Answer

ANSWERS = [
    Answer("attention.masks", "def answer(attention_mask): return attention_mask.bool()[:, None, None]", None),
]
