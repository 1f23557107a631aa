"""Make data/bbc_bert, the checkpoint that the course ships: pretrain it (see its card), halve it, note its curves.

python -m bertlib pretrain --corpus bbc_news --vocab data/bbc_bert/vocab.txt --out build/bbc_bert …
python data/make_bbc_bert.py build/bbc_bert
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bertlib.data.catalog import load
from bertlib.data.columns import documents_of
from bertlib.files import write_folder
from bertlib.metrics import unigram_baseline
from bertlib.model.weights import model_files, write_model
from bertlib.tasks.pretrain import PretrainedBert
from bertlib.text.pair_stream import PretrainingData
from bertlib.text.tokenizer import tokenizer_files

HERE = Path(__file__).parent / "bbc_bert"


def main(run: Path) -> None:
    """Write the model of a finished run into data/bbc_bert, in 16-bit numbers, with its history."""
    bert = PretrainedBert.load(run / "model")
    (last,) = sorted((run / "checkpoints").iterdir())[-1:]
    training = json.loads((last / "training.json").read_text(encoding="utf-8"))
    files, tensors = model_files(bert.model, tokenizer_files(bert.tokenizer, bert.max_length))
    files["config.json"] = files["config.json"].replace('"float32"', '"float16"')
    with write_folder(HERE, sum(tensor.nbytes for tensor in tensors.values())) as beside:
        write_model(beside, files, {name: tensor.half() for name, tensor in tensors.items()})

    corpus = load("bbc_news")
    held_out = documents_of(corpus["validation"])
    shipped = PretrainedBert.load(HERE)
    sizes = {"max_length": shipped.max_length, "show_progress": False}
    counts = PretrainingData(documents_of(corpus["train"]), shipped.tokenizer, **sizes, batch_size=16).token_counts()
    batches = PretrainingData(held_out, shipped.tokenizer, **sizes, batch_size=32).one_pass()
    history = {
        "settings": training["settings"],
        "baseline": unigram_baseline(counts, batches),
        "held_out": shipped.evaluate(held_out, precision="fp32"),
        "rows": training["state"]["history"]["epochs"],
    }
    (HERE / "history.json").write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
    size = sum(path.stat().st_size for path in HERE.iterdir()) / 2**20
    print(f"{HERE}: {size:.1f} MiB, unigram {history['baseline']['mlm_loss']:.3f}, held out {history['held_out']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
