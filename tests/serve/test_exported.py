"""An exported folder predicts what its task predicts, without torch; what is wrong with one is said."""

import json
import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from served import INPUTS, TEXTS, asked, make_task

from bertlib.model.adapters import LoRA, adapters_of, put_on
from bertlib.serve import graph as graph_module
from bertlib.serve.export import TASKS, export, kind_of
from bertlib.serve.graph import Graph, sealed
from bertlib.serve.operators import written_out
from bertlib.tasks.match import PairClassifier

KINDS = sorted(TASKS)


@pytest.fixture
def make(tokenizer, tiny_config):
    return lambda kind="classify", **changes: make_task(kind, tokenizer, replace(tiny_config, **changes))


def same(ours, theirs, close=1e-5):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        if isinstance(other, np.ndarray):
            np.testing.assert_allclose(one, other, atol=close)
        elif isinstance(other, list):
            same(one, other, close)
        else:
            assert one == other | {"score": pytest.approx(other["score"], abs=close)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_graph_predicts_what_its_task_does(kind, make, tmp_path):
    task = make(kind)
    about = export(task, tmp_path / "out")
    assert about["checked"]["largest_difference"] <= 1e-5 and about["checked"].get("flips", 0) == 0
    graph = Graph.load(tmp_path / "out", threads=1)
    same(asked(graph, kind), asked(task, kind))
    one = INPUTS[kind][0]
    given = one if kind == "answer" else [one]
    ours, theirs = graph.predict(*given), task.predict(*given)  # one input, one result
    same([ours], [theirs])
    assert type(ours) is type(theirs)


@pytest.mark.parametrize("act", ["gelu", "gelu_new", "relu"])
def test_every_activation(act, make, tmp_path):
    assert export(make(hidden_act=act), tmp_path / "out")["checked"]["largest_difference"] <= 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_folder_says_what_it_is(kind, make, tmp_path):
    task = make(kind)
    task.save(tmp_path / "model")
    assert kind_of(tmp_path / "model") == kind
    export(tmp_path / "model", tmp_path / "out")
    same(asked(Graph.load(tmp_path / "out"), kind), asked(task, kind))


def test_two_columns_of_other_names_may_be_either(make, tmp_path):
    task = make("match")
    task.text = ("question", "reply")
    task.save(tmp_path / "model")
    with pytest.raises(ValueError, match="reads the columns question, reply: give kind='match' for pairs"):
        export(tmp_path / "model", tmp_path / "out")
    assert export(tmp_path / "model", tmp_path / "out", kind="match")["kind"] == "match"
    with pytest.raises(ValueError, match="kind='translate': give one of classify, match"):
        export(tmp_path / "model", tmp_path / "out", kind="translate")


def test_adapters_are_merged_and_the_task_keeps_them(make, tmp_path):
    task = make()
    put_on(task.model, LoRA(rank=2, alpha=7))
    with torch.no_grad():
        for layer in adapters_of(task.model).values():
            layer.lora_B.normal_()
    export(task, tmp_path / "out")
    assert adapters_of(task.model)
    same(Graph.load(tmp_path / "out").predict(TEXTS), task.predict(TEXTS))


def test_training_mode_is_no_matter(make, tmp_path):
    task = make(hidden_dropout_prob=0.5)
    expected = task.predict(TEXTS)
    task.model.train()
    export(task, tmp_path / "out")
    assert task.model.training, "the caller's model stays as it is"
    graph = Graph.load(tmp_path / "out")
    same(graph.predict(TEXTS), expected)
    assert graph.predict(TEXTS) == graph.predict(TEXTS)


def test_fewer_layers_and_heads_than_there_were(make, tmp_path):
    task = make("tag")
    task.model.bert.layers = task.model.bert.layers[:1]
    attention = task.model.bert.layers[0].attention
    attention.num_heads = 3  # the last of four is gone
    for part in (attention.query, attention.key, attention.value):
        part.weight, part.bias = (torch.nn.Parameter(p[:24].clone()) for p in (part.weight, part.bias))
    attention.output.weight = torch.nn.Parameter(attention.output.weight[:, :24].clone())
    export(task, tmp_path / "out")
    same(asked(Graph.load(tmp_path / "out"), "tag"), asked(task, "tag"))


def test_a_model_that_computes_something_else_is_refused(make, tmp_path):
    task = make()
    inner, layer = task.model.bert.layers[0].intermediate, task.model.bert.layers[0]
    layer.intermediate = torch.nn.Sequential(inner, torch.nn.Tanh())
    layer.intermediate.weight, layer.intermediate.bias = inner.weight, inner.bias
    with pytest.raises(ValueError, match=r"the graph's logits differ from the model's by .* that cannot be merged"):
        export(task, tmp_path / "out")
    assert not (tmp_path / "out").exists() and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_batch_and_length_are_free(kind, make):
    written = written_out(make(kind).model, segments=kind in ("match", "answer"))
    for given in written.graph.input:
        assert [d.dim_param for d in given.type.tensor_type.shape.dim] == ["batch", "length"]
    assert {node.domain for node in written.graph.node} == {""}, "ONNX's own operators: others read them too"


# ------------------------------------------------------------------------------------------------------------- int8


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [7, 8])
def test_int8_is_near_and_says_how_near(kind, bits, make, tmp_path):
    task = make(kind)
    about = export(task, tmp_path / "out", int8=True, bits=bits, texts=[i for i in INPUTS[kind] if i])
    checked = about["checked"]
    assert about["bits"] == bits and 0 < checked["largest_difference"] < 0.2
    assert checked["texts"] == len([i for i in INPUTS[kind] if i])
    assert checked["smallest_cosine"] > 0.97 if kind == "embed" else checked["flips"] <= 2
    asked(Graph.load(tmp_path / "out"), kind)


