"""The page Play: its ids are the library's, its numbers are bertlib's, with every switch; and it never dies."""

import base64
import copy
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import absent, chromium, served, watch
from test_tokenizer import TEXTS
from test_wordpiece import random_strings

from bertlib.data.bbc import read_bbc_articles
from bertlib.model.heads import BertForPreTraining
from bertlib.text.batching import encode_pairs
from bertlib.text.tokenizer import load_tokenizer

pytest.importorskip("onnx", reason="needs requirements-book.txt: make book installs it")

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book"))
import build  # noqa: E402

CHECKPOINT = ROOT / "data" / "bbc_bert"
CLOSE = 1e-3  # promised; what is met is a hundredth of it
SWITCHES = ("positionsOff", "maskForgotten", "segmentsSwapped", "wordsShuffled", "headsOff")
HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Play</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"><body><h1>Play</h1>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page and all that it loads, without the rest of the site."""
    if shutil.which("npm") is None:
        absent("needs npm")
    folder = tmp_path_factory.mktemp("site")
    build.write_play(folder / "_static" / "play")
    (folder / "book").mkdir()
    page = HEAD + (ROOT / "book" / "play" / "page.html").read_text(encoding="utf-8")
    (folder / "book" / "play.html").write_text(page, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(CHECKPOINT)


@pytest.fixture(scope="module")
def model():
    return BertForPreTraining.from_pretrained(CHECKPOINT).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def lines():
    found = [line for article in read_bbc_articles() for line in article["text"].split("\n") if line.strip()]
    assert len(found) > 10_000
    return found


# -------------------------------------------------------------------------------------------------------- the ids

NODE = """
import { Tokenizer } from "./tokenizer.js";
import { readFileSync, writeFileSync } from "node:fs";
const tokenizer = new Tokenizer(JSON.parse(readFileSync("vocabulary.json", "utf8")));
const texts = JSON.parse(readFileSync(process.argv[2], "utf8"));
writeFileSync(process.argv[3], JSON.stringify(texts.map((text) => tokenizer.words(text))));
"""


@pytest.fixture(scope="module")
def words_in_node(site, tmp_path_factory):
    node, work = shutil.which("node"), tmp_path_factory.mktemp("node")
    if node is None:
        absent("needs node")
    for name in ("tokenizer.js", "vocabulary.json"):
        shutil.copy(site / "_static" / "play" / name, work)
    (work / "package.json").write_text('{"type": "module"}')
    (work / "run.js").write_text(NODE)

    def words(texts):
        (work / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
        subprocess.run([node, "run.js", "texts.json", "ids.json"], cwd=work, check=True)
        return json.loads((work / "ids.json").read_text(encoding="utf-8"))

    return words


def ids_by_word(encoding):
    """The library's ids, parted where it parts words; special tokens are words of their own."""
    found, last = [], None
    for number, word in zip(encoding.ids, encoding.word_ids, strict=True):
        if word is None or word != last:
            found.append([])
        found[-1].append(number)
        last = word
    return found


def flat(words):
    return [number for word in words for number in word]


def test_ids_of_the_corpus(words_in_node, tokenizer, lines):
    sentences = [part for line in lines for part in line.split(". ")]
    texts = (lines + sentences)[:20_000]
    assert len(texts) == 20_000
    expected = tokenizer.encode_batch(texts, add_special_tokens=False)
    assert [flat(words) for words in words_in_node(texts)] == [encoding.ids for encoding in expected]


def test_ids_of_hard_strings(words_in_node, tokenizer):
    """Those of the tokenizer's own tests, and strings from all corners of Unicode; parted into words alike, too."""
    texts = [*TEXTS, *random_strings(3000, seed=3), "a" * 100, "a" * 101, "é" * 101, "x" * 10_000, "[MASK]" * 500]
    expected = tokenizer.encode_batch(texts, add_special_tokens=False)
    found = words_in_node(texts)
    assert [flat(words) for words in found] == [encoding.ids for encoding in expected]
    plain = [number for number, text in enumerate(texts) if "[" not in text]  # special tokens start the count anew
    assert len(plain) > 1000
    assert [found[number] for number in plain] == [ids_by_word(expected[number]) for number in plain]


def test_ids_of_every_character(words_in_node, tokenizer):
    """Of Europe, Asia and the signs all, of the rest every 31st, each within a word."""
    codes = [*range(0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x12000), *range(0x1F000, 0x20000)]
    codes += range(0x3400, 0x110000, 31)
    texts = [f"a{chr(code)}b" for code in codes if not 0xD800 <= code <= 0xDFFF]
    expected = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
    assert [flat(words) for words in words_in_node(texts)] == expected


# ---------------------------------------------------------------------------------------------------- the numbers

ANSWER = """async (request) => {
  if (request.all) request.vectors = bert.session.outputNames.filter((name) => !/weights|logits|nsp/.test(name));
  const { sides, leftOut, pads } = await bert.answer(request);
  const packed = (values) => {
    let text = "";
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
    return btoa(text);
  };
  return { leftOut, pads, sides: sides.map(({ outputs, ...side }) => ({ ...side, outputs: Object.fromEntries(
    Object.entries(outputs).map(([name, values]) => [name, packed(values)])) })) };
}"""


@pytest.fixture(scope="module")
def address(site):
    with served(site) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def answer(browser, address):
    """Ask the page's model; outputs come as arrays."""
    page = browser.new_page()
    page.goto(f"{address}/book/play.html")
    page.evaluate("async () => { globalThis.bert = await (await import('../_static/play/model.js')).Bert.load(); }")

    def ask(request):
        result = page.evaluate(ANSWER, request)
        for side in result["sides"]:
            for name, text in side["outputs"].items():
                side["outputs"][name] = np.frombuffer(base64.b64decode(text), dtype=np.float32)
        return result

    yield ask
    page.close()


def drawn(lines, count, seed, pairs=0.5):
    """Requests with texts out of the corpus, a mask or more in each, and half of them with a second text."""
    rng, found = random.Random(seed), []
    while len(found) < count:
        first, second = (" ".join(rng.choice(lines).split()[: rng.randrange(3, 70)]) for _ in range(2))
        words = first.split()
        for place in rng.sample(range(len(words)), min(len(words), rng.randrange(1, 4))):
            words[place] = "[MASK]"
        found.append({"first": " ".join(words), "second": second if rng.random() < pairs else ""})
    return found


def expected_ids(tokenizer, request):
    """As the library encodes one text, or two."""
    if request["second"]:
        ids, segments = encode_pairs(tokenizer, [(request["first"], request["second"])], 128)
        return ids[0], segments[0]
    ids = tokenizer.encode(request["first"]).ids
    ids = ids if len(ids) <= 128 else [*ids[:127], ids[-1]]
    return ids, [0] * len(ids)


def compare(model, side, mask, segments):
    """The largest difference of logits and of attention to the library's."""
    ids, masks, outputs = side["ids"], side["masks"], side["outputs"]
    batch = (torch.tensor([ids]), torch.tensor([mask]), torch.tensor([segments]))
    encoded = model.bert(*batch, output_attentions=True)
    scores = model.mlm(encoded.last_hidden_state, model.bert.embeddings.word_embeddings.weight)[0, masks].numpy()
    found = outputs["logits"].reshape(-1, model.config.vocab_size)[: len(masks)]
    nsp = model.nsp(encoded.pooler_output)[0].numpy()
    logits = max(np.abs(found - scores).max(initial=0), np.abs(outputs["nsp"] - nsp).max())
    maps = [
        np.abs(outputs[f"layer{number}.weights"].reshape(weights.shape[1:]) - weights[0].numpy()).max()
        for number, weights in enumerate(encoded.attentions)
    ]
    for list_of_best, row in zip(side["best"], scores, strict=True):
        powers = np.exp(row - row.max())
        best_five = np.sort(powers)[:-6:-1] / powers.sum()
        assert [entry["share"] for entry in list_of_best] == pytest.approx(best_five, abs=1e-5)
        assert [powers[entry["id"]] / powers.sum() for entry in list_of_best] == pytest.approx(best_five, abs=1e-5)
    return logits, max(maps)


def test_two_hundred_texts(answer, model, tokenizer, lines):
    differences = []
    for request in drawn(lines, 200, seed=0):
        (side,) = answer(request)["sides"]
        assert (side["ids"], side["segments"]) == expected_ids(tokenizer, request)
        assert side["pieces"] == [tokenizer.id_to_token(number) for number in side["ids"]]
        assert all(entry["piece"] == tokenizer.id_to_token(entry["id"]) for best in side["best"] for entry in best)
        differences.append(compare(model, side, [1] * len(side["ids"]), side["segments"]))
    logits, attention = map(max, zip(*differences, strict=True))
    print(f"largest difference of logits {logits:.1e}, of attention {attention:.1e}")
    assert logits <= CLOSE / 10 and attention <= CLOSE / 100


@pytest.mark.parametrize("first", [1, 61, 62, 63, 64, 124, 125, 126, 300])
def test_long_texts_are_cut_as_the_library_cuts_them(answer, tokenizer, first):
    """The longer one first; of both alone and in pairs with texts of the lengths that matter."""
    for second in (0, 1, 62, 63, 64, 125, 300):
        request = {"first": "word " * first, "second": "text " * second}
        (side,) = answer(request)["sides"]
        assert (side["ids"], side["segments"]) == expected_ids(tokenizer, request)


def switched(model, tokenizer, request, sides):
    """What the library is given, and how it is changed, for the side after; checked against what the page did."""
    switches, (before, after) = request["switches"], sides
    ids, segments = expected_ids(tokenizer, request)
    pads = min(16, 128 - len(ids)) if "maskForgotten" in switches else 0
    assert (before["ids"], before["segments"]) == (ids + [0] * pads, segments + [0] * pads)
    mask = [1] * len(ids) + [0] * pads
    order = after["order"]
    if "wordsShuffled" in switches:
        assert order != sorted(order) and sorted(order) == list(range(len(order)))
        assert [segments[place] for place in order[: len(ids)]] == segments  # each text for itself
        assert all(order[place] == place for place, number in enumerate(ids) if number in (2, 3))  # [CLS], [SEP]
        for place in range(1, len(ids)):  # pieces of a word stay together
            if ids[place] >= 5 and tokenizer.id_to_token(ids[place]).startswith("##"):
                assert order.index(place) == order.index(place - 1) + 1
    else:
        assert order == sorted(order)
    expected = [before["ids"][place] for place in order]
    assert after["ids"] == expected
    segments = [1 - s for s in segments] if "segmentsSwapped" in switches else segments
    changed = copy.deepcopy(model)
    if "positionsOff" in switches:
        changed.bert.embeddings.position_embeddings.weight.zero_()
    for layer, head in switches.get("headsOff", ()):
        width = model.config.head_size
        changed.bert.layers[layer].attention.output.weight[:, head * width : (head + 1) * width] = 0
    return changed, mask, [1] * len(mask) if "maskForgotten" in switches else mask, segments + [0] * pads


@pytest.mark.parametrize("names", [*((name,) for name in SWITCHES), SWITCHES], ids=[*SWITCHES, "all"])
def test_each_switch(answer, model, tokenizer, lines, names):
    """Before is the plain model, after is the library's with the same change; and there is a change to see."""
    rng, moved = random.Random(7), []
    for request in drawn(lines, 12, seed=1):
        request["switches"] = dict.fromkeys(names, True) | {"seed": rng.randrange(1, 1000)}
        if "headsOff" in names:
            request["switches"]["headsOff"] = rng.sample([[n, h] for n in range(4) for h in range(4)], 2)
        sides = answer(request)["sides"]
        changed, mask_before, mask_after, segments = switched(model, tokenizer, request, sides)
        for side, by, mask, rows in zip(
            sides, (model, changed), (mask_before, mask_after), (sides[0]["segments"], segments), strict=True
        ):
            assert side["segments"] == rows
            logits, attention = compare(by, side, mask, rows)
            assert logits <= CLOSE / 10 and attention <= CLOSE / 100
        moved.append(np.abs(sides[0]["outputs"]["nsp"] - sides[1]["outputs"]["nsp"]).max())
    assert np.median(moved) > 20 * CLOSE


def test_the_vector_at_each_place(answer, model, tokenizer, lines):
    """Each of the diagram's places, against what the library's own modules give there."""
    request = drawn(lines, 1, seed=2, pairs=1)[0] | {"all": True}
    (side,) = answer(request)["sides"]
    seen, hooks = {}, []
    parts = {"embeddings": model.bert.embeddings, "pooled": model.bert.pooler, "mlm.norm": model.mlm.norm}
    parts |= {"words": model.bert.embeddings.word_embeddings, "segments": model.bert.embeddings.token_type_embeddings}
    for number, layer in enumerate(model.bert.layers):
        inside = {"query": layer.attention.query, "key": layer.attention.key, "value": layer.attention.value}
        inside |= {"attended": layer.attention.output, "middle": layer.attention_norm, "narrow": layer.output}
        inside |= {"output": layer.output_norm}
        parts |= {f"layer{number}.{name}": part for name, part in inside.items()}
        for name, part in (("context", layer.attention.output), ("inner", layer.output)):  # what goes into these
            keep = lambda module, given, name=f"layer{number}.{name}": seen.update({name: given[0]})  # noqa: E731
            hooks.append(part.register_forward_pre_hook(keep))
    for name, part in parts.items():
        hooks.append(part.register_forward_hook(lambda module, given, out, name=name: seen.update({name: out})))
    model(torch.tensor([side["ids"]]), None, torch.tensor([side["segments"]]))
    for hook in hooks:
        hook.remove()
    seen["positions"] = model.bert.embeddings.position_embeddings.weight[: len(side["ids"])]
    seen["mlm.norm"] = seen["mlm.norm"][0, side["masks"]]
    weights = {"logits", "nsp", *(f"layer{number}.weights" for number in range(4))}
    assert side["outputs"].keys() == seen.keys() | weights
    for name, expected in seen.items():
        assert np.abs(side["outputs"][name] - expected.numpy().ravel()).max() <= CLOSE / 10, name


# ------------------------------------------------------------------------------------------------------- the page

ANSWERED = "/^Answered/.test(document.querySelector('#play-state').textContent)"
# All questions, more than so many, are answered: the last answer is the one that stands there.
SETTLED = """(before) => {
  const { asked, answered } = document.querySelector('#play-form').dataset;
  const state = document.querySelector("#play-state").textContent;
  return asked === answered && Number(asked) > before && /^Answered/.test(state);
}"""


@pytest.fixture
def visit(browser, address):
    contexts = []

    def open_page(width=700, wait=True, prepare=lambda page: None, place=None, **settings):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **settings))
        page = contexts[-1].new_page()
        wrong = watch(page)
        prepare(page)
        page.goto(place or f"{address}/book/play.html")
        if wait:
            page.wait_for_function(ANSWERED)
        return page, wrong

    yield open_page
    for context in contexts:
        context.close()


