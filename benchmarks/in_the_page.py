"""The page Play against transformers.js: later answers of both in one Chromium page, in turn; and what the page loads.

Both have the same weights in 32 bits, one thread and no GPU. transformers.js's fill-mask answers with five pieces for
one [MASK], as its documentation shows it; ours with these, NSP, attention of every head and the vectors at one place
of the diagram. Before the ratio: both must give the same five pieces, with the same shares to 1e-3.

    python benchmarks/in_the_page.py       (needs make setup-all, npm and Chromium)
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import warnings
from pathlib import Path

import torch
import transformers
from measure import print_machine, say
from tokenizers import Tokenizer

from bertlib.data.bbc import read_bbc_articles
from bertlib.model.heads import BertForPreTraining
from bertlib.text.tokenizer import load_tokenizer

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "book"), str(ROOT / "tests")]
from browser import chromium, served, watch  # noqa: E402

import build  # noqa: E402

CHECKPOINT = ROOT / "data" / "bbc_bert"
TRANSFORMERS_JS = "@huggingface/transformers@4.3.2"
THEIR_RUNTIME = "onnxruntime-web@1.31.0-dev.20260914-8d85527a0"  # what that release asks for
LENGTHS = (32, 128)

LOAD = """async () => {
  const { Bert } = await import("/book/play/model.js");
  globalThis.bert = await Bert.load();
  const { pipeline, env } = await import("/theirs/transformers.min.js");
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = "/theirs/models/";
  env.useBrowserCache = false;
  env.backends.onnx.wasm.wasmPaths = "/theirs/";
  globalThis.fill = await pipeline("fill-mask", "bbc_bert", { dtype: "fp32", device: "wasm" });
  globalThis.sides = {
    ours: async (text) => (await bert.answer({ first: text, vectors: ["embeddings"] })).sides[0].best[0],
    theirs: async (text) => (await fill(text, { top_k: 5 })).map(({ token, score }) => ({ id: token, share: score })),
  };
  return crossOriginIsolated;
}"""
ANSWER = "async ([side, text]) => (await sides[side](text)).map(({ id, share }) => [Number(id), share])"
TIME = """async ([names, texts]) => {
  const found = Object.fromEntries(names.map((name) => [name, []]));
  for (const text of texts) {
    for (const name of names) {
      const start = performance.now();
      await sides[name](text);
      found[name].push(performance.now() - start);
    }
  }
  return found;
}"""


class Scores(torch.nn.Module):
    """transformers' masked language model as a function of three tensors."""

    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids, attention_mask, token_type_ids).logits


def write_theirs(folder: Path) -> None:
    """transformers.js with its runtime, and the checkpoint exported as its models are: the whole table of scores."""
    model_folder = folder / "models" / "bbc_bert"
    (model_folder / "onnx").mkdir(parents=True)
    for package in (TRANSFORMERS_JS, THEIR_RUNTIME):
        with tempfile.TemporaryDirectory() as work:
            npm = shutil.which("npm") or sys.exit("npm is not installed: install Node.js")
            subprocess.run([npm, "pack", "--silent", package], cwd=work, check=True, stdout=subprocess.DEVNULL)
            (archive,) = Path(work).glob("*.tgz")
            with tarfile.open(archive) as content:
                for member in content.getmembers():
                    name = Path(member.name).name
                    if name == "transformers.min.js" or name.startswith("ort-wasm-simd-threaded.asyncify"):
                        (folder / name).write_bytes(content.extractfile(member).read())
    shutil.copy(CHECKPOINT / "config.json", model_folder)
    transformers.AutoTokenizer.from_pretrained(CHECKPOINT).save_pretrained(model_folder)
    model = transformers.BertForMaskedLM.from_pretrained(CHECKPOINT, dtype=torch.float32, attn_implementation="eager")
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {0: "batch", 1: "tokens"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Scores(model.eval()),
            (torch.ones(1, 16, dtype=torch.long),) * 3,
            str(model_folder / "onnx" / "model.onnx"),
            input_names=names,
            output_names=["logits"],
            dynamic_axes=dict.fromkeys([*names, "logits"], axes),
            dynamo=False,
        )


