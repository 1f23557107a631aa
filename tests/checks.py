"""Checks that our code passes and that a shipped bug of the zoo (`bug_zoo/`) fails. Each raises AssertionError."""

from __future__ import annotations

import copy
import random
from itertools import pairwise

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_score
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_pre_hook

from bertlib.model.config import BertConfig
from bertlib.model.heads import BertForEmbedding


def maps_obey_the_mask(attention) -> None:
    """`attention(query, key, value, mask) -> (output, weights)`: what it shows is what it computes, mask included."""
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 4, 5, 8).unbind()
    mask = torch.tensor([1, 1, 1, 0, 0], dtype=torch.bool).expand(2, 1, 1, 5)
    output, weights = attention(query, key, value, mask)
    assert (weights[..., 3:] == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 5))
    torch.testing.assert_close(output, weights @ value)


def masked_row_is_zero(attention) -> None:
    """A query that may look at nothing gets a zero output, zero weights, and gradients without NaN."""
    torch.manual_seed(0)
    query, key, value = (tensor.requires_grad_() for tensor in torch.randn(3, 2, 4, 8).unbind())
    mask = torch.ones(2, 4, 4, dtype=torch.bool)
    mask[1, 2] = False
    output, weights = attention(query, key, value, mask)
    assert (weights[1, 2] == 0).all()
    assert (output[1, 2] == 0).all()
    output.square().sum().backward()
    assert all(tensor.grad.isfinite().all() for tensor in (query, key, value))


def output_depends_on_stored_weights(module, *inputs) -> None:
    """Twice the same input gives the same output, and so does a copy filled with the module's state_dict."""
    module.eval()
    first, second = module(*inputs), module(*inputs)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    twin = copy.deepcopy(module)
    for parameter in twin.parameters():
        torch.nn.init.normal_(parameter)
    twin.load_state_dict(module.state_dict())
    torch.testing.assert_close(first, twin(*inputs), rtol=0, atol=0)
    first.square().sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def head_reads_pooled_cls(model, batch) -> None:
    """The logits are the classifier applied to the pooled [CLS], and no other position's last state reaches them."""
    model.eval()
    seen = {}
    hook = model.bert.register_forward_hook(lambda module, inputs, output: seen.update(output=output))
    logits = model(batch["input_ids"], batch["attention_mask"]).logits
    hook.remove()
    last = seen["output"].last_hidden_state
    (gradient,) = torch.autograd.grad(logits.square().sum(), last, retain_graph=True)
    assert gradient[:, 0].abs().sum() > 0
    assert gradient[:, 1:].abs().sum() == 0
    torch.testing.assert_close(logits, model.classifier(seen["output"].pooler_output))


def split_changes_nothing(one_update) -> None:
    """`one_update(model, batches) -> loss` leaves gradients in the model: however the examples are split, the same.

    The loss is over tokens, whose number differs from example to example, so that a mean of means shows.
    """
    torch.manual_seed(0)
    start = torch.nn.Sequential(torch.nn.Embedding(20, 8), torch.nn.Linear(8, 20))
    ids = torch.randint(0, 20, (7, 5))
    labels = torch.randint(0, 20, (7, 5))
    labels[torch.rand(7, 5) < 0.5] = -100
    labels[0, 0] = 3
    results = []
    for sizes in ([7], [1, 6], [3, 1, 1, 2]):
        parts = zip(ids.split(sizes), labels.split(sizes), strict=True)
        model = copy.deepcopy(start)
        loss = one_update(model, [{"input_ids": own_ids, "labels": own_labels} for own_ids, own_labels in parts])
        results.append([torch.tensor(loss), *(parameter.grad for parameter in model.parameters())])
    expected = F.cross_entropy(start(ids).flatten(0, 1), labels.flatten())
    torch.testing.assert_close(results[0][0], expected.detach())
    for result in results[1:]:
        torch.testing.assert_close(result, results[0])


def rates_rise_from_zero_and_fall_to_zero(run) -> list[float]:
    """`run(total_steps, warmup_steps, peak)` trains; the rates the optimizer really used are the paper's.

    Returns:
        Those rates.
    """
    rates = []
    hook = register_optimizer_step_pre_hook(lambda opt, args, kwargs: rates.append(opt.param_groups[0]["lr"]))
    try:
        run(total_steps=10, warmup_steps=4, peak=0.5)
    finally:
        hook.remove()
    expected = [0, 1 / 4, 2 / 4, 3 / 4, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6]
    torch.testing.assert_close(rates, [0.5 * share for share in expected])
    return rates


def inputs_stay_as_they_were(function, *inputs) -> None:
    """The caller's tensors and lists are not written to."""
    before = copy.deepcopy(inputs)
    function(*inputs)
    assert same(inputs, before)