def state(page):
    return page.locator("#play-state").text_content()


def asked(page):
    return int(page.locator("#play-form").get_attribute("data-asked"))


def type_and_wait(page, first, second=""):
    """Put in two texts; wait for the answer to them."""
    before = asked(page)
    for name, text in (("first", first), ("second", second)):
        page.evaluate("([name, text]) => { document.querySelector('#play-' + name).value = text; }", [name, text])
    page.locator("#play-first").dispatch_event("input")
    page.wait_for_function(SETTLED, arg=before)


def switch(page, *names):
    """Click on check boxes; wait for the answer after the last of them."""
    before = asked(page)
    for name in names:
        page.locator(f"[name={name}]").click()
    page.wait_for_function(SETTLED, arg=before + len(names) - 1)


def test_a_first_answer_and_what_it_loads(visit):
    """All bytes up to the first answer: below 24 MB."""
    sizes = {}
    page, wrong = visit(prepare=lambda page: page.on("response", lambda r: sizes.update({r.url: len(r.body())})))
    assert page.locator("#play-masks table").count() == 2 and page.locator("#play-masks tr").count() == 10
    assert page.locator("#play-all-heads button").count() == 16
    assert "IsNext" in page.locator("#play-nsp").text_content()
    names = {Path(url).name for url in sizes}
    assert {"bert.onnx", "weights.f16", "ort-wasm-simd-threaded.wasm.gz", "vocabulary.json", "play.js"} <= names
    print({Path(url).name: size for url, size in sorted(sizes.items())})
    assert sum(sizes.values()) <= 24e6
    assert wrong == []


