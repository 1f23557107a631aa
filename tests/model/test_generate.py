"""Greedy and beam search write what transformers' `generate` writes, on 200 sources; wrong uses are refused."""

import pytest
import torch
from bug_zoo import seq2seq_bugs

from bertlib import BertConfig
from bertlib.model.generate import beam_search, greedy
from bertlib.model.seq2seq import BertForSeq2Seq

SHAPE = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64, "max_position_embeddings": 40}


@pytest.fixture(scope="module")
def model():
    """Random weights, some way apart, that end a text now and then and never write [PAD]."""
    torch.manual_seed(0)
    sides = (
        BertConfig(vocab_size=60, num_hidden_layers=2, **SHAPE),
        BertConfig(vocab_size=50, num_hidden_layers=3, **SHAPE),
    )
    model = BertForSeq2Seq(*sides, start=1, end=2).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.15)
        model.decoder.mlm.bias[0] = -50
        model.decoder.mlm.bias[2] += 0.5
    return model


@pytest.fixture(scope="module")
def theirs(model, tmp_path_factory):
    import transformers

    folder = tmp_path_factory.mktemp("models") / "writer"
    model.save_pretrained(folder)
    return transformers.EncoderDecoderModel.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def sources():
    ids = torch.randint(3, 60, (200, 12), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    ids[1::2, 6:], mask[1::2, 6:] = 0, 0
    return ids, mask


def texts(ids):
    """Rows up to their end."""
    return [row[: row.index(2) + 1] if 2 in row else row for row in ids.tolist()]


def generated(theirs, sources, **options):
    return theirs.generate(sources[0], attention_mask=sources[1], max_new_tokens=20, do_sample=False, **options)


def test_greedy_is_that_of_transformers(model, theirs, sources):
    ours = texts(greedy(model, *sources, max_length=20))
    assert ours == texts(generated(theirs, sources, num_beams=1)[:, 1:])
    assert sum(row[-1] == 2 for row in ours) > 100
    assert texts(greedy(model, *sources, max_length=3)) == [row[:3] for row in ours]  # cut, most before their end
    with pytest.raises(AssertionError):  # the control: an end that is not the end
        end = model.end
        try:
            assert texts(greedy(seq2seq_bugs.ends_never(model), *sources, max_length=20)) == ours
        finally:
            model.end = end


@pytest.mark.parametrize("beams, penalty", [(2, 1.0), (4, 0.0), (4, 1.0), (4, 2.0), (8, -1.0)])
def test_beams_are_those_of_transformers(model, theirs, sources, beams, penalty):
    ours, scores = beam_search(model, *sources, beams=beams, length_penalty=penalty, max_length=20)
    options = {"num_beams": beams, "length_penalty": penalty, "early_stopping": False}
    other = generated(theirs, sources, **options, return_dict_in_generate=True, output_scores=True)
    assert texts(ours) == texts(other.sequences[:, 1:])
    assert torch.allclose(scores, other.sequences_scores, atol=1e-4)


def test_one_beam_is_greedy_and_more_beams_find_likelier_texts(model, sources):
    likeliest = greedy(model, *sources, max_length=20)
    one, scores = beam_search(model, *sources, beams=1, length_penalty=0.0, max_length=20)
    assert texts(one) == texts(likeliest)
    _, more = beam_search(model, *sources, beams=8, length_penalty=0.0, max_length=20)
    assert (more >= scores - 1e-4).float().mean() > 0.9 and (more > scores + 1e-3).any()


def test_a_source_is_written_alike_alone_and_beside_others(model, sources):
    together, _ = beam_search(model, *sources, max_length=20)
    for row in (0, 1, 7):
        length = int(sources[1][row].sum())
        alone, _ = beam_search(model, sources[0][row : row + 1, :length], max_length=20)
        assert texts(alone)[0] == texts(together)[row]


@pytest.mark.parametrize("length", [0, 41])
def test_what_the_position_table_does_not_hold_is_refused(model, sources, length):
    for write in (greedy, beam_search):
        with pytest.raises(ValueError, match=f"max_length={length}: give 1 to 40 pieces"):
            write(model, *sources, max_length=length)
    assert greedy(model, sources[0][:2], sources[1][:2], max_length=40).size(1) <= 40


@pytest.mark.parametrize("beams", [0, 26, 51])
def test_a_beam_wider_than_the_vocabulary_allows_is_refused(model, sources, beams):
    with pytest.raises(ValueError, match=f"beams={beams}: give 1 to 25, half of the decoder's vocabulary"):
        beam_search(model, *sources, beams=beams, max_length=20)
