"""What `import bertlib` costs, measured in fresh processes."""

import json
import subprocess
import sys

import pytest

MEASURE = """
import json, sys, time
import torch
start = time.perf_counter()
import bertlib
print(json.dumps({"seconds": time.perf_counter() - start, "modules": sorted(sys.modules)}))
"""


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