def test_what_is_typed_stays_in_the_page(visit):
    page, wrong = visit()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    type_and_wait(page, "A secret of [MASK].", "Another one.")
    switch(page, "positionsOff")
    assert requests == [] and wrong == []
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


ODD_TEXTS = [
    ("", "", "There is no text yet"),
    ("   \n", "", "There is no text yet"),
    ("", "Only the second.", "The first text is empty"),
    ("no mask here", "", "No [MASK] in the text"),
    ("write [mask] small", "", "Write [MASK] in capitals"),
    ("A long text. " * 770, "", "The model reads 128 pieces: of 3,080 the last 2,954 were left out"),
    ("x" * 10_000, "", "a word with a character that the vocabulary does not have, or of more than 100"),
    ("[MASK]" * 1_700, "[MASK] " * 400, "The model reads 128 pieces"),
    ("[MASK] " * 126, "", ""),
    ("\ud83d half a pair [MASK] \u202e\u0000 日本", "<b>no</b> & markup", "[UNK]"),
]


def test_any_text_gets_an_answer_or_a_sentence(visit):
    page, wrong = visit()
    for first, second, note in ODD_TEXTS:
        type_and_wait(page, first, second)
        assert note in page.locator("#play-notes").text_content(), (first[:20], second[:20])
        assert page.locator("#play-masks .play-side").count() == 1
        switch(page, *SWITCHES[:-1])
        assert page.locator("#play-masks .play-side").count() == 2
        switch(page, *SWITCHES[:-1])
    type_and_wait(page, "And it goes [MASK].")
    assert page.locator("#play-masks tr").count() == 5
    assert wrong == []


