"""Machines of lessons 05 and 06: what their functions refuse, and the words that are hidden."""

import numpy as np
import pytest
from browser import chromium, watch
from machine_cases.pretraining import be_the_model, schedule_curves, warm_up_and_decay
from machine_cases.speed import config_of

from bertcourse.machines import pretraining, speed
from bertcourse.machines.pretraining import NEVER, Gap, hide_words
from bertlib import BertConfig
from bertlib.data import encoder_folder
from bertlib.text.tokenizer import load_tokenizer

DOCUMENTS = [
    ["Oil prices fall again", "They fell for a second day, as stocks of crude rose."],
    ["12", "3.4"],
    ["the cat"],
]


def test_a_hidden_word_is_one_whole_piece():
    tokenizer = load_tokenizer(encoder_folder("bbc_bert"))
    places = set()
    for seed in range(20):
        first, other = hide_words(DOCUMENTS, tokenizer, 5, np.random.default_rng(seed))
        assert " ".join(first.words) == " ".join(DOCUMENTS[0]) and first.headline == 4
        assert first.hidden.isalpha() and tokenizer.token_to_id(first.hidden) is not None
        assert first.with_mask().split()[first.place] == "[MASK]" and other.hidden in ("the", "cat")
        places.add(first.place)
    assert len(places) > 3


def test_of_a_text_no_more_words_are_shown_and_of_many_no_more_texts():
    tokenizer, rng = load_tokenizer(encoder_folder("bbc_bert")), np.random.default_rng(0)
    (gap,) = hide_words(DOCUMENTS, tokenizer, 1, rng, words=3)
    assert gap.words == ("Oil", "prices", "fall") and gap.headline == 3
    (gap,) = hide_words([["Oil prices", "They fell again " * 20]], tokenizer, 1, rng)
    assert len(gap.words) == 25  # a short quotation, as the terms of BBC News allow


def test_texts_without_a_word_are_refused():
    with pytest.raises(ValueError, match="none of 1 begins with a word of three letters"):
        hide_words(DOCUMENTS[1:2], load_tokenizer(encoder_folder("bbc_bert")), 1, np.random.default_rng(0))


def test_gaps_that_cannot_be_guessed_are_refused():
    gap = Gap(("the", "cat"), 2, 1)
    with pytest.raises(ValueError, match="0 gaps, 0 guesses: give at least one"):
        pretraining.be_the_model([], {}, [])
    with pytest.raises(ValueError, match="1 gaps, 2 guesses"):
        pretraining.be_the_model([gap], {"cat": 1.0}, [{"cat": 1.0}, {"cat": 1.0}])
    for frequencies, guess in (({"dog": 1.0}, {"cat": 1.0}), ({"cat": 1.0}, {"cat": 0.0})):
        with pytest.raises(ValueError, match=r"gaps\[0\] hides 'cat', which has no frequency or no guess"):
            pretraining.be_the_model([gap], frequencies, [guess])


def test_the_hidden_word_is_not_in_what_is_shown_first():
    machine = be_the_model()
    shown = machine.picture.alt + machine.picture.svg() + machine.question
    assert "____" in shown and "cat" not in shown


def test_enter_guesses_and_a_second_enter_goes_on():
    """Pressed as a reader does: the first one may not reach Next, on which the focus lies afterwards."""
    with chromium() as browser:
        page = browser.new_page()
        wrong = watch(page)
        page.set_content(be_the_model().html())
        state = "document.querySelector('[data-machine]').machine.state()"
        page.get_by_role("textbox", name="Your word").fill("mat")
        page.keyboard.press("Enter")
        assert page.evaluate(state) | {"share": 0} == {"at": 0, "typed": "", "guesses": ["mat", "", ""], "share": 0}
        told = page.locator("section").inner_text()
        assert "It is “cat”, you typed “mat”. Loss of “cat” in nats: yours" in told and "Right so far: 0 of 1" in told
        page.keyboard.press("Enter")
        page.keyboard.type("sat")
        page.keyboard.press("Enter")
        assert page.evaluate(f"{state}.at") == 1 and page.evaluate(f"{state}.guesses")[1] == "sat"
        assert wrong == []


def test_losses_that_do_not_fit_the_schedules_are_refused():
    at, losses = schedule_curves()
    rates = {"peak": [0.3, 1.0, 3.0], "warmup": [0, 2, 10], "zero": [20, 40, NEVER]}
    with pytest.raises(ValueError, match=r"losses.shape=\(2, 3, 3, 5\).*give one curve for each"):
        pretraining.warm_up_and_decay(rates, losses[1:], at, 6.9, 10.0)
    with pytest.raises(ValueError, match="the last one 1000000000000"):
        pretraining.warm_up_and_decay(rates | {"zero": [20, 40, 80]}, losses, at, 6.9, 10.0)
    for peak in (0, 1):  # at the first the way down only costs something, at the other it only gains
        with pytest.raises(ValueError, match="record peaks from too small to too large"):
            pretraining.warm_up_and_decay(rates, losses[[peak, peak, peak]], at, 6.9, 10.0)
    assert warm_up_and_decay().data["start"] == [2, 0]  # where the way down gains most


def test_curves_on_which_no_perplexity_halves_are_refused():
    with pytest.raises(ValueError, match="3 updates, 2 losses, 3 minutes: give as many of each"):
        pretraining.perplexity_halved([0, 1, 2], [7, 6], [0, 1, 2])
    with pytest.raises(ValueError, match="the updates rising"):
        pretraining.perplexity_halved([0, 2, 1], [7, 6, 5], [0, 1, 2])
    with pytest.raises(ValueError, match=r"from update 1 on no two of them lie 0.69 nats apart"):
        pretraining.perplexity_halved([0, 1, 2, 3, 4], [7, 6.3, 6, 5.9, 5.7], [0, 1, 2, 3, 4])


def test_padding_that_cannot_be_found_is_refused():
    with pytest.raises(ValueError, match="batch_size=10: choose one of 1, 2, 4"):
        speed.padded_batches([5, 6] * 100, 10, 128)
    with pytest.raises(ValueError, match="4 lengths from 3 to 9, longest=128: give at least 128"):
        speed.padded_batches([3, 9, 9, 9], 16, 128)
    with pytest.raises(ValueError, match="longest=8: give at least 128 lengths from 1 to longest"):
        speed.padded_batches([9] * 200, 16, 8)
    with pytest.raises(ValueError, match="give lengths that differ"):
        speed.padded_batches([9] * 200, 16, 128)


def test_sizes_that_are_not_on_the_sliders_are_refused():
    for config, length in (
        (BertConfig(hidden_size=250, num_attention_heads=1), 128),
        (BertConfig(hidden_size=256, num_attention_heads=1, intermediate_size=1000), 128),
        (config_of(256, 30, 4), 128),
        (config_of(256, 4, 4), 130),
        (config_of(256, 4, 4), 520),
    ):
        with pytest.raises(ValueError, match="give a width that is a multiple of 16"):
            speed.share_of_attention(config, length)
    with pytest.raises(ValueError, match="at 6 times the width; give positions from 96 to below 384"):
        speed.share_of_attention(config_of(64, 4, 4), 128)
