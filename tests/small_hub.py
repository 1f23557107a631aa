"""A small hub on this machine: the server in the folder ../shared/hub, with the course's pinned revisions.

The folder stands beside the repository, in CI too; where it is absent, the tests that need it are skipped.
"""

import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from datasets import Dataset, Features, List, Value

from bertlib.data.catalog import load
from bertlib.data.encoders import ENCODER_REPOS, encoder_folder
from bertlib.data.from_hub import (
    AG_NEWS_REPO,
    AG_NEWS_REVISION,
    ENTITY_REPOS,
    WIKITEXT_CONFIG,
    WIKITEXT_REPO,
    WIKITEXT_REVISION,
)

HUB = Path(__file__).resolve().parents[1].parent / "shared" / "hub"
needs_small_hub = pytest.mark.skipif(
    not (HUB / "serve.py").is_file(), reason=f"needs the small hub in ../{HUB.parent.name}/{HUB.name}"
)

TIMEOUT = 120
# The libraries wait up to 8 s before each new try, 23 s in all: the tests keep the tries and leave out the waiting.
NO_WAITING = "import time; time.sleep = lambda seconds: None\n"
ENCODER = ENCODER_REPOS["bert-base-uncased"]


@contextmanager
def serve(folder: Path, *options: str, port: int = 0, encoder: Path | None = None):
    """The small hub on a port of this machine (0: a free one); gives its address.

    Args:
        folder: for the file that says it is ready.
        options: of serve.py: its faults, more repositories.
        encoder: the folder that answers as bert-base-uncased; None for the mirror's, which has no weights.
    """
    ready = folder / "ready"
    ready.unlink(missing_ok=True)
    encoder = encoder or HUB / "mirror" / "models" / ENCODER.partition("@")[0]
    arguments = [
        *("--root", str(HUB / "mirror"), "--port", str(port), "--ready-file", str(ready), "--quiet"),
        *("--dataset", f"{AG_NEWS_REPO}@{AG_NEWS_REVISION}={HUB / 'mirror' / 'datasets' / AG_NEWS_REPO}"),
        *("--model", f"{ENCODER}={encoder}"),
        *options,
    ]
    server = subprocess.Popen([sys.executable, str(HUB / "serve.py"), *arguments], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not ready.is_file():
            assert server.poll() is None, "the small hub ended at once"
            assert time.monotonic() < deadline, "the small hub does not answer"
            time.sleep(0.02)
        yield ready.read_text(encoding="utf-8").strip()
    finally:
        server.terminate()
        server.wait(timeout=10)


def environment(endpoint: str, home: Path, **more: str) -> dict[str, str]:
    """What a program needs whose hub is at that address and whose cache is that folder."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    own |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return own | {"HF_UPDATE_DOWNLOAD_COUNTS": "0", "PYTHONUTF8": "1"} | more


def run(program: str, endpoint: str, home: Path, **more: str) -> subprocess.CompletedProcess:
    """Run a program with that hub in a process of its own, as huggingface_hub reads its settings when imported."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env=environment(endpoint, home, **more),
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
    )


def answer(done: subprocess.CompletedProcess):
    """What the program printed as JSON in its last line."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# ------------------------------------------------------------------ the full profile's sets that the mirror lacks

STANDIN = f"sentence-transformers/all-MiniLM-L6-v2@{'c5' * 20}"  # for bert-base-uncased, by BERT_COURSE_ENCODER


def wikitext_lines(articles) -> list[str]:
    """Articles as WikiText writes them: a line a paragraph, spaces around punctuation, titles between equals signs."""
    lines = []
    for title, text in zip(articles["title"], articles["text"], strict=True):
        lines += ["", f" = {title.replace('=', '-')} = \n", ""]
        parts = (re.sub(r"([,.;:!?%()])", r" \1 ", part).split() for part in text.split("\n"))
        lines += [f" {' '.join(words)} \n" for words in parts]
    return lines


def write_set(folder: Path, config: str, splits: dict) -> Path:
    """A data set's folder as the hub has it: a card that names the files, and parquet."""
    files = [f"  - split: {split}\n    path: {config}/{split}-*\n" for split in splits]
    card = f"---\nconfigs:\n- config_name: {config}\n  data_files:\n{''.join(files)}---\nMade up for a rehearsal.\n"
    for split, rows in splits.items():
        path = folder / config / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(path)
    (folder / "README.md").write_text(card, encoding="utf-8")
    return folder


def stand_ins(folder: Path) -> list[str]:
    """Sets in the form of WikiText-103 and CoNLL-2003, made of BBC News, and MiniLM; gives serve.py's options."""
    columns = {"id": Value("string"), "tokens": List(Value("string")), "pos_tags": List(Value("int64"))}
    wikitext = {split: Dataset.from_dict({"text": wikitext_lines(rows)}) for split, rows in load("bbc_news").items()}
    conll = {}
    for split, rows in load("bbc_entities").items():
        features = Features(columns | {"ner_tags": rows.features["ner_tags"]})
        content = {name: rows[name][:] for name in ("tokens", "ner_tags")}
        content["id"] = [str(number) for number in range(len(rows))]
        content["pos_tags"] = [[0] * len(tokens) for tokens in content["tokens"]]
        conll[split] = Dataset.from_dict(content, features=features)
    return [
        *("--dataset", f"{WIKITEXT_REPO}@{WIKITEXT_REVISION}={write_set(folder / 'w', WIKITEXT_CONFIG, wikitext)}"),
        *("--dataset", f"{ENTITY_REPOS['conll2003'][0]}={write_set(folder / 'c', 'conll2003', conll)}"),
        *("--model", f"{STANDIN}={encoder_folder('minilm')}"),
    ]