def texts_of(tokenizer: Tokenizer, length: int, count: int) -> list[str]:
    """Texts out of the corpus that are so many pieces long, [CLS] and [SEP] counted, with one [MASK] in each."""
    rng, found = random.Random(length), []
    words = " ".join(article["text"] for article in read_bbc_articles()[:200]).split()
    while len(found) < count:
        start = rng.randrange(len(words) - length)
        for end in range(start + length // 2, start + length):
            text = " ".join([*words[start:end], "[MASK]"])
            if len(tokenizer.encode(text).ids) == length:
                found.append(text)
                break
    return found


def cold_start(browser, address: str) -> tuple[float, dict[str, int]]:
    """Seconds from opening the page, with nothing stored, to the first answer; and the bytes of each file."""
    context, sizes = browser.new_context(), {}
    page = context.new_page()
    page.on("response", lambda response: sizes.update({Path(response.url).name: response}))
    page.goto(f"{address}/book/play.html")
    page.wait_for_function("/^Answered/.test(document.querySelector('#play-state').textContent)")
    seconds = page.evaluate("performance.now()") / 1000
    sizes = {name: len(response.body()) for name, response in sizes.items()}
    context.close()
    return seconds, sizes


def in_eight_bits(tokenizer: Tokenizer) -> tuple[float, float, float]:
    """What smaller weights would cost: each matrix rounded to 8 bits, a scale a row, as quantizers do at best.

    Returns:
        megabytes saved, and the largest difference of logits and of attention on 40 texts.
    """
    model = BertForPreTraining.from_pretrained(CHECKPOINT).eval().requires_grad_(False)
    rounded, saved, logits, attention = copy.deepcopy(model), 0, 0.0, 0.0
    for weight in rounded.parameters():
        if weight.dim() == 2:
            scale = weight.abs().amax(dim=1, keepdim=True) / 127
            weight.copy_((weight / scale).round() * scale)
            saved += weight.numel()
    for text in texts_of(tokenizer, 32, 40):
        ids = torch.tensor([tokenizer.encode(text).ids])
        scores = [side(ids).prediction_logits for side in (model, rounded)]
        maps = [torch.stack(side.bert(ids, output_attentions=True).attentions) for side in (model, rounded)]
        logits = max(logits, (scores[0] - scores[1]).abs().max().item())
        attention = max(attention, (maps[0] - maps[1]).abs().max().item())
    return saved / 1e6, logits, attention


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=40, help="of each side and length (default: 40)")
    parser.add_argument("--starts", type=int, default=5, help="cold starts of the page (default: 5)")
    options = parser.parse_args()
    tokenizer = load_tokenizer(CHECKPOINT)
    with tempfile.TemporaryDirectory() as name, chromium() as browser, served(name) as address:
        folder = Path(name)
        say("writing both sides")
        transformers.logging.set_verbosity_error()
        build.write_play(folder / "book" / "play")
        shutil.copytree(folder / "book" / "play", folder / "_static" / "play")
        page = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Play</title>'
        (folder / "blank.html").write_text(page)
        page += (ROOT / "book" / "play" / "page.html").read_text(encoding="utf-8")
        (folder / "book" / "play.html").write_text(page, encoding="utf-8")
        write_theirs(folder / "theirs")

        starts = [cold_start(browser, address) for _ in range(options.starts)]
        page = browser.new_page()
        wrong = watch(page)
        page.goto(f"{address}/blank.html")
        if page.evaluate(LOAD):
            sys.exit("the page is isolated: transformers.js would take more than one thread")
        rows = []
        for length in LENGTHS:
            texts = texts_of(tokenizer, length, options.answers)
            for text in texts[:10]:
                ours, theirs = (page.evaluate(ANSWER, [side, text]) for side in ("ours", "theirs"))
                close = all(abs(a[1] - b[1]) <= 1e-3 for a, b in zip(ours, theirs, strict=True))
                if [a[0] for a in ours] != [b[0] for b in theirs] or not close:
                    sys.exit(f"unequal answers to {text!r}: {ours} and {theirs}")
            say(f"{length} pieces: the same answers")
            page.evaluate(TIME, [["ours", "theirs"], texts[:10]])  # compiled by now
            there = page.evaluate(TIME, [["ours", "theirs"], texts])
            back = page.evaluate(TIME, [["theirs", "ours"], texts])
            ours, theirs = ([a for turn in (there, back) for a in turn[side]] for side in ("ours", "theirs"))
            ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
            medians = [statistics.median(values) for values in (ours, theirs, ratios)]
            rows.append((length, *(f"{value:.1f}" for value in medians[:2]), f"{medians[2]:.2f}"))
        if wrong:
            sys.exit(f"the page complained: {wrong}")
        version = browser.version
    print_machine("onnx")
    print(f"Chromium {version}, one thread; {TRANSFORMERS_JS} on {THEIR_RUNTIME}; medians of {2 * options.answers}\n")
    print("| pieces | Play, ms | transformers.js, ms | ratio |\n| ---: | ---: | ---: | ---: |")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")
    seconds = [seconds for seconds, _ in starts]
    print(f"\ncold start to the first answer: {statistics.median(seconds):.1f} s, at most {max(seconds):.1f}")
    sizes = starts[-1][1]
    print(json.dumps(dict(sorted(sizes.items(), key=lambda pair: -pair[1])), indent=1))
    print(f"{sum(sizes.values()):,} bytes in all")
    saved, logits, attention = in_eight_bits(tokenizer)
    print(f"weights in 8 bits: {saved:.1f} MB less, logits off by {logits:.1e}, attention by {attention:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
