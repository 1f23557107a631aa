"""Data sets, pretrained encoders, and files of one's own; a file for each source."""

import importlib

# What scripts import from here: `from bertlib.data import load`. The modules are imported when they are first used:
# some of them import `datasets`, which takes a second and which not everybody needs.
_HOMES = {
    "catalog": ("ENTITY_SETS", "LOADERS", "load"),
    "bbc": ("read_bbc_articles",),
    "hub": ("DataChanged",),
    "columns": ("documents_of", "teasers"),
    "encoders": ("encoder_folder",),
    "splits": ("few_labels", "find_duplicates", "stratified_split", "with_validation"),
    "documents": ("read_documents", "stream_documents"),
    "own": ("from_conll", "from_csv"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str):
    if name in _HOME_OF:
        return getattr(importlib.import_module(f"bertlib.data.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'bertlib.data' has no attribute {name!r}")
