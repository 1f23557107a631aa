"""Texts read from left to right and written by repeated masking: what may be seen, what is drawn, known bugs."""

import numpy as np
import pytest
import torch
from bug_zoo import written_bugs

from bertcourse.written import (
    SIGHTS,
    causal_logits,
    copied,
    different,
    disagreement,
    gibbs,
    losses_at,
    pseudo_losses,
)
from bertlib import BertForPreTraining
from bertlib.tasks.pretrained import PretrainedBert
from bertlib.text.pair_stream import special_ids

TEXT = "the good team and the bad bank of the market"


@pytest.fixture
def bert(tiny_config, tokenizer):
    model = BertForPreTraining(tiny_config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)  # so that the context matters
    return PretrainedBert(model, tokenizer, 40)


@pytest.fixture
def ids(bert):
    return bert.tokenizer.encode(TEXT).ids


def test_left_alone_sees_nothing_to_the_right(bert, ids):
    places, other = [3, 5], list(ids)
    other[7] = other[1]
    for sight in SIGHTS:
        first, second = (losses_at(bert, row, places, sight) for row in (ids, other))
        assert first.shape == (2,) and np.isfinite(first).all()
        assert np.allclose(first, second, atol=1e-5) == (sight != SIGHTS[0]), sight
    earlier = list(ids)
    earlier[1] = ids[2]
    for sight in SIGHTS:
        assert not np.allclose(losses_at(bert, ids, places, sight), losses_at(bert, earlier, places, sight), atol=1e-4)
    with pytest.raises(ValueError, match="sight='right': choose among 'both sides'"):
        losses_at(bert, ids, places, "right")


def test_a_causal_mask_is_a_text_cut_after_each_place(bert, ids):
    row = torch.tensor([ids])
    with torch.inference_mode():
        found = causal_logits(bert, row)
        for end in range(1, len(ids) + 1):  # the last token of a text that is cut sees all that the mask lets it see
            own = causal_logits(bert, row[:, :end])
            assert torch.allclose(own[0, -1], found[0, end - 1], atol=1e-4)
        assert torch.allclose(found[0, 0], bert.model(row[:, :1]).prediction_logits[0, 0], atol=1e-4)


def test_pseudo_losses_are_those_of_one_mask_at_a_time(bert, ids):
    found = pseudo_losses(bert, ids, batch_size=3)
    assert found.shape == (len(ids) - 2,)
    mask = special_ids(bert.tokenizer)["[MASK]"]
    for place in range(1, len(ids) - 1):
        row = torch.tensor([ids])
        row[0, place] = mask
        with torch.inference_mode():
            scores = bert.model(row).prediction_logits[0, place].log_softmax(-1)
        assert found[place - 1] == pytest.approx(-scores[ids[place]].item(), abs=1e-4)


def seen_by(bert, write):
    """What the encoder was given while three texts were written, and these."""
    given, hook = [], None
    hook = bert.model.bert.register_forward_pre_hook(lambda module, args: given.append(args[0].clone()))
    try:
        return write(bert, [4, 6, 6], 2, np.random.default_rng(0)), given
    finally:
        hook.remove()


def is_right(bert, texts, given):
    special = special_ids(bert.tokenizer)
    return (
        [len(text) for text in texts] == [4, 6, 6]
        and not {one for text in texts for one in text} & set(special.values())
        and all(bool((row == special["[MASK]"]).any()) for rows in given for row in rows)
    )


def test_every_piece_is_hidden_before_it_is_drawn(bert):
    texts, given = seen_by(bert, gibbs)
    assert is_right(bert, texts, given)
    assert sum(len(rows) for rows in given) == 2 * (4 + 6 + 6)
    again = gibbs(bert, [4, 6, 6], 2, np.random.default_rng(0))
    assert texts == again != gibbs(bert, [4, 6, 6], 2, np.random.default_rng(1))


@pytest.mark.parametrize(
    "bug", [written_bugs.the_end_is_drawn_too, written_bugs.specials_are_drawn, written_bugs.the_piece_is_seen]
)
def test_known_samplers_do_something_else(bert, bug):
    if bug is written_bugs.specials_are_drawn:  # a model that likes to end
        with torch.no_grad():
            bert.model.mlm.bias[special_ids(bert.tokenizer)["[SEP]"]] += 50
    assert is_right(bert, *seen_by(bert, gibbs))
    assert not is_right(bert, *seen_by(bert, bug))


def test_the_best_of_many_is_no_sample(bert):
    special = special_ids(bert.tokenizer)

    def mean(texts):
        rows = ([special["[CLS]"], *text, special["[SEP]"]] for text in texts)
        return np.mean([pseudo_losses(bert, row).mean() for row in rows])

    drawn, best = (write(bert, [5] * 8, 1, np.random.default_rng(2)) for write in (gibbs, written_bugs.best_of_many))
    assert mean(best) < mean(drawn) - 0.3


def test_texts_are_drawn_as_the_model_guesses(bert):
    """Of one place there is nothing else to see: shares of many draws are the probabilities."""
    special = special_ids(bert.tokenizer)
    texts = gibbs(bert, [1] * 4000, 1, np.random.default_rng(3))
    row = torch.tensor([[special["[CLS]"], special["[MASK]"], special["[SEP]"]]])
    with torch.no_grad():
        logits = bert.model(row).prediction_logits[0, 1]
    logits[list(special.values())] = -torch.inf
    shares = np.bincount([text[0] for text in texts], minlength=len(logits)) / len(texts)
    assert np.abs(shares - logits.softmax(-1).numpy()).max() < 0.03


@pytest.mark.parametrize("given", [{"temperature": 0}, {"sweeps": 0}])
def test_what_cannot_be_drawn_is_refused(bert, given):
    with pytest.raises(ValueError, match="give a number above 0, and at least 1"):
        gibbs(bert, [3], rng=np.random.default_rng(0), **({"sweeps": 1} | given))


def test_guesses_contradict_each_other(bert, ids):
    """A random model's guesses have no joint distribution; guesses that see no other place have one."""
    with torch.no_grad():
        for layer in bert.model.bert.layers:
            layer.attention.query.weight *= 4  # so that a place looks at some others more than at the rest
    pairs = [(1, 3), (2, 4), (5, 6)]
    assert max(disagreement(bert, ids, pair, (ids[8], ids[9])) for pair in pairs) > 0.01
    with torch.no_grad():
        for layer in bert.model.bert.layers:
            layer.attention.output.weight.zero_()
    assert max(disagreement(bert, ids, pair, (ids[8], ids[9])) for pair in pairs) < 1e-4


def test_copies_are_counted():
    known = [[1, 2, 3, 4, 5], [9, 9]]
    assert copied([[1, 2, 3], [3, 4, 6]], known, n=3) == 0.5
    assert copied([[2, 3, 4, 5]], known, n=3) == 1 and copied([[1, 2]], known, n=3) == 0
    assert copied([[5, 9, 9]], known, n=3) == 0, "no run goes over two texts"
    assert different([[1, 2, 1, 2]], n=2) == pytest.approx(2 / 3) and different([], n=2) == 0
