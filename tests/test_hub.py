"""The hub's data and weights, through the real client libraries, from a small hub on this machine.

The small hub is a folder beside the repository; where it is absent these tests are skipped. Each case runs in a process
of its own, because huggingface_hub reads its environment (HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE) when it is imported.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from bertlib.data import AG_NEWS_REPO, AG_NEWS_REVISION
from bertlib.weights import ENCODER_REPOS

HUB = Path(__file__).resolve().parents[1].parent / "shared" / "hub"
pytestmark = pytest.mark.skipif(not HUB.is_dir(), reason=f"needs the small hub in ../{HUB.parent.name}/{HUB.name}")

TIMEOUT = 120
# The libraries wait up to 8 s before each new try, 23 s in all: the tests keep the tries and leave out the waiting.
NO_WAITING = "import time; time.sleep = lambda seconds: None\n"


@contextmanager
def serve(folder: Path, *options: str):
    """A small hub with the course's pinned revisions on a free port; gives its address."""
    ready = folder / "ready"
    ready.unlink(missing_ok=True)
    repo, revision = ENCODER_REPOS["bert-base-uncased"]
    arguments = [
        *("--root", str(HUB / "mirror"), "--port", "0", "--ready-file", str(ready), "--quiet"),
        *("--dataset", f"{AG_NEWS_REPO}@{AG_NEWS_REVISION}={HUB / 'mirror' / 'datasets' / AG_NEWS_REPO}"),
        *("--model", f"{repo}@{revision}={HUB / 'mirror' / 'models' / repo}"),
        *options,
    ]
    server = subprocess.Popen([sys.executable, str(HUB / "serve.py"), *arguments], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not ready.is_file():
            assert server.poll() is None, "the small hub ended at once"
            assert time.monotonic() < deadline, "the small hub does not answer"
            time.sleep(0.05)
        yield ready.read_text(encoding="utf-8").strip()
    finally:
        server.terminate()
        server.wait(timeout=10)


def run(program: str, endpoint: str, home: Path, **more: str) -> subprocess.CompletedProcess:
    """Run a program whose hub is at that address and whose cache is that folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    environment |= {"HF_UPDATE_DOWNLOAD_COUNTS": "0", "PYTHONUTF8": "1"} | more
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, encoding="utf-8", timeout=TIMEOUT
    )


def answer(done: subprocess.CompletedProcess):
    """What the program printed as JSON in its last line."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# Says in JSON what a data set holds, or the error that loading it ended with.
TELL = """
import json
from bertlib.data import from_hub, load

def tell(load, *arguments):
    try:
        dataset = load(*arguments)
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {
        name: {"columns": split.column_names, "classes": split.features["label"].names, **split.to_dict()}
        for name, split in dataset.items()
    }
"""
TELL_AG_NEWS = TELL + 'print(json.dumps(tell(load, "ag_news")))'


@pytest.fixture(scope="module")
def ag_news(tmp_path_factory):
    """AG News as `load` gives it, as the hub publishes it, and the cache that is left when the hub has gone."""
    folder = tmp_path_factory.mktemp("hub")
    program = (
        f"{TELL}print(json.dumps([tell(load, 'ag_news'), tell(from_hub, {AG_NEWS_REPO!r}, {AG_NEWS_REVISION!r})]))"
    )
    with serve(folder) as endpoint:
        ours, published = answer(run(program, endpoint, folder / "home"))
    return {"ours": ours, "published": published, "endpoint": endpoint, "home": folder / "home"}


def test_ag_news_splits_columns_classes_and_sizes(ag_news):
    assert set(ag_news["ours"]) == {"train", "validation", "test"}
    for split in ag_news["ours"].values():
        assert split["columns"] == ["text", "label"]
        assert split["classes"] == ["World", "Sports", "Business", "Sci/Tech"]
        assert all(text.strip() for text in split["text"])
    sizes = {name: len(split["text"]) for name, split in ag_news["ours"].items()}
    assert sizes == {"train": 4560, "validation": 240, "test": 1200}  # of the small hub's sample


def test_ag_news_validation_is_a_stratified_part_of_train_and_test_is_untouched(ag_news):
    ours, published = ag_news["ours"], ag_news["published"]
    assert ours["test"] == published["test"]
    assert sorted(ours["train"]["text"] + ours["validation"]["text"]) == sorted(published["train"]["text"])
    counts = Counter(published["train"]["label"])
    for label, count in Counter(ours["validation"]["label"]).items():
        assert abs(count - 0.05 * counts[label]) <= 1


def test_ag_news_is_read_from_the_cache_when_the_hub_has_gone(ag_news):
    done = run(TELL_AG_NEWS, ag_news["endpoint"], ag_news["home"], HF_HUB_OFFLINE="1")
    assert answer(done) == ag_news["ours"]


def test_ag_news_is_read_from_the_cache_without_saying_so(ag_news):
    """The same without HF_HUB_OFFLINE: the client tries in vain for half a minute (not here), then takes its cache."""
    assert answer(run(NO_WAITING + TELL_AG_NEWS, ag_news["endpoint"], ag_news["home"])) == ag_news["ours"]


def test_a_hub_that_cannot_be_reached_is_a_connection_error_with_a_remedy(tmp_path):
    with socket.socket() as closed:  # bound but not listening: a connection is refused
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        told = answer(run(NO_WAITING + TELL_AG_NEWS, endpoint, tmp_path / "home"))
    assert told["error"] == "ConnectionError"
    assert told["message"].startswith(f"{AG_NEWS_REPO} at revision {AG_NEWS_REVISION[:7]} could not be loaded")
    assert "check the network (and HF_ENDPOINT, HF_HUB_OFFLINE if you set them)" in told["message"]
    assert "or use 'bbc_news', which needs none" in told["message"]


def test_offline_without_a_cache_is_a_connection_error_with_a_remedy(tmp_path):
    program = """
from bertlib.weights import encoder_folder
try:
    encoder_folder("bert-base-uncased")
except ConnectionError as error:
    print(json.dumps([tell(load, "ag_news"), str(error)]))
"""
    told, weights = answer(run(TELL + program, "http://127.0.0.1:9", tmp_path / "home", HF_HUB_OFFLINE="1"))
    assert told["error"] == "ConnectionError"
    assert "HF_HUB_OFFLINE if you set" in told["message"]
    assert "google-bert/bert-base-uncased could not be fetched from the hub" in weights
    assert "use the mini profile (BERT_COURSE_PROFILE=mini)" in weights


def test_an_unknown_revision_or_repository_is_a_connection_error(tmp_path):
    program = (
        f"{TELL}print(json.dumps([tell(from_hub, {AG_NEWS_REPO!r}, '0' * 40), tell(from_hub, 'no/such', '1' * 40)]))"
    )
    with serve(tmp_path) as endpoint:
        revision, repository = answer(run(program, endpoint, tmp_path / "home"))
    assert revision["error"] == repository["error"] == "ConnectionError"
    assert f"{AG_NEWS_REPO} at revision 0000000 could not be loaded" in revision["message"]
    assert "no/such at revision 1111111 could not be loaded" in repository["message"]


def test_an_overloaded_hub_is_tried_again(tmp_path, ag_news):
    """Every file answers 503 twice, then as it should; the clients try again by themselves."""
    with serve(tmp_path, "--status", "503", "--times", "2", "--match", "/resolve/") as endpoint:
        done = run(NO_WAITING + TELL_AG_NEWS, endpoint, tmp_path / "home")
    assert answer(done) == ag_news["ours"]
    assert "503" in done.stderr


def test_a_dropped_download_is_resumed(tmp_path, ag_news):
    with serve(tmp_path, "--drop-after", "20000") as endpoint:
        assert answer(run(NO_WAITING + TELL_AG_NEWS, endpoint, tmp_path / "home")) == ag_news["ours"]


def test_a_503_that_the_clients_give_up_on_is_an_error_and_a_second_call_succeeds(tmp_path, ag_news):
    """Of all calls, the one for the repository's revision is not tried again by datasets 5.2."""
    program = f"{NO_WAITING}{TELL}print(json.dumps([tell(load, 'ag_news'), tell(load, 'ag_news')]))"
    with serve(tmp_path, "--status", "503", "--match", "/revision/") as endpoint:
        first, second = answer(run(program, endpoint, tmp_path / "home"))
    assert first["error"] == "ConnectionError"
    assert "503" in first["message"]
    assert "try again" in first["message"]
    assert second == ag_news["ours"]


def test_fine_tuning_on_ag_news_from_the_hub(ag_news):
    program = """
import json
from datasets import DatasetDict
from bertlib.classify import fine_tune
from bertlib.data import load

dataset = load("ag_news")
small = DatasetDict({name: dataset[name].select(range(size)) for name, size in (("train", 192), ("test", 120))})
classifier = fine_tune(small, epochs=1, learning_rate=3e-4, batch_size=16, max_length=40, show_progress=False)
print(json.dumps(classifier.evaluate(small["test"]) | {"labels": classifier.labels}))
"""
    # One thread: two on a busy machine wait for each other and take many times as long.
    settings = {"HF_HUB_OFFLINE": "1", "BERT_COURSE_PROFILE": "mini", "OMP_NUM_THREADS": "1"}
    scores = answer(run(program, ag_news["endpoint"], ag_news["home"], **settings))
    assert scores["labels"] == ["World", "Sports", "Business", "Sci/Tech"]
    assert scores["accuracy"] > 0.6  # measured 0.80; chance is 0.25


def test_an_encoder_without_weights_is_refused_by_name(tmp_path):
    """The small hub has BERT's tokenizer and config, no weights."""
    program = """
import json
from bertlib.classify import BertForSequenceClassification
from bertlib.weights import encoder_folder
from bertlib.wordpiece import load_tokenizer

try:
    folder = encoder_folder("bert-base-uncased")
    size = load_tokenizer(folder).get_vocab_size()
    BertForSequenceClassification.from_pretrained(folder)
except (OSError, ValueError) as error:
    print(json.dumps([size, type(error).__name__, str(error)]))
"""
    with serve(tmp_path) as endpoint:
        size, error, message = answer(run(program, endpoint, tmp_path / "home"))
    assert size == 30522
    assert error == "FileNotFoundError"
    assert "model.safetensors: no such file" in message


def test_named_entities_of_the_hub(tmp_path):
    program = """
import json
from bertlib.data import load
told = {}
for name in ("universal_ner", "wnut_17"):
    for split, rows in load(name).items():
        names = rows.features["ner_tags"].feature.names
        told[f"{name} {split}"] = [len(rows), names, rows.column_names, rows.to_dict()]
print(json.dumps(told))
"""
    with serve(tmp_path) as endpoint:
        told = answer(run(program, endpoint, tmp_path / "home"))
    sizes = {name: row[0] for name, row in told.items()}
    assert sizes == {
        "universal_ner train": 1700,
        "universal_ner validation": 301,
        "universal_ner test": 500,
        "wnut_17 train": 3394,
        "wnut_17 validation": 1009,
    }
    assert told["universal_ner test"][1] == ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]
    entities = 0
    for _, names, columns, rows in told.values():
        assert columns == ["text", "tokens", "starts", "ner_tags", "entities"]
        for text, tokens, starts, tags, found in zip(*(rows[column] for column in columns), strict=True):
            assert [text[start : start + len(token)] for start, token in zip(starts, tokens, strict=True)] == tokens
            assert len(found) == sum(names[tag].startswith("B-") for tag in tags)
            assert all(entity["start"] in starts for entity in found)
            entities += len(found)
    assert entities > 3000
    # The text of Universal NER is the one that was written, not tokens with spaces between them.
    assert "But I did find this website, www.igourmet.com, where" in " ".join(told["universal_ner train"][3]["text"])