def test_int8_takes_at_most_three_tenths_of_the_bytes(make, tmp_path):
    task = make(vocab_size=3000, hidden_size=128, intermediate_size=512)
    sizes = []
    for int8 in (False, True):
        about = export(task, tmp_path / str(int8), int8=int8)
        sizes.append((tmp_path / str(int8) / "model.onnx").stat().st_size)
    assert sizes[1] <= 0.3 * sizes[0], sizes
    written = onnx.load(tmp_path / "True" / "model.onnx")
    table = next(w for w in written.graph.initializer if w.name == "words")
    assert table.data_type == onnx.TensorProto.INT8, "the largest matrix of all"
    assert about["versions"].keys() >= {"bertlib", "onnx", "onnxruntime", "torch"} and about["opset"] == 20


def test_a_processor_without_units_is_warned_and_gets_seven_bits(make, tmp_path, monkeypatch):
    export(make(), tmp_path / "eight", int8=True, bits=8)
    monkeypatch.setattr("bertlib.serve.quantize.processor_units", lambda: ())
    monkeypatch.setattr(graph_module, "processor_units", lambda: ())
    with pytest.warns(UserWarning, match="no VNNI or dot-product unit.*saturate"):
        Graph.load(tmp_path / "eight")
    assert export(make(), tmp_path / "seven", int8=True)["bits"] == 7


# ------------------------------------------------------------------------------------------------------ the folder

WITHOUT = """
import sys
for name in ("torch", "transformers", "datasets", "sklearn", "onnx"):
    sys.modules[name] = None
from bertlib.serve.graph import Graph
print(Graph.load(sys.argv[1]).predict(["the good goal", "bank"]))
"""


@pytest.mark.parametrize("kind", ["classify", "tag"])
def test_it_opens_without_torch(kind, make, tmp_path):
    task = make(kind)
    export(task, tmp_path / "out")
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, tmp_path / "out"], capture_output=True, encoding="utf-8", cwd=root
    )
    assert done.returncode == 0, done.stderr
    found = Graph.load(tmp_path / "out").predict(["the good goal", "bank"])
    assert done.stdout.strip() == str(found)


@pytest.fixture
def folder(make, tmp_path):
    export(make(), tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "tokenizer_config.json", "vocab.txt"])
def test_a_file_that_changed_is_refused(name, folder):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1] + b" ")
    with pytest.raises(ValueError, match=f"{name} was changed after the export; export it again"):
        Graph.load(folder)
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
        Graph.load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["tech", "sport", "business"]}, "bertlib.json was changed after the export"),
        ({"format": 2}, "form 2 of exports, and this release reads 1"),
        ({"kind": "translate"}, "is not that of an exported model"),
    ],
)
def test_what_it_says_of_itself_is_sealed(change, message, folder):
    about = json.loads((folder / "bertlib.json").read_text(encoding="utf-8"))
    (folder / "bertlib.json").write_text(json.dumps(about | change), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        Graph.load(folder)


def test_another_opset_is_named(folder):
    written = onnx.load(folder / "model.onnx")
    written.opset_import[0].version = 999
    content = written.SerializeToString()
    (folder / "model.onnx").write_bytes(content)
    about = json.loads((folder / "bertlib.json").read_text(encoding="utf-8"))
    about["opset"], about["files"]["model.onnx"] = 999, graph_module.digest_of(content)
    about["digest"] = sealed(about)
    (folder / "bertlib.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(ValueError, match=r"cannot open model\.onnx, of opset 999"):
        Graph.load(folder)


def test_folders_of_other_kinds_are_told_apart(make, folder, tmp_path):
    make().save(tmp_path / "model")
    with pytest.raises(ValueError, match="is not that of an exported model"):
        Graph.load(tmp_path / "model")
    with pytest.raises(ValueError, match="holds a model that can be trained"):
        export(make(), tmp_path / "model")
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(FileNotFoundError, match="no such file"):
        Graph.load(tmp_path / "model")


def test_an_export_replaces_an_earlier_one(make, folder):
    (folder / "README.md").write_text("mine", encoding="utf-8")
    export(make(), folder, int8=True)
    assert Graph.load(folder).about["precision"] == "int8" and (folder / "README.md").is_file()


def test_a_full_disk_leaves_nothing(make, folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr("shutil.disk_usage", lambda _: namedtuple("Usage", "total used free")(10**9, 10**9, 1000))
    with pytest.raises(OSError, match="MiB are needed, 0 MiB are free; make room"):
        export(make(), folder, int8=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_threads_are_a_number(threads, folder):
    with pytest.raises(ValueError, match="threads="):
        Graph.load(folder, threads=threads)


@pytest.mark.parametrize("wrong", [[], "", ["goal", " "], [3], {"a": "b"}, "\ud83d"])
def test_wrong_inputs_are_named_as_by_the_task(wrong, make, folder):
    with pytest.raises(ValueError) as theirs:
        make().predict(wrong)
    with pytest.raises(ValueError) as ours:
        Graph.load(folder).predict(wrong)
    assert str(ours.value) == str(theirs.value)


def test_a_question_needs_its_context(make, tmp_path):
    export(make("answer"), tmp_path / "out")
    graph = Graph.load(tmp_path / "out")
    with pytest.raises(ValueError, match="2 questions and 1 contexts"):
        graph.predict(["goal", "bank"], ["the goal"])
    with pytest.raises(ValueError, match="texts is NoneType"):
        graph.predict("goal")


def test_an_exported_task_is_one_of_the_five(make, tmp_path):
    class Other(PairClassifier):
        pass

    task = make("match")
    task.__class__ = Other
    with pytest.raises(ValueError, match="Other is none of the tasks that are exported"):
        export(task, tmp_path / "out")