def same(one, other) -> bool:
    """Whether nested lists, dicts and tensors hold the same values."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(same(mine, yours) for mine, yours in zip(one, other, strict=True))
    return one == other


def loss_takes_each_label_as_it_is(loss) -> None:
    """`loss(logits, labels)` is the mean of -log p of exactly the class that each label names."""
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 3), torch.tensor([0, 1, 2, 2, 0, 1])
    by_hand = -sum(logits[i].softmax(-1)[label].log() for i, label in enumerate(labels)) / 6
    torch.testing.assert_close(loss(logits, labels), by_hand)


def answers_come_in_the_order_of_the_texts(predict, texts) -> None:
    """`predict(texts)` of a mixed list is the list of what each text gets alone."""
    together = predict(texts)
    for text, answer in zip(texts, together, strict=True):
        (alone,) = predict([text])
        assert alone["label"] == answer["label"]
        assert abs(alone["score"] - answer["score"]) < 1e-5


def accuracy_counts_every_text_alike(accuracy) -> None:
    """`accuracy(gold, predicted)`: right ones over all, in whatever batches they came."""
    assert abs(accuracy([0, 1, 2, 0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 1, 2, 0, 1, 0]) - 8 / 9) < 1e-6
    assert abs(accuracy([1, 1, 0, 0, 1], [0, 1, 1, 0, 1]) - 3 / 5) < 1e-6


def cut_keeps_the_closing_sep(cut) -> None:
    """`cut(ids, max_length)`: [CLS] (2) … [SEP] (3), of at most max_length tokens, [SEP] included."""
    for length, max_length in ((7, 4), (7, 7), (7, 9), (3, 3)):
        ids = [2, *range(5, 3 + length), 3]
        assert cut(ids, max_length) == ([*ids[: max_length - 1], 3] if length > max_length else ids)


def normalises_as_the_formula(layer_norm) -> None:
    """`layer_norm(x, gain, bias, eps)`: over the last dimension, by D, with eps under the root."""
    torch.manual_seed(0)
    x, gain, bias = torch.randn(2, 3, 8, dtype=torch.float64), *torch.randn(2, 8, dtype=torch.float64)
    for eps in (1e-12, 0.5):
        variance = ((x - x.mean(-1, keepdim=True)) ** 2).mean(-1, keepdim=True)
        expected = gain * (x - x.mean(-1, keepdim=True)) / (variance + eps) ** 0.5 + bias
        torch.testing.assert_close(layer_norm(x, gain, bias, eps), expected)


def what_leaves_a_layer_is_normalised(block) -> None:
    """`block(hidden, sublayer, norm)`: the addition comes first, the norm last."""
    torch.manual_seed(0)
    norm, sublayer = torch.nn.LayerNorm(32, eps=1e-12), torch.nn.Linear(32, 32)
    states = block(torch.randn(2, 5, 32) * 9 + 4, sublayer, norm)
    torch.testing.assert_close(states.mean(-1), torch.zeros(2, 5), rtol=0, atol=1e-5)
    torch.testing.assert_close(states.var(-1, unbiased=False), torch.ones(2, 5), rtol=1e-4, atol=0)


def heads_are_slices_of_the_hidden_size(split_heads) -> None:
    """`split_heads(hidden, num_heads)`: (B, T, D) -> (B, H, T, D / H), each token's own numbers."""
    hidden = torch.arange(2 * 3 * 16.0).view(2, 3, 16)
    for heads in (1, 2, 8):
        split, size = split_heads(hidden, heads), 16 // heads
        assert split.shape == (2, heads, 3, size)
        for head in range(heads):
            assert torch.equal(split[:, head], hidden[..., head * size : (head + 1) * size])


def attends_as_the_formula(attention) -> None:
    """`attention(query, key, value, mask)` is softmax(Q Kᵀ / √d_k) V over the keys that are allowed."""
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 4, 5, 8, dtype=torch.float64).unbind()
    mask = torch.rand(2, 1, 5, 5) < 0.7
    mask[..., 0] = True
    expected = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    torch.testing.assert_close(attention(query, key, value, mask)[0], expected)


def embeddings_are_the_sum(embed) -> None:
    """`embed(words, positions, segments, input_ids, token_type_ids)`: three rows added, up to a LayerNorm."""
    torch.manual_seed(0)
    words, positions, segments = torch.randn(9, 6), torch.randn(7, 6), torch.randn(2, 6)
    ids, types = torch.tensor([[2, 5, 8, 3], [2, 5, 5, 3]]), torch.tensor([[0, 0, 1, 1], [0, 0, 0, 0]])
    by_hand = [
        [words[i] + positions[place] + segments[t] for place, (i, t) in enumerate(zip(*row, strict=True))]
        for row in zip(ids.tolist(), types.tolist(), strict=True)
    ]
    by_hand = torch.stack([torch.stack(row) for row in by_hand])
    found = embed(words, positions, segments, ids, types)
    torch.testing.assert_close(F.layer_norm(found, (6,)), F.layer_norm(by_hand, (6,)), rtol=1e-3, atol=1e-3)


def only_matrices_decay(decaying) -> None:
    """`decaying(shapes) -> sorted names`: no bias, and nothing of a LayerNorm's."""
    shapes = {
        "embeddings.word_embeddings.weight": (9, 4),
        "embeddings.LayerNorm.weight": (4,),
        "embeddings.LayerNorm.bias": (4,),
        "encoder.dense.weight": (4, 4),
        "encoder.dense.bias": (4,),
    }
    assert decaying(shapes) == ["embeddings.word_embeddings.weight", "encoder.dense.weight"]


def clipping_keeps_the_direction(clip) -> None:
    """`clip(gradients, max_norm)`: all of them shrink by one factor, to the norm allowed; or none does."""
    gradients = [torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0], [4.0]])]
    for max_norm, factor in ((1.0, 1 / 5), (4.5, 4.5 / 5), (6.0, 1.0)):
        for clipped, gradient in zip(clip([g.clone() for g in gradients], max_norm), gradients, strict=True):
            torch.testing.assert_close(clipped, gradient * factor)


def entities_as_conlleval_reads_them(spans) -> None:
    """`spans(tags) -> [(first word, one behind the last, type)]`: neighbours stay apart, types do not mix."""
    assert spans(["B-A", "I-A", "O", "B-B"]) == [(0, 2, "A"), (3, 4, "B")]
    assert spans(["B-A", "B-A", "I-A"]) == [(0, 1, "A"), (1, 3, "A")]
    assert spans(["B-A", "I-B", "I-B"]) == [(0, 1, "A"), (1, 3, "B")]


