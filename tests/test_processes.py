"""One process, two and four train the same model: real processes, joined as torchrun joins them."""

import json
import os
import socket
import subprocess
import sys

import pytest
import safetensors.torch
import torch

PROGRAM = """
import json, sys
import torch
torch.set_num_threads(1)
sys.path.insert(0, "tests")
from test_pretrain import TINY, documents
from bertlib.pretrain import pretrain
from bertlib.runtime import joined_processes
from bertlib.wordpiece import WordPiece

folder, accumulation, batch_size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with joined_processes() as (rank, processes):
    tokenizer = WordPiece.train((s for document in documents(50, 0) for s in document), 200).to_tokenizers()
    result = pretrain(
        documents(40, 1), documents(5, 2), start=TINY, tokenizer=tokenizer, updates=9, evaluate_every=3, out=folder,
        batch_size=batch_size, accumulation=accumulation, max_length=20, learning_rate=1e-3, precision="fp32",
        show_progress=False,
    )
    if rank == 0:
        losses = [row["loss"] for row in result.history.updates]
        print(json.dumps({"losses": losses, "tokens": result.history.epochs[-1]["tokens"], "processes": processes}))
"""


def run(processes, folder, accumulation=4, batch_size=4):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(processes):
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        if processes > 1:
            environment |= {
                "WORLD_SIZE": str(processes),
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
            }
        arguments = [sys.executable, "-c", PROGRAM, str(folder), str(accumulation), str(batch_size)]
        started.append(
            subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
    outputs = [process.communicate(timeout=200) for process in started]
    assert all(process.returncode == 0 for process in started), outputs[0][1][-2000:]
    weights = safetensors.torch.load_file(folder / "model" / "model.safetensors")
    return json.loads(outputs[0][0].splitlines()[-1]), weights


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return run(1, tmp_path_factory.mktemp("alone"))


@pytest.mark.parametrize("processes", [2, 4, 3])  # 4 batches an update: with three processes they are shared unevenly
def test_processes_change_nothing(processes, alone, tmp_path):
    report, weights = run(processes, tmp_path)
    expected, expected_weights = alone
    assert report["processes"] == processes
    assert report["tokens"] == expected["tokens"]
    assert report["losses"] == pytest.approx(expected["losses"], rel=1e-5)
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor, expected_weights[name], rtol=1e-4, atol=1e-5)


def test_a_process_without_a_batch(tmp_path):
    report, weights = run(2, tmp_path / "two", accumulation=1, batch_size=8)
    expected, expected_weights = run(1, tmp_path / "one", accumulation=1, batch_size=8)
    assert report["losses"] == pytest.approx(expected["losses"], rel=1e-5)
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor, expected_weights[name], rtol=1e-4, atol=1e-5)
