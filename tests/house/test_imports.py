"""What `import bertlib` costs, measured in fresh processes."""

import json
import os
import subprocess
import sys

import pytest

MEASURE = """
import json, sys, time
import torch
start = time.perf_counter()
import bertlib
from bertlib import *
print(json.dumps({"seconds": time.perf_counter() - start, "modules": sorted(sys.modules)}))
"""


def utf8():
    return {**os.environ, "PYTHONUTF8": "1"}


@pytest.fixture(scope="module")
def fresh_imports():
    runs = []
    for _ in range(3):
        result = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True)
        runs.append(json.loads(result.stdout))
    return runs


def test_import_costs_at_most_a_second_beyond_torch(fresh_imports):
    assert min(run["seconds"] for run in fresh_imports) <= 1.0


@pytest.mark.parametrize("heavy", ["transformers", "datasets", "sklearn", "matplotlib", "pandas", "IPython"])
def test_import_pulls_in_nothing_heavy(fresh_imports, heavy):
    assert heavy not in fresh_imports[0]["modules"]


def test_public_names():
    import bertlib

    assert set(bertlib.__all__) >= {"BertConfig", "BertForSequenceClassification", "BertModel"}
    assert all(hasattr(bertlib, name) for name in bertlib.__all__)
    assert bertlib.attention.scaled_dot_product_attention
    assert bertlib.classify.fine_tune
    assert not hasattr(bertlib, "no_such_module")


def test_doctor_speaks_even_without_torch():
    hidden = "import sys; sys.modules['torch'] = None; from bertcourse.__main__ import main; sys.exit(main(['doctor']))"
    result = subprocess.run([sys.executable, "-c", hidden], capture_output=True, encoding="utf-8", env=utf8())
    assert result.returncode == 1
    assert "✓ python" in result.stdout
    assert "✗ device" in result.stdout
    assert "to mend, see ✗ above" in result.stdout


THREADS = """
import os, sys
{first}
import bertlib, torch
print(os.environ.get("OMP_WAIT_POLICY"), os.environ.get("GOMP_SPINCOUNT"), bertlib.came_before_torch)
"""


@pytest.mark.parametrize(
    "first, own, expected",
    [
        ("", {}, "PASSIVE 1000 True"),
        ("import bertcourse.profile", {}, "PASSIVE 1000 True"),  # as a lesson begins
        ("", {"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE None True"),
        ("", {"GOMP_SPINCOUNT": "7"}, "None 7 True"),
        ("", {"KMP_BLOCKTIME": "1"}, "None None True"),
        ("import torch", {}, "None None False"),  # too late: it is read when torch is loaded
    ],
)
def test_threads_sleep_while_they_wait_unless_the_user_says_otherwise(first, own, expected):
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
    environment = {name: value for name, value in os.environ.items() if name not in names} | own
    program = THREADS.format(first=first)
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
