"""The published sizes can be used: figures are numbers, costs are the course's formula, sources are named."""

import csv
from pathlib import Path

import pytest
import torch

from bertcourse.costs import forward_flops
from bertlib.model.config import BertConfig
from bertlib.model.encoder import BertModel
from bertlib.model.weights import count_parameters

ROOT = Path(__file__).resolve().parents[2]
with open(ROOT / "data" / "sizes" / "published.csv", encoding="utf-8", newline="") as lines:
    ROWS = list(csv.DictReader(lines))
BY_NAME = {row["model"]: row for row in ROWS}
COUNTED = ("projections", "attention", "feed-forward")


def config_of(row):
    names = {"layers": "num_hidden_layers", "width": "hidden_size", "inner": "intermediate_size"}
    names |= {"heads": "num_attention_heads", "vocabulary": "vocab_size"}
    return BertConfig(**{ours: int(row[name]) for name, ours in names.items()})


def test_each_model_stands_once_with_its_paper_and_where_it_was_looked_up():
    assert len(BY_NAME) == len(ROWS) >= 20
    for row in ROWS:
        assert "arXiv" in row["paper"] and row["looked_up_in"] and row["split"] in ("dev", "test")
        assert row["looked_up"] == ("partly" if row["not_looked_up"] else "yes"), row["model"]
        assert any(row[name] for name in ("mnli_matched", "sst2", "squad2_f1", "glue"))
        for name in ("mnli_matched", "sst2", "squad2_f1", "glue"):
            assert not row[name] or 60 < float(row[name]) < 100


@pytest.mark.parametrize("row", [row for row in ROWS if row["layers_are_berts"] == "yes"], ids=lambda row: row["model"])
def test_costs_are_the_courses_formula(row):
    flops = forward_flops(config_of(row), 1, 128, 0)
    assert float(row["gflop_128_tokens"]) == pytest.approx(sum(flops[name] for name in COUNTED) / 1e9, abs=1e-3)


def test_no_cost_is_given_for_layers_that_are_not_berts():
    assert all(not row["gflop_128_tokens"] for row in ROWS if row["layers_are_berts"] == "no")


@pytest.mark.parametrize("name, off", [("BERT-base", 0.02), ("BERT-large", 0.02), ("MiniLM-12", 0.02)])
def test_published_parameters_are_those_of_the_shape(name, off):
    with torch.device("meta"):  # shapes alone: no memory, no time
        counted = count_parameters(BertModel(config_of(BY_NAME[name]))) / 1e6
    assert counted == pytest.approx(float(BY_NAME[name]["parameters_millions"]), rel=off)


def test_sharing_layers_saves_memory_and_no_time():
    """The row that a table by parameters alone would mislead about."""
    albert, bert = BY_NAME["ALBERT-xxlarge"], BY_NAME["BERT-large"]
    assert float(albert["parameters_millions"]) < float(bert["parameters_millions"])
    assert float(albert["gflop_128_tokens"]) > 7 * float(bert["gflop_128_tokens"])