def tokenizes_as_bert_does(tokenizer_class) -> None:
    """`tokenizer_class(vocab).encode(text)`: accents, Chinese, greedy longest match, unknown words, places."""
    pieces = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "cafe",
        "un",
        "##w",
        "##want",
        "##ed",
        "wa",
        "low",
        "lowest",
    ]
    tokenizer = tokenizer_class({piece: number for number, piece in enumerate([*pieces, "博", "推", "l"])})
    for text, tokens, spans in (
        ("Café", ["cafe"], ["Café"]),
        ("Cafe\u0301 low", ["cafe", "low"], ["Cafe", "low"]),
        ("博推", ["博", "推"], ["博", "推"]),
        ("lowest", ["lowest"], ["lowest"]),
        ("UN\u200bwanted", ["un", "##want", "##ed"], ["UN", "want", "ed"]),
        ("unwantedx wa", ["[UNK]", "wa"], ["unwantedx", "wa"]),
    ):
        encoding = tokenizer.encode(text, add_special_tokens=False)
        assert encoding.tokens == tokens, (text, encoding.tokens)
        assert [text[start:end] for start, end in encoding.offsets] == spans, (text, encoding.offsets)


def masks_as_bert_does(mask_tokens) -> None:
    """Rates within five sigma on a million tokens; specials, the batch and global generators stay untouched."""
    vocab_size, specials, mask_id, size = 1000, [0, 1, 2, 3, 4], 4, 10**6
    numbers = np.random.default_rng(0)
    ids = torch.from_numpy(numbers.integers(0, vocab_size, (1000, size // 1000)))
    before, torch_state, numpy_state = ids.clone(), torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    settings = {"vocab_size": vocab_size, "mask_token_id": mask_id, "special_ids": specials}
    shown, labels = mask_tokens(ids, **settings, rng=np.random.default_rng(1))
    assert torch.equal(ids, before)
    again = mask_tokens(before.clone(), **settings, rng=np.random.default_rng(1))
    assert torch.equal(shown, again[0])
    assert torch.equal(labels, again[1])
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state).all()  # noqa: NPY002

    special = torch.isin(before, torch.tensor(specials))
    selected = labels != -100
    assert not (selected & special).any()
    assert torch.equal(labels[selected], before[selected])
    assert torch.equal(shown[~selected], before[~selected])
    within_five_sigma(selected.sum(), (~special).sum(), 0.15)
    shown, original = shown[selected], before[selected]
    within_five_sigma((shown == mask_id).sum(), len(shown), 0.8)
    ordinary = vocab_size - len(specials)
    within_five_sigma((shown == original).sum(), len(shown), 0.1 + 0.1 / ordinary)
    drawn = shown[(shown != mask_id) & (shown != original)]
    within_five_sigma(len(drawn), len(shown), 0.1 * (1 - 1 / ordinary))
    assert not torch.isin(drawn, torch.tensor(specials)).any()
    expected = len(drawn) / ordinary  # chi-square of the drawn tokens: its mean is its degrees of freedom
    statistic = ((torch.bincount(drawn, minlength=vocab_size)[5:] - expected) ** 2 / expected).sum()
    assert abs(statistic - ordinary) < 5 * (2 * ordinary) ** 0.5


def within_five_sigma(hits, trials, probability: float) -> None:
    """A count of independent draws lies within five standard deviations of its mean."""
    hits, trials = float(hits), float(trials)
    sigma = (trials * probability * (1 - probability)) ** 0.5
    assert abs(hits - trials * probability) < 5 * sigma, (hits / trials, probability)


def masks_change_from_epoch_to_epoch(batch_of) -> None:
    """`batch_of(epoch, number) -> (shown, labels)`: the same text gets other holes in another epoch."""
    (_, first), (_, second) = batch_of(0, 0), batch_of(1, 0)
    assert not torch.equal(first != -100, second != -100)


def pairs_do_not_lie(builder, documents) -> None:
    """`builder(documents, max_length=, rng=)`; the documents' tokens tell where they stand: document · 1000 + place."""
    pairs = builder(documents, max_length=32, rng=np.random.default_rng(0))
    assert pairs
    places = {document[0][0] // 1000: {s[0]: n for n, s in enumerate(document)} for document in documents}
    labels = []
    for pair in pairs:
        assert pair.first and pair.second
        assert len(pair.first) + len(pair.second) + 3 <= 32
        own, other = pair.first[-1] // 1000, pair.second[0] // 1000
        labels.append(pair.label)
        if pair.label == 0:
            assert pair.second[0] == pair.first[-1] + 1
            assert own == other
        else:
            assert own != other
            assert places[other].get(pair.second[0], 1) > 0, "a false B opens its document, a true one never does"
    within_five_sigma(sum(labels), len(labels), 0.5)


def mlm_loss_counts_selected_tokens_alone(loss) -> None:
    """`loss(logits, labels)`: the mean over the selected positions, whatever stands elsewhere; 0 if there are none."""
    torch.manual_seed(0)
    logits, labels = torch.randn(3, 5, 7), torch.randint(0, 7, (3, 5))
    labels[torch.rand(3, 5) < 0.6] = -100
    rows, columns = (labels != -100).nonzero(as_tuple=True)
    by_hand = -torch.stack(
        [logits[r, c].log_softmax(-1)[labels[r, c]] for r, c in zip(rows, columns, strict=True)]
    ).mean()
    torch.testing.assert_close(loss(logits, labels), by_hand)
    other = torch.where((labels == -100)[..., None], torch.randn(3, 5, 7) * 9, logits)
    torch.testing.assert_close(loss(other, labels), by_hand)
    assert loss(logits, torch.full((3, 5), -100)) == 0


def nsp_loss_counts_both_classes(loss) -> None:
    """`loss(logits, labels)`: both classes weigh alike, and a batch of either alone has a finite loss."""
    torch.manual_seed(0)
    logits = torch.randn(6, 2)
    for labels in ([0, 1, 1, 0, 1, 0], [0] * 6, [1] * 6):
        labels = torch.tensor(labels)
        by_hand = -logits.log_softmax(-1)[torch.arange(6), labels].mean()
        torch.testing.assert_close(loss(logits, labels), by_hand)


def whole_words_stay_whole(mask_tokens) -> None:
    """With continuation_ids, a word's pieces are selected together, each word for itself, each piece shown its own way.

    A piece that follows a special token (its word was cut off) begins a word and is no part of the special one.
    """
    specials, pieces = [0, 1, 2, 3, 4], [40, 41, 42]
    words = [[1], [2, 3, 4], [5], [7, 8], [9, 10]]  # places in the row below
    row = torch.tensor([2, 10, 11, 40, 41, 12, 3, 41, 42, 13, 40, 3, 0, 0])
    shown, labels = mask_tokens(
        row.expand(20_000, -1),
        vocab_size=50,
        mask_token_id=4,
        special_ids=specials,
        rng=np.random.default_rng(0),
        continuation_ids=pieces,
    )
    selected = labels != -100
    assert not selected[:, [0, 6, 11, 12, 13]].any()
    for word in words:
        part = selected[:, word]
        assert torch.equal(part.all(dim=1), part.any(dim=1)), "a word was torn"
        within_five_sigma(part[:, 0].sum(), len(part), 0.15)
    for one, other in pairwise(words):  # neighbours are drawn each for itself
        within_five_sigma((selected[:, one[0]] & selected[:, other[0]]).sum(), len(selected), 0.15**2)
    both = (shown[selected[:, 2]][:, [2, 3]] == 4).all(dim=1)
    within_five_sigma(both.sum(), len(both), 0.8**2)


def nsp_head_reads_pooled_cls(model, batch) -> None:
    """The pair's scores are the NSP head applied to the pooled [CLS]; no other position's last state reaches them."""
    model.eval()
    seen = {}
    hook = model.bert.register_forward_hook(lambda module, inputs, output: seen.update(output=output))
    logits = model(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"]).seq_relationship_logits
    hook.remove()
    last = seen["output"].last_hidden_state
    (gradient,) = torch.autograd.grad(logits.square().sum(), last, retain_graph=True)
    assert gradient[:, 0].abs().sum() > 0
    assert gradient[:, 1:].abs().sum() == 0
    torch.testing.assert_close(logits, model.nsp(seen["output"].pooler_output))


def true_next_is_never_a_false_b(builder) -> None:
    """`builder(documents, max_length=, rng=)` on documents that share a passage: a false B is not what follows A."""
    documents = [[[number], [5, 6], [7, 8], [number + 1]] for number in range(10, 40, 2)]
    for seed in range(40):
        for pair in builder(documents, max_length=12, rng=np.random.default_rng(seed)):
            flat = [token for sentence in documents[pair.documents[0]] for token in sentence]
            end = flat.index(pair.first[-1]) + 1
            if pair.label == 1 and end < len(flat):
                assert pair.second[0] != flat[end], pair


def short_documents_get_both_labels(builder) -> None:
    """`builder(documents, max_length=, rng=)`: documents of two and three sentences, short or long, are no clue."""
    lengths = np.random.default_rng(0).integers(1, 40, size=(4000, 3))
    documents = [[[7] * n for n in row[: 2 + number % 2]] for number, row in enumerate(lengths)]
    for document, own in enumerate(documents):
        own[0][0] = 100 + document  # so that no false B equals a true one
        own[1][0] = 5000 + document
    pairs = builder(documents, max_length=32, rng=np.random.default_rng(1))
    for size in (2, 3):
        labels = [pair.label for pair in pairs if len(documents[pair.documents[0]]) == size]
        assert len(labels) >= 2000
        within_five_sigma(sum(labels), len(labels), 0.5)


def label_guessed(pairs) -> float:
    """How often (a fraction, cross-validated) lengths and last tokens alone tell the label.

    B's first token beside A's last one is content: a quotation that goes on, a paragraph that follows a headline.
    """
    clues = [[len(p.first), len(p.second), len(p.first) + len(p.second), p.first[-1], p.second[-1]] for p in pairs]
    classifier = HistGradientBoostingClassifier(max_iter=40, random_state=0)
    return cross_val_score(classifier, np.array(clues), np.array([pair.label for pair in pairs]), cv=4).mean()


def nothing_but_content_tells_the_label(builder, documents) -> None:
    """`builder(documents, max_length=, rng=)`: lengths and last tokens tell hardly more than a coin."""
    pairs = [pair for seed in range(3) for pair in builder(documents, max_length=128, rng=np.random.default_rng(seed))]
    assert label_guessed(pairs) <= 0.55


def everything_random_comes_from_the_rng(function) -> None:
    """`function(rng)`: the same state gives the same result, another one another; global generators stay untouched."""
    torch_state, numpy_state, python_state = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    first, again, other = (function(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert (np.random.get_state()[1] == numpy_state[1]).all()  # noqa: NPY002
    assert np.random.get_state()[2] == numpy_state[2]  # noqa: NPY002
    assert random.getstate() == python_state


def one_answer_a_word(tagger_class, tokenizer, config) -> None:
    """`tagger_class` like EntityTagger: what it says at pieces behind a word's first does not reach the score."""
    from datasets import ClassLabel, Dataset, Features, List, Value

    from bertlib import BertForTokenClassification
    from bertlib.data.entities import read_split
    from bertlib.text.windows import cut_into_pieces, first_pieces

    names = list(config.labels)
    features = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=names))})
    rows = {"tokens": [["goal", "xyzzy", "of", "qqq"], ["bank"]], "ner_tags": [[1, 2, 0, 3], [0]]}
    split = Dataset.from_dict(rows, features=features)
    tagger = tagger_class(BertForTokenClassification(config), tokenizer, 32, constrained=False)
    texts, words = read_split(split)
    cut = cut_into_pieces(tokenizer, texts)
    assert max(len(pieces.ids) for pieces in cut) > 4  # some words have several pieces

    def right_at_first_pieces_only(texts, **_):
        answers = []
        for pieces, spans, tags in zip(cut, words, rows["ner_tags"], strict=True):
            scores = np.full((len(pieces.ids), len(names)), -9.0, dtype=np.float32)
            scores[:, 3] = -1.0  # B- of the second type, everywhere
            for at, tag in zip(first_pieces(pieces, spans), tags, strict=True):
                scores[at] = -9.0
                scores[at, tag] = 0.0
            answers.append(scores)
        return answers

    tagger.log_probabilities = right_at_first_pieces_only
    assert tagger.evaluate(split)["f1"] == 1.0


def tags_are_told_apart_by_name(piece_labels, tokenizer) -> None:
    """`piece_labels(pieces, words, tags, names)`: several words to BERT go on with I-, in any order of the names."""
    from itertools import permutations

    from bertlib.text.windows import cut_into_pieces

    (pieces,) = cut_into_pieces(tokenizer, ["goal.team bank"])
    for names in permutations(["O", "B-A", "I-A", "B-B", "I-B"]):
        tags = [names.index("B-B"), names.index("O")]
        labels = [names[label] for label in piece_labels(pieces, [(0, 9), (10, 14)], tags, list(names))]
        assert labels == ["B-B", "I-B", "I-B", "O"], names


def only_first_pieces_are_asked(piece_labels, tokenizer) -> None:
    """`piece_labels(pieces, words, tags, names)`: one label a word, whatever its number of pieces."""
    from bertlib.text.windows import cut_into_pieces

    names = ["O", "B-A", "I-A"]
    (pieces,) = cut_into_pieces(tokenizer, ["goal xyzzy of"])
    labels = piece_labels(pieces, [(0, 4), (5, 10), (11, 13)], [0, 1, 0], names)
    assert len(labels) > 3
    assert [label for label in labels if label != -100] == [0, 1, 0]
    assert (labels[2:-1] == -100).all()


# ------------------------------------------------------------------------------------------------------- adapters


def adapts_as_the_paper(adapter) -> None:
    """`adapter(linear, lora)`: W x + b + (α / r) · B A x, nothing else in use, and nothing at all at the start."""
    from bertlib.model.adapters import LoRA

    torch.manual_seed(0)
    linear, x = torch.nn.Linear(6, 5), torch.randn(3, 6)
    layer = adapter(linear, LoRA(rank=2, alpha=6, dropout=0.5)).eval()
    assert torch.equal(layer(x), linear(x))
    torch.nn.init.normal_(layer.lora_B)
    torch.testing.assert_close(layer(x), linear(x) + 3 * x @ layer.lora_A.T @ layer.lora_B.T)


def only_adapters_and_head_train(put_on, model) -> None:
    """`put_on(model, lora)`, then an update: A, B and the head move, no other weight does."""
    from bertlib.model.adapters import LoRA

    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    put_on(model, LoRA(rank=2, alpha=6))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    for _ in range(2):  # in the first update the gradient of A is 0, since B is
        optimizer.zero_grad()
        model(torch.tensor([[2, 5, 6, 3]]), labels=torch.tensor([1])).loss.backward()
        optimizer.step()
    moved = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved == {name for name in before if ".lora_" in name or name.startswith("classifier.")}


def merging_changes_nothing(merge, model) -> None:
    """`merge(model)` of a model with adapters: what it computes in use stays as it was."""
    ids = torch.tensor([[2, 5, 6, 3], [2, 7, 8, 3]])
    with torch.no_grad():
        before = model.eval()(ids).logits
        merge(model)
        torch.testing.assert_close(model(ids).logits, before, rtol=1e-5, atol=1e-6)


def merged_folder_opens_alike(save, model, folder) -> None:
    """`save(model, folder)` of a model with adapters: transformers reads the folder, and computes the same."""
    import transformers

    ids = torch.tensor([[2, 5, 6, 3], [2, 7, 8, 3]])
    with torch.no_grad():
        before = model.eval()(ids).logits
        save(model, folder)
        theirs = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
        torch.testing.assert_close(theirs(ids).logits, before, rtol=1e-5, atol=1e-6)


def peft_opens_what_was_saved(save, model, folder, encoder) -> None:
    """`save(model, folder)`: peft, around transformers' model of the encoder's folder, computes the same."""
    import peft
    import transformers

    ids = torch.tensor([[2, 5, 6, 3], [2, 7, 8, 3]])
    save(model.eval(), folder)
    torch.manual_seed(9)  # a head that was not stored comes out fresh
    base = transformers.BertForSequenceClassification.from_pretrained(encoder, num_labels=len(model.config.labels))
    theirs = peft.PeftModel.from_pretrained(base, folder).eval()
    with torch.no_grad():
        torch.testing.assert_close(theirs(ids).logits, model(ids).logits, rtol=1e-5, atol=1e-6)


def no_copy_is_on_two_sides(split) -> None:
    """`split(texts, labels, share, rewrite, rng)`: no text of the test is nearly one of training."""
    from bertcourse.data.copies import near_copies

    texts = [" ".join(f"word{10 * number + place}" for place in range(6)) for number in range(40)]
    train, _, test, _ = split(texts, [0] * 40, 0.25, lambda text: f"{text} indeed", np.random.default_rng(0))
    assert len(test) >= 10
    pairs = near_copies([*train, *test], 0.8)
    assert not [(one, other) for one, other in pairs if one < len(train) <= other]


def every_class_is_chosen_alike(choose) -> None:
    """`choose(probabilities, least)` -> rows and labels: as many of each class, however the model prefers one."""
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet([8.0, 1.0, 1.0], size=300)
    probabilities[::10] = rng.dirichlet([0.1, 0.1, 0.1], size=30)
    rows, labels = choose(probabilities, 0.7)
    counts = np.bincount(labels, minlength=3)
    assert counts.min() > 0 and counts.min() == counts.max()
    assert probabilities[rows].max(axis=1).min() >= 0.7


def labels_that_choose_are_counted(cost) -> None:
    """`cost(per_class, classes, validation, test)`: what an epoch was chosen by costs; what measures it at the end
    does not.
    """
    assert cost(8, 3, 100, 500) - cost(8, 3, 60, 500) == 40
    assert cost(8, 3, 100, 500) == cost(8, 3, 100, 900) == 124


# ------------------------------------------------------------------------------------------------- a support desk


def what_is_far_is_not_known(knows) -> None:
    """`knows(vectors, labels, query)`: less of a question that is like nothing than of one between two intents."""
    vectors = np.eye(8)[[0, 0, 1, 1, 2, 2]] + 0.05 * np.random.default_rng(0).standard_normal((6, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near, between, far = np.zeros((3, 8))
    near[0], between[:2], far[[0, 5]] = 1, 0.5**0.5, (0.2, 0.96**0.5)
    known = [knows(vectors, [*"aabbcc"], query) for query in (near, between, far)]
    assert known[0] > known[2] < known[1], known


def the_threshold_costs_least(choose) -> None:
    """`choose(confidence, right, wrong_cost, handover_cost)`: no other threshold costs less, whatever the two cost."""
    rng = np.random.default_rng(0)
    confidence = rng.random(60)
    right = rng.random(60) < confidence

    def total(t, wrong_cost, handover_cost):
        answered = confidence >= t
        return wrong_cost * (answered & ~right).sum() + handover_cost * (~answered).sum()

    for costs in ((12, 3), (2, 1), (30, 1), (1, 2)):
        least = min(total(t, *costs) for t in [*confidence, np.inf])
        assert total(choose(confidence, right, *costs), *costs) == least, costs


def the_test_chooses_nothing(choose, held_out, *tests) -> None:
    """`choose(held_out, test)`: the same, whatever the test is."""
    assert len({float(choose(held_out, test)) for test in tests}) == 1 < len(tests)


def scopes_are_told_apart(measure) -> None:
    """`measure(gold, predicted, outside)`: not the same of a desk that knows what it does not know and of one that
    does not, though both are right as often.
    """
    gold = np.array([0] * 40 + [1] * 40 + [9] * 20)
    careful, careless = gold.copy(), gold.copy()
    careful[:20], careless[80:] = 1, 0
    assert (careful == gold).mean() == (careless == gold).mean() == 0.8
    one, other = (np.atleast_1d(measure(gold, predicted, 9)) for predicted in (careful, careless))
    assert not np.allclose(one, other)


def both_readers_are_asked(measure) -> None:
    """`measure(predicted, first, second)`: whoever of two readers is called the first; and where they contradict each
    other, the model is no judge.
    """
    rng = np.random.default_rng(0)
    first, predicted = rng.integers(0, 5, (2, 200))
    predicted[:150] = first[:150]
    second = np.where(rng.random(200) < 0.2, (first + 1) % 5, first)
    found = measure(predicted, first, second)
    assert np.allclose(measure(predicted, second, first), found)
    for disputed in (first, second, (first + 3) % 5):
        assert np.allclose(measure(np.where(first == second, predicted, disputed), first, second), found)


# ------------------------------------------------------------------------------------------------ answers in a text


def an_answer_is_labelled_where_it_stands_whole(place) -> None:
    """`place(reading, span)`: tokens that are the answer's pieces and no others; [CLS] twice where one of them is
    lacking. Answers at the first and the last token stand whole.
    """
    from bertlib.text.answers import Reading

    reading = Reading(0, 20, 28, 5)
    tokens = ["[CLS]", "q", "q", "q", "[SEP]", *range(20, 28), "[SEP]"]  # pieces by their numbers
    for first in range(16, 31):
        for last in range(first, 32):
            labels = list(place(reading, (first, last)))
            if first >= 20 and last <= 27:
                assert tokens[labels[0] : labels[1] + 1] == list(range(first, last + 1)), (first, last)
            else:
                assert labels == [0, 0], (first, last)


def windows_hold_the_whole_context(read, tokenizer) -> None:
    """`read(tokenizer, questions, contexts, max_length)` like read_with_questions: every piece is in a window, in the
    context's order, beside the whole question, and no window is longer than the model reads.
    """
    rng = np.random.default_rng(0)
    words = ["the", "goal", "xyzzy", "bank", "of", "qq"]
    opening, closing = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    for max_length in (12, 13, 17, 24, 40):
        questions = [" ".join(rng.choice(words[:2], size=rng.integers(1, max_length - 6))) for _ in range(8)]
        contexts = [" ".join(rng.choice(words, size=size)) for size in (1, 2, 5, 9, 20, 33, 60, 150)]
        sequences, segments, readings, cut = read(tokenizer, questions, contexts, max_length)
        assert len(sequences) == len(segments) == len(readings)
        rows = [reading.row for reading in readings]
        assert sorted(set(rows)) == list(range(8)) and rows == sorted(rows)
        for row, (question, pieces) in enumerate(zip(questions, cut, strict=True)):
            asked = tokenizer.encode(question, add_special_tokens=False).ids
            seen = set()
            for sequence, segment, reading in zip(sequences, segments, readings, strict=True):
                if reading.row == row:
                    window = pieces.ids[reading.start : reading.end]
                    assert sequence == [opening, *asked, closing, *window, closing]
                    assert segment == [0] * reading.before + [1] * (len(window) + 1)
                    assert reading.before == len(asked) + 2 and len(sequence) <= max_length
                    seen |= set(range(reading.start, reading.end))
            assert seen == set(range(len(pieces.ids))), "a piece is in no window"


def best_spans_are_those_of_brute_force(best_spans) -> None:
    """`best_spans(starts, ends, n, longest)`: 500 cases, with ties and with tokens where nothing may begin or end."""
    rng = np.random.default_rng(0)
    for case in range(500):
        size, n, longest = int(rng.integers(1, 50)), int(rng.integers(1, 25)), int(rng.choice([1, 2, 7, 30]))
        starts, ends = rng.normal(size=(2, size)) if case % 2 else rng.integers(-2, 3, size=(2, size)).astype(float)
        starts[rng.random(size) < 0.3] = ends[rng.random(size) < 0.3] = -np.inf
        every = [
            (first, last, starts[first] + ends[last])
            for first in range(size)
            for last in range(first, min(first + longest, size))
            if starts[first] + ends[last] > -np.inf
        ]
        every.sort(key=lambda span: (-span[2], span[0], span[1]))
        assert best_spans(starts, ends, n, longest) == every[:n], case


def answers_are_whole_words_of_the_context(spans_class, tokenizer) -> None:
    """`spans_class(pieces, n)` like Spans: scores speak for the question, for [SEP], for padding and for pieces within
    a word; the candidates are whole words of the context all the same, each from an earlier to a later place.
    """
    from bertlib.text.answers import read_with_questions

    context, words = "goal xyzzy bank", [(0, 4), (5, 10), (11, 15)]
    _, _, (reading,), (pieces,) = read_with_questions(tokenizer, ["the team of"], [context], 30)
    begins = np.flatnonzero(pieces.first_of_words())
    ends = [*begins[1:] - 1, len(pieces.ids) - 1]
    assert ends[1] - begins[1] >= 2  # the second word has pieces within it
    for seed in range(20):
        scores = np.random.default_rng(seed).normal(size=(reading.before + len(pieces.ids) + 4, 2))
        scores[1 : reading.before] += 20
        scores[-4:] += 20
        scores[reading.before + begins[1] + 1 : reading.before + ends[1], :] += 10
        spans = spans_class(pieces, 20)
        spans.add(reading, scores)
        found = {(span.start, span.end): span.score for span in spans.best(context)}
        own = scores[reading.before :]
        expected = {
            (words[one][0], words[other][1]): own[begins[one], 0] + own[ends[other], 1]
            for one in range(3)
            for other in range(one, 3)
        }
        assert found.keys() == expected.keys()
        assert all(abs(found[place] - score) < 1e-9 for place, score in expected.items())


def nothing_is_worth_what_it_is_where_it_is_worth_least(spans_class, tokenizer) -> None:
    """`spans_class(pieces, n)` like Spans: one window that sees an answer is enough, whichever it is."""
    from itertools import permutations

    from bertlib.text.answers import read_with_questions

    _, _, readings, (pieces,) = read_with_questions(tokenizer, ["the"], ["goal bank " * 8], 12)
    assert len(readings) == 3
    for worth in permutations((5.0, -3.0, 1.0)):
        spans = spans_class(pieces, 5)
        for reading, nothing in zip(readings, worth, strict=True):
            scores = np.zeros((12, 2))
            scores[0] = nothing / 2
            spans.add(reading, scores)
        assert spans.nothing == -3.0, worth


def one_span_of_two_windows_counts_once(spans_class, tokenizer) -> None:
    """`spans_class(pieces, n)` like Spans: neighbours share a quarter, and what stands whole in both is one candidate,
    with the better of its scores.
    """
    from bertlib.text.answers import read_with_questions

    words = ["goal", "bank", "team", "of", "match", "coach", "share", "profit"]
    context = " ".join(words)
    _, _, readings, (pieces,) = read_with_questions(tokenizer, ["the"], [context], 10)
    assert len(pieces.ids) == len(words) and len(readings) == 2
    shared = words[readings[1].start : readings[0].end]
    assert len(shared) >= 2
    for better in readings:
        spans = spans_class(pieces, 100)
        for reading in readings:
            spans.add(reading, np.full((10, 2), 1.0 if reading is better else 0.5))
        found = [(context[span.start : span.end], span.score) for span in spans.best(context)]
        assert len({text for text, _ in found}) == len(found), "a span is there twice"
        of_text = dict(found)
        of_first, of_second = (2.0, 1.0) if better is readings[0] else (1.0, 2.0)
        assert of_text[words[0]] == of_first and of_text[words[-1]] == of_second
        assert all(of_text[word] == 2.0 for word in shared)
        assert of_text[" ".join(shared)] == 2.0


def the_threshold_is_the_best(suited) -> None:
    """`suited(answerer, split)` like Answerer.suited_threshold: no threshold has a better F1, on candidates with ties,
    with none, and where all thresholds above or below 0 are wrong.
    """
    from types import SimpleNamespace

    from bertlib.data.questions import question_rows
    from bertlib.metrics.answers import answer_scores
    from bertlib.text.answers import Candidate

    context = "the goal of the team"
    for seed in range(60):
        rng = np.random.default_rng(seed)
        size, shift = int(rng.integers(1, 12)), float(rng.choice([-5.0, 0.0, 5.0]))
        leads = rng.normal(size=size) if seed % 2 else rng.integers(-2, 3, size=size)
        found, rows, texts = [], [], []
        for lead in leads:
            start, end = ((0, 8), (4, 8), (9, 20))[rng.integers(3)]
            best = [Candidate(start, end, 1.5)] if rng.random() < 0.9 else []
            found.append((best, 1.5 + float(lead) + shift))
            texts.append(context[start:end] if best else "")
            right = [("goal", 4)] if rng.random() < 0.6 else []
            answers = {"text": [text for text, _ in right], "answer_start": [place for _, place in right]}
            rows.append({"question": "who?", "context": context, "answers": answers})
        golds = [row["answers"]["text"] for row in rows]

        def f1(threshold, found=found, texts=texts, golds=golds):
            given = [
                text if best and not nothing - best[0].score > threshold else ""
                for (best, nothing), text in zip(found, texts, strict=True)
            ]
            return answer_scores(golds, given)["f1"]

        asked = SimpleNamespace(candidates=lambda questions, contexts, found=found, **options: found)
        own = [nothing - best[0].score for best, nothing in found if best]
        every = [-100.0, 0.0, 100.0, *own, *(lead + 1e-6 for lead in own), *(lead - 1e-6 for lead in own)]
        threshold = suited(asked, question_rows(rows))
        assert np.isfinite(threshold), seed
        assert f1(threshold) >= max(map(f1, every)) - 1e-12, seed


def answers_stand_where_they_are_said_to(check) -> None:
    """`check(question, context, answers, place)` like check_question: a place that is off by one is refused, so that
    nobody learns from it.
    """
    context = "goal goals, a goal"
    for text, start in (("goal", 0), ("goal", 14), ("goals", 5), ("a goal", 12), (", a", 10)):
        for shift in (-2, -1, 0, 1, 2):
            given = {"text": ["goal", text], "answer_start": [0, start + shift]}
            try:
                found = check("who?", context, given, "row 3")
            except ValueError as error:
                assert shift and "row 3" in str(error), (text, shift)
            else:
                assert shift == 0 and found == [(0, 4), (start, start + len(text))], (text, shift)


def vectors_know_no_neighbours(pooling) -> None:
    """`pooling(states, mask) -> (B, D)`, made unit vectors: a longer neighbour brings padding, and changes nothing."""
    torch.manual_seed(0)
    states = torch.randn(2, 7, 8)
    mask = torch.tensor([[1] * 3 + [0] * 4, [1] * 7])
    together = F.normalize(pooling(states, mask), dim=-1)
    alone = F.normalize(pooling(states[:1, :3], None), dim=-1)
    torch.testing.assert_close(together[:1], alone)
    torch.testing.assert_close(pooling(states, mask), torch.stack([states[0, :3].mean(0), states[1].mean(0)]))


def right_answers_are_no_wrong_ones(forward) -> None:
    """`forward(model, ids, mask, segments, partner_ids, partner_mask, labels)` of an embedding model: what is right for
    a text beside its own partner has no say in its loss, and whatever else is right for others has.
    """
    torch.manual_seed(0)
    config = BertConfig(vocab_size=30, hidden_size=64, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    model = BertForEmbedding(config).eval()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.5)
    model.SCALE = 2.0  # nothing is too small to be seen
    texts, partners = torch.randint(5, 30, (4, 5)), torch.randint(5, 30, (4, 6))
    labels = torch.eye(4, dtype=torch.bool)
    labels[0] = labels[1, 0] = labels[1, 3] = True  # of the first nothing is left to be wrong
    ones = torch.ones_like(partners)
    found = forward(model, texts, None, None, partners, ones, labels).loss
    scores = 2 * model(texts).logits @ model(partners, ones).logits.T
    expected = [scores[i][labels[i] == 0].exp().sum().add(scores[i, i].exp()).log() - scores[i, i] for i in range(4)]
    torch.testing.assert_close(found, torch.stack(expected).mean())


def nearest_as_by_brute_force(vectors_class) -> None:
    """Vectors of length 1, compared by their angle: the k best, best first."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 12)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = vectors_class()
    found.add(np.arange(30), vectors[:30])
    found.add(np.arange(30, 50), vectors[30:])
    for query in vectors[:5] + 0.3 * rng.normal(size=(5, 12)).astype(np.float32):
        query /= np.linalg.norm(query)
        angles = [float(np.arccos(np.clip(vector @ query, -1, 1))) for vector in vectors]
        assert [text for text, _ in found.best(query, 7)] == sorted(range(50), key=angles.__getitem__)[:7]


def fused_scores_have_their_say(fuse) -> None:
    """`fuse(words, meaning, weight)`: BM25 is of another size than a cosine, and cosines lie close together."""
    words = [(0, 31.0), (1, 30.0), (2, 12.0)]
    meaning = [(2, 0.84), (1, 0.835), (0, 0.80)]
    assert fuse(words, meaning, 0.5)[0][0] == 1  # second in both
    assert [text for text, _ in fuse(words, meaning, 0.9)] == [2, 1, 0]
    assert [text for text, _ in fuse(words, meaning, 0.02)] == [0, 1, 2]


def windows_know_the_end(embedder, windows) -> None:
    """`windows(embedder, texts) -> vectors, owners`: two long texts that differ at the end differ in a vector."""
    start = " ".join(["the goal of the good team"] * 20)
    vectors, owners = windows(embedder, [start + " bank", start + " coach"])
    one, two = (vectors[owners == number] for number in (0, 1))
    assert np.abs(one[-1] - two[-1]).max() > 1e-3
    np.testing.assert_allclose(one[0], embedder.predict(start), rtol=0, atol=1e-6)
