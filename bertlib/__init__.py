"""bertlib: the tested library beneath the course. BERT written to be read, equal to transformers, and fast.

Names and modules are imported when they are first used, so that `python -m bertlib doctor` can say what is missing
even where torch itself is.
"""

from __future__ import annotations

import importlib
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
