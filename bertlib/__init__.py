"""bertlib: the tested library beneath the course. BERT written to be read, equal to transformers, and fast.

Names and modules are imported when they are first used, so that `python -m bertlib doctor` can say what is missing
even where torch itself is.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bertlib.config import BertConfig
    from bertlib.encoder import BertModel
    from bertlib.heads import BertForPreTraining, BertForSequenceClassification, BertForTokenClassification

__all__ = [
    "BertConfig",
    "BertForPreTraining",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "BertModel",
]
__version__ = "1.0.0"

_HOMES = {
    "BertConfig": "config",
    "BertModel": "encoder",
    "BertForPreTraining": "heads",
    "BertForSequenceClassification": "heads",
    "BertForTokenClassification": "heads",
}


def _wait_without_spinning() -> None:
    """Let computing threads sleep while they wait for each other, unless the user has set how they wait.

    By default they spin: beside a browser or any other program that computes, they then take the very core that the
    thread they wait for needs, and a training step on two cores lasts two to five times as long. It is read when torch
    is loaded, so bertlib has to be imported before.
    """
    own = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
    if "torch" not in sys.modules and not any(name in os.environ for name in own):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(importlib.import_module(f"bertlib.{_HOMES[name]}"), name)
    if not name.startswith("_"):
        try:
            return importlib.import_module(f"bertlib.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"bertlib.{name}":
                raise
    raise AttributeError(f"module 'bertlib' has no attribute {name!r}")


_wait_without_spinning()
