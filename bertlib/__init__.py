"""bertlib: build, train and use a BERT. Written to be read, equal to transformers, and fast.

Names and modules are imported when they are first used, so that importing bertlib costs next to nothing.
"""

import importlib
import importlib.abc
import importlib.machinery
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bertlib.model.config import BertConfig
    from bertlib.model.encoder import BertModel
    from bertlib.model.heads import (
        BertForEmbedding,
        BertForPreTraining,
        BertForQuestionAnswering,
        BertForSequenceClassification,
        BertForTokenClassification,
    )

__all__ = [
    "BertConfig",
    "BertForEmbedding",
    "BertForPreTraining",
    "BertForQuestionAnswering",
    "BertForSequenceClassification",
    "BertForTokenClassification",
    "BertModel",
]
__version__ = "1.0.0"

_HOMES = {"BertConfig": "config", "BertModel": "encoder"}  # in bertlib.model; the others are in its heads
# Short names that scripts use, and the modules that they open: `from bertlib.classify import fine_tune`.
_DOORS = {
    "bertlib.attention": "bertlib.model.attention",
    "bertlib.masking": "bertlib.text.masking",
    "bertlib.pairs": "bertlib.text.pairs",
    "bertlib.wordpiece": "bertlib.text.wordpiece",
    "bertlib.answer": "bertlib.tasks.answer",
    "bertlib.classify": "bertlib.tasks.classify",
    "bertlib.embed": "bertlib.tasks.embed",
    "bertlib.items": "bertlib.tasks.items",
    "bertlib.pretrain": "bertlib.tasks.pretrain",
    "bertlib.search": "bertlib.tasks.search",
    "bertlib.tag": "bertlib.tasks.tag",
}


class _Door(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the module itself under its short name, not a copy of it."""

    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name in _DOORS else None

    def create_module(self, spec):
        module = importlib.import_module(_DOORS[spec.name])
        self.own = module.__spec__
        return module

    def exec_module(self, module):
        module.__spec__ = self.own  # the import system has just written the short name's over it


def _wait_calmly() -> bool:
    """Let computing threads wait for each other asleep, after a very short spin, unless the user says how they wait.

    By default they spin: beside a browser or any other program that computes, they then take the very core that the
    thread they wait for needs, and a training step on two cores lasts two to five times as long. It is read when torch
    is loaded, so bertlib has to be imported before; gives whether it was.
    """
    own = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
    if "torch" in sys.modules:
        return False
    if not any(name in os.environ for name in own):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # macOS's and Intel's libraries
        os.environ["GOMP_SPINCOUNT"] = "1000"  # GNU's, on Linux: some microseconds, which a quiet machine wins by
    return True


def __getattr__(name: str):
    if name in __all__:
        return getattr(importlib.import_module(f"bertlib.model.{_HOMES.get(name, 'heads')}"), name)
    if not name.startswith("_"):
        try:
            return importlib.import_module(f"bertlib.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"bertlib.{name}":
                raise
    raise AttributeError(f"module 'bertlib' has no attribute {name!r}")


came_before_torch = _wait_calmly()
sys.meta_path.append(_Door())