def test_both_sides_are_shown(visit):
    page, wrong = visit()
    switch(page, *SWITCHES[:-1])
    page.locator("#play-heads-off summary").click()
    before = asked(page)
    page.get_by_label("Layer 2, head 1 off").check()
    page.wait_for_function(SETTLED, arg=before)
    for name in ("masks", "nsp", "all-heads", "head", "vector"):
        assert page.locator(f"#play-{name} h4").all_text_contents() == ["Before", "After"]
        first, second = (box.bounding_box() for box in page.locator(f"#play-{name} .play-side").all())
        assert first["x"] + first["width"] <= second["x"], f"{name}: not beside each other"
    assert page.get_by_role("radio", name="[PAD]").count() == 16
    order = page.locator("#play-head svg").nth(1).locator("text.end").all_text_contents()
    page.get_by_role("button", name="Shuffle again").click()
    page.wait_for_function(
        "before => [...document.querySelectorAll('#play-head .play-side:nth-child(2) svg text.end')]"
        ".map((text) => text.textContent).join() !== before",
        arg=",".join(order),
    )
    assert wrong == []


def test_by_keyboard(visit):
    """Every control is reached and named; arrows move inside a group; what is chosen is told."""
    page, wrong = visit()
    silent = page.evaluate(
        """[...document.querySelectorAll('#play :is(button, input, select, textarea, canvas, svg)')].filter((each) =>
        !(each.getAttribute('aria-label') || each.textContent.trim() || each.labels?.length || each.closest('button')))
        .map((each) => each.outerHTML)"""
    )
    assert silent == []
    page.locator("#play-pieces [aria-checked=true]").focus()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "[MASK]"
    assert page.locator("#play-pieces [tabindex='0']").count() == 1
    assert "“[MASK]” (place 2) looks most at" in page.locator("#play-head").text_content()
    page.keyboard.press("ArrowLeft")
    page.locator("#play-all-heads button").nth(9).focus()
    page.keyboard.press("Enter")
    assert page.locator("#play-head-name").text_content() == "Layer 2, head 1"
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Layer 2, head 1"
    page.locator("#play-diagram [aria-checked=true]").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "query"
    page.wait_for_function(SETTLED, arg=0)
    assert page.locator("#play-vector-name").text_content() == "“the”: layer 2, query"
    for name in ("pooler ([CLS] only)", "MLM head ([MASK] only)"):
        page.get_by_role("radio", name=name).click()
        page.wait_for_function(SETTLED, arg=0)
        assert "choose" in page.locator("#play-vector").text_content()
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 700])
def test_it_fits(visit, width, scheme):
    page, wrong = visit(width=width, color_scheme=scheme)
    switch(page, "maskForgotten")
    assert page.locator("#play-vector .play-side").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "the page scrolls sideways"
    assert page.evaluate(
        "[...document.querySelectorAll('#play canvas')].every((canvas) => canvas.getContext('2d')"
        ".getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0))"
    )
    assert wrong == []


def test_opened_as_a_file(visit, site):
    page, _ = visit(place=(site / "book" / "play.html").as_uri(), wait=False)
    assert "python -m http.server --directory build/book/html" in state(page)
    assert "\n" not in state(page).strip()


@pytest.mark.parametrize("missing", ["weights.f16", "worker.js", "ort-wasm-simd-threaded.wasm.gz"])
def test_a_file_that_cannot_be_had(visit, missing):
    refuse = lambda page: page.context.route(f"**/{missing}", lambda route: route.fulfill(status=404))  # noqa: E731
    page, _ = visit(prepare=refuse, wait=False)
    page.wait_for_function("/could not be loaded/.test(document.querySelector('#play-state').textContent)")
    assert "Load the page again" in state(page)
