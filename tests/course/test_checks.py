"""The checks: right answers pass, wrong ones do not, the hint fits, nothing that an answer does harms the caller."""

import ast
import inspect
import io
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import redirect_stdout
from itertools import pairwise
from pathlib import Path

import lesson_size
import mutation
import nbformat
import numpy as np
import pytest
import solutions
import torch
from bug_zoo import (
    answer_bugs,
    calibration_bugs,
    chinese_bugs,
    desk_bugs,
    distil_bugs,
    drift_bugs,
    few_labels_bugs,
    labels_off,
    layer_bugs,
    length_bugs,
    maps_without_mask,
    masked_row,
    masking_bugs,
    mlm_losses,
    monitor_bugs,
    ner_bugs,
    overlap_bugs,
    pair_bugs,
    recommend_bugs,
    search_bugs,
    seq2seq_bugs,
    tokenizers_that_differ,
    training_bugs,
    writes_to_its_input,
)
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from test_notebooks import python_of
from torch.nn import functional as F
from wrong_answers import WRONG, from_the_zoo

from bertcourse import checks
from bertcourse.checks import check, examine, names, question, question_rng
from bertcourse.checks.engine import Question, difference, show
from bertcourse.lessons import lessons_in, number_of, parent_of
from bertlib.serve.drift import Drift
from bertlib.text.answers import Reading

ALL = names()
FUNCTIONS = [name for name in ALL if not isinstance(checks.find(name), Question)]
QUESTIONS = [name for name in ALL if isinstance(checks.find(name), Question)]

SLOW = {"masking.mask_tokens"}

# Mutants of worked solutions that are right as well, by function and what was done.
RIGHT_AS_WELL = {
    "looking.control_tags": {"if True"},  # the last draw of a word counts for all of its places
    "attention.one_head": {"without USub"},  # two dimensions have the last as dimension 1
    "wordpiece.merge": {"Gt to GtE", "1 to 2"},  # the length of the slice says the same
    "wordpiece.likeliest_pair": {"Add to Sub"},  # both counts negative: the same product
    "masking.select": {"Lt to LtE"},  # a draw is never exactly the share
    "masking.exactly": {"2.0 to 3.0"},  # any number above 1
    "masking.mask_tokens": {"Lt to LtE"},
    "masking.mlm_loss": {"sum to mean", "without USub"},  # times 0; and two dimensions have the last as their first
    "pairs.build": {"Lt to LtE"},
    "pairs.windows": {"Lt to LtE"},
    "pretraining.vocabulary_scores": {"without USub", "Add to Sub"},  # two dimensions; eps is below the tolerance
    "pretraining.bigram_guess": {"1 to 2"},  # counting in twos
    "training.train": {"another key than 'weight_decay'"},  # 0.01 is torch's own default
    "training.schedule": {"GtE to Gt"},  # at the end the formula gives 0 as well
    "classification.truncate": {"LtE to Lt"},  # of just the right length
    "classification.answer_span": {"Gt to GtE"},  # drawn sums are never equal
    "classification.split": {"0 to 1", "Lt to LtE"},  # one text more or less
    "tagging.f1": {"BitAnd to BitOr"},
    "looking.entropy": {"Gt to GtE"},  # 0 times a finite logarithm
    "looking.share_at": {"1 to 2"},  # maps are square
    "looking.arrives": {"without USub"},  # two dimensions have the last as dimension 1
    "looking.gradient_times_input": {"without USub"},
    "looking.integrated_gradients": {"without USub"},
    "sentiment.soft_loss": {"without USub"},  # two dimensions have the last as dimension 1
    "answers.best_span": {"Gt to GtE"},  # of equals any
    "answers.f1": {"Or to And"},  # without words there are none in common
    "monitor.point_adjusted": {"Lt to LtE"},  # behind the last day there is no run
    "answers.threshold": {"Gt to GtE", "1.0 to 2.0", "1 to 2"},  # of equals any; both are below all that there is
    "desk.risk_at": {"9 to 10"},  # digits that are kept
    "desk.conformal": {"9 to 10"},
    "small.distil_loss": {"without USub"},  # two dimensions have the last as dimension 1
}


def masks(attention_mask):
    return attention_mask.bool()[:, None, None, :]


# ------------------------------------------------------------------------------------------- right and wrong answers


@pytest.mark.parametrize("name", FUNCTIONS)
def test_worked_solution_is_accepted(name):
    for seed in range(3 if name in SLOW else 10):
        report = examine(name, solutions.answer(name), seed=seed)
        assert report.passed, report
    assert report.cases >= 3


@pytest.mark.parametrize("name", QUESTIONS)
def test_numbers(name):
    assert examine(name, solutions.answer(name)).passed
    solve, draw = checks.find(name).solve, checks.find(name).draw
    found = set()
    for variant in range(10):
        right = solve(question_rng(name, variant))
        found.add(right)
        assert examine(name, right, variant=variant).passed
        for wrong in (right * 1.05 + 0.01, -right - 1, 0, float("nan"), str(right), [right], True):
            assert not examine(name, wrong, variant=variant).passed
        for mistake, hint in checks.find(name).mistakes:
            report = examine(name, mistake(**draw(question_rng(name, variant))), variant=variant)
            assert not report.passed and report.hint == hint, report
        assert all(
            str(value) in question(name, variant=variant) for value in draw(question_rng(name, variant)).values()
        )
    assert len(found) >= 4, "classes would get the same numbers"
    assert question(name) == question(name) and examine(name, ...).written is False


def test_a_number_of_the_wrong_unit_or_with_too_few_digits_has_its_hint():
    for name in QUESTIONS:
        found = checks.find(name)
        right = found.solve(question_rng(name, 0))
        if "three significant digits" not in found.asks:
            continue
        assert examine(name, float(f"{right:.3g}")).passed, name
        if "percent" in found.asks:
            assert "percent are asked for" in examine(name, right / 100).hint
        elif right < 1:
            assert "not percent" in examine(name, float(f"{100 * right:.2g}")).hint
        one_digit = examine(name, float(f"{right:.1g}"))
        if not one_digit.passed and one_digit.hint not in {hint for _, hint in found.mistakes}:
            assert "three significant digits" in one_digit.hint, name


def test_one_digit_is_called_no_right_answer():
    """It may as well be a guess. Two or more that are rounded are right as far as they go."""
    for name in QUESTIONS:
        found = checks.find(name)
        right = found.solve(question_rng(name, 0))
        if "three significant digits" not in found.asks:
            continue
        for digits in (1, 2):
            answer = float(f"{right:.{digits}g}")
            report = examine(name, answer)
            given = len(f"{answer:e}".partition("e")[0].replace(".", "").strip("-").rstrip("0"))
            if report.passed or report.hint in {hint for _, hint in found.mistakes}:
                continue
            assert ("right as far as it goes" in report.hint) == (given > 1), f"{name}, {answer}: {report}"
            assert ("is rounded too far" in report.message) == (given > 1), f"{name}, {answer}: {report}"
            if given == 1 and abs(answer - right) > 0.1 * abs(right):
                assert "about that" not in report.hint, f"{name}, {answer}: {report}"


LINES = [name for name in QUESTIONS if checks.find(name).kinds]


@pytest.mark.parametrize("name", LINES)
def test_a_line_that_is_not_to_blame_gets_a_hint_and_no_second_script(name):
    found = checks.find(name)
    asked = [question(name, variant=variant) for variant in range(found.kinds)]
    assert len(set(asked)) == found.kinds, "as long as there are others, no question comes twice"
    hints = set()
    for variant in range(found.kinds):
        right = found.solve(question_rng(name, variant))
        for line in {*range(1, 25)} - {right}:
            report = examine(name, line, variant=variant)
            assert not report.passed and report.message == f"{line} is not the line."
            assert report.hint and not re.search(rf"\b(line )?{right}\b", report.hint), report
        hints.add(report.hint)
    assert len(hints) == found.kinds, "each has a hint of its own"
    for variant in range(found.kinds, found.kinds + 5):  # later ones repeat, but never a published answer
        public = {found.solve(question_rng(name, number)) for number in (0, 1)}
        assert found.solve(question_rng(name, variant)) not in public


def test_wherever_a_gradient_is_asked_for_it_is_looked_at_in_every_edge_case():
    """The right number without a gradient, given in one case alone: where all is usual, or where nothing is asked."""
    asks = [name for name in FUNCTIONS if "with a gradient" in checks.find(name).asks]
    assert asks == [
        "masking.mlm_loss",
        "pretraining.nsp_loss",
        "pretraining.joint_loss",
        "tagging.tag_loss",
        "sentiment.soft_loss",
    ]
    for name in asks:
        right = solutions.answer(name)
        for is_cut in (lambda value: value.item() == 0, lambda value: value.item() != 0):

            def answer(*args, right=right, is_cut=is_cut):
                value = right(*args)
                return value.detach() if is_cut(value) else value

            if name in ("pretraining.nsp_loss", "sentiment.soft_loss") and is_cut(torch.tensor(0.0)):
                continue  # a batch has at least one pair, or sentence
            report = examine(name, answer, seed=0)
            assert not report.passed and "has no gradient" in report.message, report


@pytest.mark.parametrize("name", FUNCTIONS)
def test_known_mistakes_are_rejected_with_their_hint(name):
    for mistake, hint in checks.find(name).mistakes:
        for seed in range(3):
            report = examine(name, mistake, seed=seed)
            assert not report.passed and report.hint == hint, f"{mistake.__name__}: {report}"


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_rejected(name):
    for entry in WRONG[name]:
        answer, hint = entry if isinstance(entry, tuple) else (entry, "")
        for seed in range(2):
            report = examine(name, answer, seed=seed)
            assert report.written and not report.passed, f"{getattr(answer, '__name__', answer)}: {report}"
            assert hint in report.hint, f"{answer.__name__}: {report}"


def faulty(name):
    """The worked solution with one small fault each: what was done, and the function."""
    function = solutions.answer(name)
    source = inspect.getsource(function)
    for _, text, what, changed in mutation.mutants(source):
        scope = dict(vars(sys.modules[function.__module__]))
        exec(compile(changed, f"<{what}>", "exec"), scope)
        yield what.partition(" (")[0], text, scope[function.__name__]  # "… (2)": the second time on its line


@pytest.mark.parametrize("name", FUNCTIONS)
def test_faults_in_worked_solutions_are_rejected(name):
    survivors = []
    seconds = 10.0 if name in SLOW else 0.5  # many of the faults are loops that never end
    for what, line, answer in faulty(name):
        if examine(name, answer, seed=0, seconds=seconds).passed and what not in RIGHT_AS_WELL.get(name, ()):
            survivors.append(f"{what}: {line}")
    assert not survivors


ANYTHING = {
    "zero": lambda *args, **kwargs: 0,
    "a text": lambda *args, **kwargs: "42",
    "nothing": lambda *args, **kwargs: print(end=""),
    "an empty list": lambda *args, **kwargs: [],
    "its first argument": lambda *args, **kwargs: args[0],
    "NaN": lambda *args, **kwargs: float("nan"),
    "a tensor of NaN": lambda *args, **kwargs: torch.full_like(torch.as_tensor(args[0]).float(), float("nan")),
    "an error": lambda *args, **kwargs: args[0].no_such_name,
    "the checks' own result": lambda *args, **kwargs: check,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_anything_is_rejected(name):
    for what, answer in ANYTHING.items():
        report = examine(name, answer, seed=0)
        assert report.written and not report.passed, f"{what}: {report}"
        assert len(str(report).splitlines()) <= 6 and len(str(report)) < 900


@pytest.mark.parametrize("name", FUNCTIONS)
def test_answers_that_fit_the_printed_example_alone_are_rejected(name):
    """Right the first time, and the same again whatever it is asked after that."""
    right, kept = solutions.answer(name), []

    def first_answer_again(*args, **kwargs):
        kept or kept.append(right(*args, **kwargs))
        return kept[0]

    report = examine(name, first_answer_again, seed=0)
    assert report.written and not report.passed, report


def test_every_check_has_five_wrong_answers_of_its_own(capsys):
    """Written by hand for it, or made from its worked solution by the mutator; what is above is not counted."""
    count = {
        name: len(checks.find(name).mistakes)
        + len(WRONG.get(name, ()))
        + sum(what not in RIGHT_AS_WELL.get(name, ()) for what, *_ in faulty(name))
        for name in FUNCTIONS
    }
    with capsys.disabled():
        fewest = min(count, key=count.get)
        print(f" {len(FUNCTIONS)} checks of functions reject {sum(count.values())} wrong answers, ", end="")
        print(f"at least {count[fewest]} each ({fewest}); {len(QUESTIONS)} questions ", end="")
    assert min(count.values()) >= 5


# --------------------------------------------------------------------------------------------------- the bug zoo


def ignoring(loss):
    """A zoo's loss, which takes labels with -100, as an answer to masking.mlm_loss."""
    return lambda scores, tokens, selected: loss(scores, torch.where(selected, tokens, -100))


def pads_in_place(sequences, pad_token_id):
    lengths = [len(sequence) for sequence in sequences]
    ids = torch.tensor(writes_to_its_input.pads_in_place(sequences, pad_token_id))
    return ids, (torch.arange(ids.size(1)) < torch.tensor(lengths)[:, None]).long()


def of_spans(names):
    """A zoo's names with their kinds, as an answer to chinese.joined."""
    return lambda words, tags: [(start, end) for start, end, _ in names(words, tags)]


def places_of(tokenizer_class):
    return lambda text, vocab: (
        tokenizer_class({piece: number for number, piece in enumerate(vocab)})
        .encode(text, add_special_tokens=False)
        .offsets
    )


def of_rows(error):
    """A zoo's calibration error, which takes confidences and whether they are right, as an answer to sentiment.ece."""
    return lambda probabilities, gold, bins: error(
        probabilities.max(axis=1), probabilities.argmax(axis=1) == gold, bins
    )


def of_a_reading(label):
    """A zoo's label, which takes a reading and the answer's span, as an answer to answers.label."""
    return lambda first, last, start, end, before: label(Reading(0, start, end, before), (first, last))


def the_best_of(spans):
    """A zoo's search for the n best spans as an answer to answers.best_span."""
    return lambda starts, ends, longest: spans(starts, ends, 1, longest)[0][:2]


def of_lists(fuse):
    """A zoo's fusion of two lists of (text, score) as an answer to search.fused."""

    def my_fused(bm25, cosine, weight):
        found = dict(fuse(*(list(enumerate(np.asarray(scores).tolist())) for scores in (bm25, cosine)), weight))
        return [found[place] for place in range(len(bm25))]

    return my_fused


def of_soft_parts(soft):
    """A zoo's soft part, summed over a batch, as an answer to small.distil_loss."""
    return lambda student, teacher, labels, temperature, alpha: (
        alpha * soft(student, teacher, temperature) / len(labels) + (1 - alpha) * F.cross_entropy(student, labels)
    )


def of_windows(alerts):
    """A zoo's alerts, which take what tests found, as an answer to small.alerts."""
    return lambda p, effects, level, in_a_row, least: alerts(list(map(Drift, p, effects)), level)


# Every bug of the zoo: the check that rejects it, the answer and words of the hint; or why no check meets it as it is.
ZOO = {
    "head_input.ReadsAllTokens": "a whole model; encoder.pooler rejects reading all tokens",
    "head_input.SkipsThePooler": "a whole model; encoder.pooler rejects the state that is not pooled",
    "labels_off.counts_from_one": ("pretraining.nsp_loss", labels_off.counts_from_one, ""),
    "labels_off.ignores_class_zero": ("pretraining.nsp_loss", labels_off.ignores_class_zero, "class 0 is a class"),
    "labels_off.probabilities_as_logits": ("pretraining.nsp_loss", labels_off.probabilities_as_logits, "the logits"),
    "labels_off.mean_of_batches": ("classification.accuracy", labels_off.mean_of_batches, ""),
    "labels_off.answers_by_length": "a classifier's predict, which no exercise asks for",
    "layer_bugs.sample_deviation": ("encoder.layer_norm", layer_bugs.sample_deviation, "divides by D"),
    "layer_bugs.norm_first": ("encoder.post_norm", layer_bugs.norm_first, "pre-LayerNorm"),
    "layer_bugs.heads_by_reshaping": ("attention.split_heads", layer_bugs.heads_by_reshaping, "then transpose"),
    "layer_bugs.unscaled": ("attention.scaled_dot_product", layer_bugs.unscaled, "root of d_k"),
    "layer_bugs.softmax_over_queries": ("attention.scaled_dot_product", layer_bugs.softmax_over_queries, ""),
    "layer_bugs.positions_from_two": ("encoder.embeddings", layer_bugs.positions_from_two, ""),
    "layer_bugs.no_segments": ("encoder.embeddings", layer_bugs.no_segments, "segments are missing"),
    "length_bugs.cuts_off_the_sep": ("classification.truncate", length_bugs.cuts_off_the_sep, "[SEP] was cut off"),
    "layer_in_forward.Attention": "a module's weights; exercises ask for functions",
    "maps_without_mask.attention": (
        "attention.scaled_dot_product",
        maps_without_mask.attention,
        "one softmax for both",
    ),
    "masked_row.uniform_attention": ("attention.scaled_dot_product", masked_row.uniform_attention, "equal weights"),
    "masked_row.nan_attention": ("attention.scaled_dot_product", masked_row.nan_attention, "0/0"),
    "masking_bugs.masked_once": "a stream over epochs; lesson 04 shows it",
    "masking_bugs.moves_the_global_generator": "a check puts the global generators back, whatever an answer does",
    "masking_bugs.tears_words": "whole-word masking has no exercise",
    "masking_bugs.piece_after_a_special_is_special": "whole-word masking has no exercise",
    "masking_bugs.one_fate_a_word": "whole-word masking has no exercise",
    "mean_of_means.one_update": "a training loop; training.accumulate rejects the mean of means",
    "mlm_losses.padding_counts": ("masking.mlm_loss", ignoring(mlm_losses.padding_counts), ""),
    "mlm_losses.divides_by_all_tokens": (
        "masking.mlm_loss",
        ignoring(mlm_losses.divides_by_all_tokens),
        "divide by the number of selected",
    ),
    "mlm_losses.nan_when_nothing_is_selected": (
        "masking.mlm_loss",
        ignoring(mlm_losses.nan_when_nothing_is_selected),
        "0/0",
    ),
    "mlm_losses.nsp_ignores_class_zero": ("pretraining.nsp_loss", mlm_losses.nsp_ignores_class_zero, "class 0"),
    "mlm_losses.NSPReadsAllTokens": "a whole model; encoder.pooler rejects reading all tokens",
    "ner_bugs.ScoredOnPieces": "a tagger's evaluate; tagging.align rejects asking every piece",
    "ner_bugs.label_modulo": "takes the library's pieces; tagging.align rejects the same on word_ids",
    "ner_bugs.every_piece_asked": "takes the library's pieces; tagging.align rejects the same on word_ids",
    "ner_bugs.merges_neighbours": ("tagging.spans", ner_bugs.merges_neighbours, "a B- begins"),
    "ner_bugs.goes_on_with_any_type": ("tagging.spans", ner_bugs.goes_on_with_any_type, "of another type"),
    "pair_bugs.too_long": "windows of sentences; pairs.truncate is about lengths",
    "pair_bugs.another_document_is_enough": "windows; pairs.random_next rejects it on a shared passage",
    "pair_bugs.lone_sentence_is_always_false": "takes no budget; pairs.window_end rejects windows of one sentence",
    "pair_bugs.short_documents_are_always_true": "leaves pairs out; pairs.windows rejects windows that are missing",
    "pair_bugs.filled_to_the_brim": "a pair builder of its own; pairs.windows rejects sentences that are cut",
    "pair_bugs.own_randomness": "windows; pairs.build rejects an rng of one's own",
    "pair_bugs.moves_the_global_generator": "a check puts the global generators back, whatever an answer does",
    "schedules.starts_at_full_rate": "a training loop; training.schedule rejects a first step at full rate",
    "schedules.steps_before_the_optimizer": "a training loop; training.schedule rejects being one step ahead",
    "training_bugs.layer_norm_decays": ("training.decay", training_bugs.layer_norm_decays, "do not decay"),
    "training_bugs.clips_each_alone": ("training.clip", training_bugs.clips_each_alone, "all gradients together"),
    "writes_to_its_input.masks_in_place": "takes a batch of the library's; changed arguments are rejected everywhere",
    "writes_to_its_input.pads_in_place": ("classification.padding", pads_in_place, "work on a copy"),
    **{f"masking_bugs.{bug.__name__}": ("masking.mask_tokens", bug, "") for bug in masking_bugs.BUGS},
    "answer_bugs.half_answers": ("answers.label", of_a_reading(answer_bugs.half_answers), "half an answer"),
    "answer_bugs.edge_answers_lost": ("answers.label", of_a_reading(answer_bugs.edge_answers_lost), "is whole in it"),
    "answer_bugs.skips_tokens": "takes questions and texts; answers.windows rejects pieces that are in no window",
    "answer_bugs.windows_too_long": "takes questions and texts; answers.windows rejects a window longer than room",
    "answer_bugs.NothingWhereItIsWorthMost": "takes a model's scores; answers.lead rejects the largest null score",
    "answer_bugs.threshold_never_moved": (
        "answers.threshold",
        lambda leads, answered, silent: answer_bugs.threshold_never_moved(None, None),
        "a fixed number",
    ),
    "answer_bugs.scores_never_passed": "takes an answerer; answers.threshold rejects a t that leads have no part in",
    "answer_bugs.ends_before_it_begins": (
        "answers.best_span",
        the_best_of(answer_bugs.ends_before_it_begins),
        "look at pairs",
    ),
    "answer_bugs.of_any_length": (
        "answers.best_span",
        the_best_of(answer_bugs.of_any_length),
        "the limit is not used",
    ),
    "answer_bugs.one_too_long": ("answers.best_span", the_best_of(answer_bugs.one_too_long), "one token too long"),
    "answer_bugs.AnswersInTheQuestion": "takes a model's scores; answers.best_span gets those of a window alone",
    "answer_bugs.CountsTwice": "takes a model's scores; answers.merged rejects a span that is there twice",
    "answer_bugs.KeepsTheLastWindow": "takes a model's scores; answers.merged rejects the score found last",
    "answer_bugs.takes_places_as_told": "reads data, which no exercise asks for",
    "answer_bugs.moves_places_in_silence": "reads data, which no exercise asks for",
    "calibration_bugs.last_bin_skipped": ("sentiment.ece", of_rows(calibration_bugs.last_bin_skipped), "left out"),
    "calibration_bugs.one_dropped": ("sentiment.ece", of_rows(calibration_bugs.one_dropped), "on an edge"),
    "calibration_bugs.phantom_bin": ("sentiment.ece", of_rows(calibration_bugs.phantom_bin), "no bin of its own"),
    "calibration_bugs.signed": ("sentiment.ece", of_rows(calibration_bugs.signed), "cancel"),
    "calibration_bugs.unweighted": ("sentiment.ece", of_rows(calibration_bugs.unweighted), "not each alike"),
    "desk_bugs.always_nine_tenths": ("desk.threshold", desk_bugs.always_nine_tenths, "a fixed number"),
    "desk_bugs.of_best_accuracy": ("desk.threshold", desk_bugs.of_best_accuracy, "the best accuracy"),
    "desk_bugs.softmax_of_all": "a confidence, which no exercise asks for; the zoo's own tests reject it",
    "desk_bugs.chosen_on_the_test": "takes two sets; desk.threshold gets one, which it chooses on",
    "desk_bugs.temperature_of_the_test": "takes two sets; the zoo's own tests reject it",
    "desk_bugs.one_accuracy": "takes predictions; desk.one_accuracy has it reckoned, and seen what it hides",
    "desk_bugs.one_reader_is_the_truth": "takes two readers' labels, which no exercise asks for",
    "desk_bugs.noise_is_where_it_errs": "takes two readers' labels, which no exercise asks for",
    "ranking_bugs.FarthestFirst": "a whole index; search.best rejects the worst first",
    "ranking_bugs.NegativeForCommonWords": "a whole index; search.bm25 rejects an idf without the 1 +",
    "ranking_bugs.NothingForCommonWords": "a whole index; search.bm25 rejects an idf cut off at 0",
    "ranking_bugs.WorstFirst": "a whole index; search.best rejects the k best turned round",
    "choosing_bugs.sums_every_figure": "an objective of a search; lesson 17 shows what wins by it",
    "choosing_bugs.highest_of_any_epoch": "takes a history; tuning.reported rejects another epoch than the chosen one",
    "choosing_bugs.best_on_validation": "takes a search; tuning.reported rejects the score that chose",
    "choosing_bugs.best_of_seeds": "takes a search; tuning.reported rejects the highest on test",
    "tuning_bugs.NoResidual": "a whole layer; tuning.adapter rejects what is not added to its input",
    "tuning_bugs.AlsoOnItsInput": "a whole layer; tuning.adapter gets the states that it reads",
    "tuning_bugs.freezes_layer_norm": "a whole model; tuning.trained rejects frozen LayerNorms",
    "tuning_bugs.mask_not_widened": "a whole model; tuning.with_prefix rejects ones on the other side",
    "tuning_bugs.positions_shifted": "a whole model; lesson 17 measures it",
    "tuning_bugs.prompt_of_embeddings": "a whole model; tests/model rejects it",
    "tuning_bugs.dropout_below": "a whole model; lesson 17 measures it",
    "tuning_bugs.an_argument_that_is_none": "a whole model; lesson 17 shows what it costs",
    "recommend_bugs.popular_at_any_time": (
        "recommend.popular_then",
        recommend_bugs.popular_at_any_time,
        "not known yet",
    ),
    "recommend_bugs.ranked_among_a_hundred": "a whole test; recommend.sampled asks for a rank among drawn films",
    "recommend_bugs.seen_films_stay": ("recommend.rank", recommend_bugs.seen_films_stay, "are not recommended"),
    "recommend_bugs.split_by_chance": "a whole protocol; recommend.popular_then rejects what is still to come",
    "recommend_bugs.truth_taken_for_seen": (
        "recommend.rank",
        recommend_bugs.truth_taken_for_seen,
        "leave the truth its score",
    ),
    "monitor_bugs.scored_by_a_model_that_saw_it": "a matter of folds: tests/data/test_guardian.py",
    "monitor_bugs.alpha_for_each_test": "levels that are not shared: monitor.adjusted rejects p as it was",
    "monitor_bugs.normal_of_the_whole_series": "a whole table: tests/monitor/test_charts.py",
    "monitor_bugs.f1_of_whole_runs": "the very thing that monitor.point_adjusted has one write, to see through it",
    "monitor_bugs.reposts_counted": ("monitor.once", monitor_bugs.reposts_counted, ""),
    "monitor_bugs.last_date_counts": ("monitor.once", monitor_bugs.last_date_counts, "a repost would move the news"),
    "distil_bugs.without_t_squared": (
        "small.distil_loss",
        of_soft_parts(distil_bugs.without_t_squared),
        "T² is missing",
    ),
    "distil_bugs.mean_for_batchmean": (
        "small.distil_loss",
        of_soft_parts(distil_bugs.mean_for_batchmean),
        "not over texts and classes",
    ),
    "distil_bugs.swapped": ("small.distil_loss", of_soft_parts(distil_bugs.swapped), "arguments are swapped"),
    "distil_bugs.probabilities_for_logs": (
        "small.distil_loss",
        of_soft_parts(distil_bugs.probabilities_for_logs),
        "takes logarithms",
    ),
    "distil_bugs.TeacherInTraining": "a whole loss; small.wrong_line has it found in a step, lesson 18 shows it",
    "distil_bugs.TeacherLearns": "a whole loss; small.wrong_line has it found in a step",
    "shrink_bugs.heads_set_to_zero": "a whole model; small.head_bytes asks what is left of one whose heads are gone",
    "shrink_bugs.zeros_not_held": "a whole training; lesson 18 shows it",
    "drift_bugs.null_of_the_reference": "takes vectors; small.permutation_p rejects shuffling the reference alone",
    "drift_bugs.by_p_alone": ("small.alerts", of_windows(drift_bugs.by_p_alone), ""),
    "serve_bugs.TableInFloats": "a whole graph; lesson 18 shows the bytes by module",
    "serve_bugs.eight_bits_everywhere": "a matter of the processor; lesson 18 shows sums that saturate",
    "serve_bugs.wrapped_as_it_is": "a whole model; lesson 18 exports one that was left in training mode",
    "serve_bugs.fixed_axes": "a whole graph; lesson 18 shows it",
    "serve_bugs.add_blocking": "a service; lesson 18 measures it",
    "serve_bugs.all_cores_each": "a service; lesson 18 measures it",
    "serve_bugs.with_the_warm_up": "a mean of times; lesson 18 leaves the first ones out",
    "search_bugs.padding_counts": ("search.mean_pooling", search_bugs.padding_counts, "padding counts"),
    "search_bugs.mean_of_all": ("search.mean_pooling", search_bugs.mean_of_all, "the divisor is not"),
    "search_bugs.sum_over_all": ("search.mean_pooling", search_bugs.sum_over_all, "never uses"),
    "search_bugs.raw_scores_added": ("search.fused", of_lists(search_bugs.raw_scores_added), "no say"),
    "search_bugs.scaled_by_the_largest": (
        "search.fused",
        of_lists(search_bugs.scaled_by_the_largest),
        "the smallest becomes 0",
    ),
    "search_bugs.weight_turned_round": (
        "search.fused",
        of_lists(search_bugs.weight_turned_round),
        "the weight is the cosine's",
    ),
    "search_bugs.Unnormalised": "a whole index; search.best rejects lengths that count",
    "search_bugs.WorstFirst": "a whole index; search.best rejects the worst first",
    "search_bugs.UnsortedBest": "a whole index; search.best rejects the k best in no order",
    "search_bugs.cut_in_silence": "a whole model; search.unread asks for the share that is cut off",
    "search_bugs.only_the_diagonal": "a whole model; search.negatives rejects duplicates among the wrong answers",
    "search_bugs.rows_and_columns_swapped": "a whole model; search.negatives rejects rows and columns swapped",
    "search_bugs.zero_in_place_of_nothing": "a whole model; its loss is measured in the tests of the embedder",
    "few_labels_bugs.copies_before_the_split": (
        "sentiment.augmented_split",
        few_labels_bugs.copies_before_the_split,
        "split first",
    ),
    "few_labels_bugs.one_class_swallows_all": (
        "sentiment.confident",
        few_labels_bugs.one_class_swallows_all,
        "of every class equally many",
    ),
    "few_labels_bugs.validation_for_free": (
        "sentiment.budget",
        few_labels_bugs.validation_for_free(8, 3, 380, 2850),
        "its labels count",
    ),
    **dict.fromkeys(
        (
            f"lora_bugs.{name}"
            for name in [
                "DropsInUse",
                "IgnoresAlpha",
                "StartsSomewhere",
                "freezes_nothing",
                "freezes_the_head",
                "merges_twice",
                "opens_any_encoder",
                "saves_after_merging",
                "saves_no_head",
            ]
        ),
        "adapters, which no lesson asks for yet; tests/model/test_adapters.py rejects it",
    ),
    "overlap_bugs.counts_are_not_clipped": (
        "writing.rouge1",
        lambda words, gold: overlap_bugs.counts_are_not_clipped(" ".join(words), " ".join(gold))["rouge1"],
        "",
    ),
    "overlap_bugs.recall_alone": (
        "writing.rouge1",
        lambda words, gold: overlap_bugs.recall_alone(" ".join(words), " ".join(gold))["rouge1"],
        "recall alone",
    ),
    "overlap_bugs.common_run": (
        "writing.common",
        lambda first, second: max(
            (
                k
                for k in range(len(first) + 1)
                for i in range(len(first))
                for j in range(len(second))
                if first[i : i + k] == second[j : j + k] and len(first[i : i + k]) == k
            ),
            default=0,
        ),
        "without gaps",
    ),
    **dict.fromkeys(
        (
            f"overlap_bugs.{name}"
            for name in [
                "brevity_forgotten",
                "brevity_upside_down",
                "lines_are_lost",
                "mean_of_sentences",
                "of_pieces",
                "references_first",
                "spaces_are_letters",
            ]
        ),
        "of whole sets, which lesson 16 tells; tests/metrics/test_overlap.py rejects it",
    ),
    "seq2seq_bugs.padding_is_taught": "one line; writing.shift rejects its like, tests/model/test_seq2seq.py this",
    "seq2seq_bugs.unshifted": ("writing.shift", seq2seq_bugs.unshifted, "nothing is shifted"),
    "seq2seq_bugs.starts_twice": (
        "writing.shift",
        lambda labels, start, pad: torch.where(
            seq2seq_bugs.starts_twice(labels, start) == -100, pad, seq2seq_bugs.starts_twice(labels, start)
        ),
        "the last label is left out",
    ),
    **dict.fromkeys(
        (
            f"seq2seq_bugs.{name}"
            for name in ["DeafLayer", "ForgetsWhatItWrote", "IgnoresSourceMask", "ReadsAhead", "ends_never"]
        ),
        "whole layers; writing.cross rejects a mask that is ignored, tests/model/test_seq2seq.py each of them",
    ),
    **dict.fromkeys(
        (
            f"written_bugs.{name}"
            for name in ["best_of_many", "specials_are_drawn", "the_end_is_drawn_too", "the_piece_is_seen"]
        ),
        "samplers, which lesson 16 tells of; tests/course/test_written.py rejects it",
    ),
    "chinese_bugs.cut_at_any_mark": ("chinese.vocabulary", chinese_bugs.cut_at_any_mark, "splitlines() also cuts"),
    "chinese_bugs.stripped_pieces": ("chinese.vocabulary", chinese_bugs.stripped_pieces, ""),
    "chinese_bugs.labels_by_count": ("chinese.token_labels", chinese_bugs.labels_by_count, "no place in the text"),
    "chinese_bugs.labels_of_last_character": (
        "chinese.token_labels",
        chinese_bugs.labels_of_last_character,
        "FIRST character",
    ),
    "chinese_bugs.every_token_alone": "takes tensors; chinese.hidden rejects tokens that are hidden by themselves",
    "chinese_bugs.sentence_as_a_word": "takes tensors; lesson 21 names it, tests/data/test_chinese.py rejects it",
    "chinese_bugs.every_nr_a_person": ("chinese.joined", of_spans(chinese_bugs.every_nr_a_person), "join them"),
    "chinese_bugs.whole_run_a_person": (
        "chinese.joined",
        of_spans(chinese_bugs.whole_run_a_person),
        "at most two words",
    ),
    "chinese_bugs.filtered_beside_whole": "two figures of two sets; chinese.filtered has what a filter does computed",
    **{
        f"pair_bugs.{bug.__name__}": ("pairs.build", from_the_zoo(bug), "")
        for bug in (pair_bugs.any_document, pair_bugs.always_the_first_sentence, pair_bugs.labels_swapped)
    },
    **{
        f"tokenizers_that_differ.{bug.__name__}": ("wordpiece.offsets", places_of(bug), "")
        for bug in tokenizers_that_differ.BUGS
    },
}


@pytest.mark.parametrize("bug", [bug for bug, how in ZOO.items() if not isinstance(how, str)])
def test_zoo_s_bugs_are_rejected(bug):
    name, answer, words = ZOO[bug]
    for seed in range(3):
        report = examine(name, answer, seed=seed)
        assert not report.passed and words in report.hint, report


def test_every_bug_of_the_zoo_is_in_the_table():
    caged = set()
    for path in (Path(__file__).parents[1] / "bug_zoo").glob("[a-z]*.py"):
        if path.name == "test_bug_zoo.py":
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                caged.add(f"{path.stem}.{node.name}")
    assert caged == set(ZOO)


# ------------------------------------------------------------------------------------------- whatever an answer does


def loops(attention_mask):
    while True:
        pass


def loops_stubbornly(attention_mask):
    while True:
        try:
            time.sleep(0.01)
        except:  # noqa: E722
            continue


def raises(attention_mask):
    return attention_mask["no such key"]


def leaves(attention_mask):
    sys.exit(3)


def interrupts(attention_mask):
    raise KeyboardInterrupt


def recurses(attention_mask):
    return recurses(attention_mask)


def forgets_to_return(attention_mask):
    attention_mask.bool()[:, None, None, :]


def floods(attention_mask):
    for _ in range(2000):
        print("x" * 1000)
    return


def changes(attention_mask):
    attention_mask[:] = 1
    return attention_mask.bool()[:, None, None, :]


def too_many_arguments(attention_mask, heads):
    return masks(attention_mask)


def a_list(attention_mask):
    return attention_mask.tolist()


def not_numbers(attention_mask):
    return torch.full((*attention_mask.shape,), float("nan"))[:, None, None, :]


def only_the_example(attention_mask):
    example = torch.tensor([[[[True, True, False]]], [[[True, False, False]]]])
    return example if attention_mask.shape == (2, 3) else torch.ones(len(attention_mask), 1, 1, 1).bool()


def eats_memory(attention_mask):
    return torch.empty(2**50)


@pytest.mark.parametrize(
    "answer, words",
    [
        (loops, "longer than 0.3 seconds"),
        (loops_stubbornly, "longer than 0.3 seconds"),
        (raises, "in line"),
        (leaves, "SystemExit"),
        (interrupts, "interrupted"),
        (recurses, "RecursionError"),
        (forgets_to_return, "returned None"),
        (floods, "returned None"),
        (changes, "changed its argument number 1 in place"),
        (too_many_arguments, "heads"),
        (a_list, "expected the shape (2, 1, 1, 3), came (2, 3)"),
        (not_numbers, "expected the dtype torch.bool"),
        (only_the_example, "expected the shape"),
        (eats_memory, "RuntimeError"),
        (masks(torch.ones(1, 2)), "expected a function"),
        (42, "expected a function"),
    ],
)
def test_whatever_an_answer_does_is_told_in_a_few_lines(answer, words, capsys):
    start = time.perf_counter()
    assert not check("attention.masks", answer, seconds=0.3, seed=1)
    assert time.perf_counter() - start < 10
    out = capsys.readouterr().out
    assert words in out and out.startswith("✗ attention.masks: ")
    assert len(out.splitlines()) <= 6 and len(out) < 900


def test_time_is_limited_in_other_threads_too():
    found = []
    worker = threading.Thread(target=lambda: found.append(examine("attention.masks", loops, seconds=0.3)))
    worker.start()
    worker.join(5)
    assert not worker.is_alive() and "longer than" in found[0].message
    assert examine("attention.masks", masks).passed


def test_an_alarm_of_the_caller_s_own_is_put_back():
    if not hasattr(__import__("signal"), "setitimer"):
        pytest.skip("no timers here")
    import signal

    before = signal.getsignal(signal.SIGALRM)
    examine("attention.masks", loops, seconds=0.2)
    assert signal.getsignal(signal.SIGALRM) is before and signal.getitimer(signal.ITIMER_REAL)[0] == 0


def later(attention_mask): ...


def much_later(attention_mask):
    """(B, T) -> (B, 1, 1, T)"""


@pytest.mark.parametrize(
    "answer",
    [..., None, later, much_later, lambda attention_mask: ..., lambda attention_mask: NotImplemented],
)
def test_placeholders_are_not_written_yet(answer, capsys):
    assert not check("attention.masks", answer)
    assert capsys.readouterr().out.startswith("○ attention.masks: not written yet. It asks for: attention_mask (B, T)")


def test_not_implemented_is_not_written_yet():
    def later(attention_mask):
        raise NotImplementedError

    assert examine("attention.masks", later).written is False


def test_random_states_of_the_caller_stay(capsys):
    def draws():
        return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002

    def greedy(attention_mask):
        draws()
        torch.manual_seed(5)
        return masks(attention_mask)

    states = [random.getstate(), np.random.get_state(), torch.get_rng_state()]  # noqa: NPY002
    expected = draws()
    random.setstate(states[0]), np.random.set_state(states[1]), torch.set_rng_state(states[2])  # noqa: NPY002
    assert check("attention.masks", greedy) and check("masking.mask_tokens", solutions.answer("masking.mask_tokens"))
    assert draws() == expected


def test_what_an_answer_prints_is_shown_if_it_is_wrong_and_not_if_it_is_right(capsys):
    def talks(attention_mask):
        print("looking at", tuple(attention_mask.shape))
        return masks(attention_mask)

    assert check("attention.masks", talks)
    assert "looking" not in capsys.readouterr().out
    assert not check("attention.masks", lambda attention_mask: print("looking here"))
    assert "It printed: looking here" in capsys.readouterr().out


def test_cases_are_drawn_anew_each_time_and_a_seed_fixes_them():
    def cases(seed):
        seen = []
        examine(
            "attention.masks",
            lambda attention_mask: seen.append(attention_mask.tolist()) or masks(attention_mask),
            seed=seed,
        )
        return seen

    assert cases(1) == cases(1) != cases(2)
    assert cases(None) != cases(None)


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"did you mean attention\.masks"):
        check("attention.mask", masks)
    with pytest.raises(ValueError, match=r"the checks are attention\.scores, "):
        check("zzzz", masks)
    with pytest.raises(ValueError, match="checks a function"):
        question("attention.masks")


def test_the_library_s_own_functions_pass():
    from bertlib.metrics.ranking import ndcg
    from bertlib.model.attention import padding_mask
    from bertlib.text.batching import pad_batch
    from bertlib.text.spans import entities_of, follows
    from bertlib.text.wordpiece import longest_match

    for name, function in (
        ("attention.masks", padding_mask),
        ("classification.padding", pad_batch),
        ("tagging.spans", entities_of),
        ("tagging.follows", follows),
        ("wordpiece.greedy", longest_match),
        ("encoder.gelu", F.gelu),
        ("search.ndcg", ndcg),
    ):
        assert examine(name, function).passed, examine(name, function)


def test_it_needs_no_notebook_and_little_time():
    """In a plain interpreter, beyond the import of torch."""
    code = (
        "import time, torch; start = time.perf_counter(); from bertcourse.checks import check; "
        "ok = check('attention.masks', lambda attention_mask: attention_mask.bool()[:, None, None]); "
        "import sys; print(bool(ok), time.perf_counter() - start, 'IPython' in sys.modules, 'sklearn' in sys.modules)"
    )
    seconds = []
    for _ in range(3):
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8")
        assert "✓ attention.masks: right, on 6 cases." in result.stdout, result.stderr
        ok, took, *loaded = result.stdout.splitlines()[-1].split()
        assert ok == "True" and loaded == ["False", "False"]
        seconds.append(float(took))
        if seconds[-1] < 1.5:
            break
    assert min(seconds) < 1.5, "busy or not, once in three times it should be quick"


# ----------------------------------------------------------------------------------------------------- comparison


@pytest.mark.parametrize(
    "expected, got",
    [
        (torch.tensor([1.0]), torch.tensor([1.0], dtype=torch.float64)),
        (torch.tensor([1, 2]), torch.tensor([1, 2], dtype=torch.int32)),
        (0.5, torch.tensor(0.5)),
        (torch.tensor(2.0), 2.0),
        ([1, 2], (1, 2)),
        ((torch.ones(2), 3), [torch.ones(2), 3]),
        (torch.ones(2), np.ones(2)),
        (np.ones(2), torch.ones(2)),
        (torch.ones(2), [1, 1.0]),
        (torch.ones(2).bool(), (True, True)),
        (torch.ones(2, 2), [torch.ones(2), torch.ones(2)]),
        (torch.ones(2).long(), [torch.tensor(1), np.int64(1)]),
        (torch.ones(0).long(), []),
        ({"a": 1.0}, {"a": 1.0 + 1e-9}),
        (True, np.True_),
        (3, np.int64(3)),
        (float("nan"), float("nan")),
    ],
)
def test_as_good_as_equal(expected, got):
    assert difference(expected, got, 1e-6) is None


@pytest.mark.parametrize(
    "expected, got, words",
    [
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1]), "at [1]: expected 2, came 2.1 (1 of 2 differ)"),
        (torch.ones(2), torch.ones(3), "the shape (2,), came (3,)"),
        (torch.ones(2), torch.ones(2).long(), "the dtype torch.float32, came torch.int64"),
        (torch.ones(2), "11", "expected a tensor (2,), came '11' (str)"),
        (torch.ones(2), 1, "expected a tensor (2,), came 1 (int)"),
        (torch.ones(2, 2), [[1.0], [1.0, 1.0]], "expected a tensor (2, 2)"),
        (torch.ones(2), ["1", "1"], "not the numbers of one"),
        (torch.ones(2), [1, 2], "at [1]: expected 1, came 2"),
        (torch.ones(2).bool(), [1, 1], "expected the dtype torch.bool, came whole numbers"),
        (torch.ones(2).long(), [1.0, 1.0], "expected the dtype torch.int64, came floats"),
        ((torch.ones(2), torch.ones(2)), torch.ones(2, 2), "expected 2 things, came one: float32 tensor (2, 2)"),
        (torch.ones(2), torch.tensor([1.0, float("nan")]), "NaN at [1]"),
        (1.0, float("nan"), "NaN, where 1 was expected"),
        (True, 1, "expected True, came 1 (int)"),
        (1, True, "came True (bool)"),
        (1.0, "1.0", "(str)"),
        ([1, 2], [1], "expected 2 things, came 1"),
        ([1, 2], "12", "expected a list"),
        ([1, 2], torch.tensor(3), "expected a list, came 3"),
        ({"a": 1}, {"b": 1}, "the key 'a' is missing"),
        ({"a": 1}, {"a": 1, "b": 2}, "the key 'b' is too many"),
        (None, 1, "expected None"),
        ("a", "b", "expected 'a', came 'b'"),
        ("a", 1, "(int)"),
    ],
)
def test_differences_are_named(expected, got, words):
    assert words in difference(expected, got, 1e-6)


def test_values_are_shown_in_a_line():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    assert show(torch.arange(4.0).reshape(2, 2)) == "float32 tensor (2, 2): [[0, 1], [2, 3]]"
    assert show(Broken()) == "a Broken"
    assert len(show(torch.rand(100, 100))) < 250 and "\n" not in show(np.arange(10_000))


# ---------------------------------------------------------------------------------------------- lessons and solutions


LESSONS = lessons_in(Path(__file__).parents[2] / "notebooks")


def is_appendix(path):
    return path.stem.startswith("A")


def exercises(path):
    """A lesson's exercises: their text, and the code cells with a check; they stand in the text, or at its end.

    In the text, an exercise reaches from its heading **Exercise 3 · … to the next heading ## or the cell's end.
    """
    cells, texts, at_the_end = nbformat.read(path, as_version=4).cells, [], False
    for cell in cells:
        if cell.cell_type == "markdown":
            for section in re.split(r"^(?=## )", cell.source, flags=re.M):
                if section.startswith("## "):
                    at_the_end = re.match("## .*Exercises", section) is not None
                begins = re.search(r"^\*\*Exercise \d+ · ", section, re.M)
                if at_the_end or begins:
                    texts.append(section if at_the_end else section[begins.start() :])
    return "\n\n".join(texts), [cell for cell in cells if lesson_size.is_stop(cell)]


def asked_in(cells):
    """What exercises want to be filled in (`my_x = ...`, `def my_x(): ...`, a class), and name -> check it goes to."""
    open_names, checked = [], {}
    for node in (node for cell in cells for node in python_of(cell).body):
        body = getattr(node, "body", [node])
        stub = isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Assign)
        if stub and ast.unparse(body[-1]).endswith("..."):
            name = node.targets[0].id if isinstance(node, ast.Assign) else node.name
            if name.startswith("my_"):
                open_names.append(name)
        call = getattr(node, "value", None)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "check":
            checked[call.args[1].id] = call.args[0].value
    return open_names, checked


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_exercises_of_every_kind(path):
    text, _ = exercises(path)
    numbers = [int(number) for number in re.findall(r"^\*\*(?:Exercise )?(\d+) · ", text, re.M)]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= (1 if is_appendix(path) else 4)
    if "**Exercise " not in text:  # an older lesson: the kind stands in the heading
        for kind in ("Predict|Count|By hand", "Write it yourself", "[Cc]orrect the article"):
            assert re.search(rf"\*\*\d+ · [^*]*(?:{kind})", text), kind


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_hints_unfold(path):
    texts = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    hints = sum(text.count("<details") for text in texts)
    assert hints >= (0 if is_appendix(path) else 3)
    # Without the empty lines, what unfolds is shown as it is written, not as Markdown.
    fold = re.compile(r"^<details><summary>[^<]+</summary>\n\n.+?\n\n</details>$", re.S | re.M)
    assert hints == sum(len(fold.findall(text)) for text in texts)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_coded_exercise_has_a_check_and_is_left_to_the_learner(path):
    _, stops = exercises(path)
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    open_names, checked = asked_in(cells)
    assert open_names or is_appendix(path)
    assert set(open_names) == set(checked) and len(open_names) == len(set(open_names))
    assert asked_in(stops)[0] == open_names, "what is to be written stands in the cell of its check"
    for name, asked in checked.items():
        assert name == f"my_{asked.split('.')[1]}" and asked in ALL
    printed = "".join(output.get("text", "") for cell in stops for output in cell.outputs)
    assert printed.count("○") == len(checked) and "✗" not in printed and "✓" not in printed


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_stored_lines_say_what_the_checks_ask_now(path):
    outputs = [output for cell in exercises(path)[1] for output in cell.outputs]
    lines = re.findall(r"○ ([\w.]+): not written yet\. It asks for: (.+)", "".join(o.get("text", "") for o in outputs))
    assert [asked for _, asked in lines] == [checks.find(name).asks for name, _ in lines]


def test_every_theme_is_asked_for_in_the_lessons():
    asked = [name for path in LESSONS for name in asked_in(exercises(path)[1])[1].values()]
    assert len(asked) == len(set(asked)), "an exercise stands in two lessons"
    assert {name.split(".")[0] for name in asked} == set(checks.THEMES)
    notebooks = sorted((Path(__file__).parents[2] / "notebooks").rglob("*.ipynb"))  # assignments as well
    text = "".join(path.read_text(encoding="utf-8") for path in notebooks)
    assert [name for name in ALL if f'\\"{name}\\"' not in text] == [], "a check that nobody is asked"


def test_exercises_are_found_in_the_text_and_at_the_end(tmp_path):
    cells = [
        new_markdown_cell("# A\n\nText.\n\n**Exercise 1 · Count** (2 min, ●)\n\nHow many?\n\n## Next\n\nNot this."),
        new_code_cell("my_count = ...\ncheck('a.count', my_count)"),
        new_code_cell("class my_other: ...\n\n\nopen_too = ..."),
        new_markdown_cell("## 7 Exercises\n\nHarder.\n\n**Exercise 2 · Write** (9 min, ●●)"),
        new_code_cell("class my_head:\n    def __call__(self): ...\n\n\ncheck('a.head', my_head)"),
        new_markdown_cell("## Summary\n\nNor this."),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "01_a.ipynb")
    text, stops = exercises(tmp_path / "01_a.ipynb")
    assert "How many?" in text and "Harder." in text and "Exercise 2" in text
    assert "Text." not in text and "this" not in text
    assert asked_in(stops) == (["my_count", "my_head"], {"my_count": "a.count", "my_head": "a.head"})
    assert asked_in(cells[1:3] + cells[4:5])[0] == ["my_count", "my_other", "my_head"]


# What the article says, by its sections -> the lesson and the words of the exercise that corrects it.
ARTICLE = {
    "2: a map without BERT and fine-tuning": ("00", "which steps does that map leave out"),
    "3.2.1: always 512 tokens": ("01", "usually 512"),
    "3.2.1: nothing on pairs and the order of documents": ("04", "nothing of how pairs are made"),
    "3.3: efficient, and demanding": ("05", "*efficient* since it needs no labels"),
    "3.3: fine-tuning takes days": ("05", "pretraining *and fine-tuning* take days"),
    "3.4: fine-tuned for translation, summaries, dialogue": ("07", "fine-tuned for translation"),
    "3.4: question answering matches answers": ("07", "learns to match answers"),
    "3.4: matches answers, where BERT marks a span": ("11", "matches answers"),
    "4.1: conditions on x_j": ("04", "conditions on $x_j$ itself"),
    "4.1, 4.2: MLM loss divided by N": ("04", "divides by $N$"),
    "4.2: a softmax over positions": ("04", "multiplies outputs over positions in its softmax"),
    "4.2: no E g(h) + b": ("05", "$E\\,g(h) + b$"),
    "4.1, 4.2: NSP at every position": ("04", "scores NSP at every position"),
    "4: N and i mean two things": ("04", "$N$ and $i$ mean two things"),
    "4: no joint loss": ("05", "never adds the two losses up"),
    "no attention equation": ("01", "name attention often and show no equation for it"),
    "no 15 % and 80/10/10": ("04", "below 0.8, below 0.9"),
    "no [CLS] and [SEP]": ("04", "pooled [CLS]"),
    "no embedding sum, no GELU": ("02", "nowhere does it name the embedding sum"),
    "4.3: MLM and NSP as a step of news classification": ("07", "begins with MLM and NSP training"),
    "5.1: Python 3.8, CUDA 11.1": ("00", "Python 3.8 and CUDA 11.1"),
    "5.2: two labels": ("07", "2 labels where AG News has 4"),
    "5.2: imports AdamW from transformers": ("07", "from transformers import AdamW"),
    "5.2: a fraction as percent": ("00", "0.95%"),
    "5.2: tokenizer and data never made": ("07", "that are never made"),
    "5.2: no seed": ("07", "no seed"),
    "5.2: no checkpoint": ("07", "No checkpoint"),
    "5.2: no warm-up, no clipping": ("07", "no warm-up; no clipping"),
    "5.2: decay on everything": ("07", "weight decay on biases and LayerNorms"),
    "5.2: five epochs, the last tested": ("07", "five epochs fixed in advance"),
    "5.2: pads to 128": ("06", "pads every text to 128"),
    "5.2: no token_type_ids": ("05", "They have no `token_type_ids`"),
    "5.2: an English vocabulary": ("03", "tokenizes Chinese news"),
    "6.1: a classifier that answers": ("07", "answers fluently"),
    "7.1: a paper called a book": ("06", "is a book"),
    "7.1: not the official library": ("06", "BERT's official library"),
    "7.3: adapters without parameters": ("06", "without adding parameters"),
    "8.2: ever larger": ("06", "keep growing"),
    "1 to 4: NSP is useful": ("05", "takes for granted that NSP"),
    "Q1: weeks or even hours": ("05", "weeks or even hours"),
    "Q2: 2e-5 for BERT": ("05", "learning rate is about 2e-5"),
    "Q3: only domains limit it": ("08", "only its domains limit BERT"),
    "Q4: L2": ("07", "L2 regularisation"),
    "Q4: back-translation": ("08", "back-translation"),
}


@pytest.mark.parametrize("claim", ARTICLE)
def test_what_the_article_gets_wrong_is_corrected_in_an_exercise(claim):
    lesson, words = ARTICLE[claim]
    texts = [exercises(path)[0] for path in LESSONS if parent_of(number_of(path)) == lesson]
    assert any(words in " ".join(text.split()) for text in texts), "neither in the lesson, nor in its parts"


def test_solutions_do_not_copy_the_library():
    """They are readable code of their own: no function of a solution is one of the library's."""
    for theme, module in solutions.THEMES.items():
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.startswith(("bertlib", "bertcourse")):
                assert node.module in {"bertlib.text.wordpiece", "bertcourse.data.chinese"}, (
                    f"{theme} imports {node.module}"
                )


def test_references_that_count_for_themselves_are_those_of_scikit_learn_and_seqeval():
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    from bertcourse.checks import classification, tagging
    from bertlib.metrics import entity_scores

    rng = np.random.default_rng(0)
    for gold, predicted, classes in classification._labels_and_classes(rng):
        table = confusion_matrix(gold, predicted, labels=range(classes)).tolist()
        assert classification._confusion(gold, predicted, classes) == table
        scores = precision_recall_fscore_support(gold, predicted, labels=range(classes), zero_division=0)[:3]
        np.testing.assert_allclose(classification._report(gold, predicted, classes), np.transpose(scores))
    for gold, predicted in tagging._gold_and_predicted(rng):
        scores = entity_scores(gold, predicted)
        assert tagging._f1(gold, predicted) == pytest.approx(scores["f1"])
        assert tagging._token_accuracy(gold, predicted) == pytest.approx(scores["token_accuracy"])


def test_references_of_search_are_those_of_the_library_and_of_scikit_learn():
    from sklearn.metrics import ndcg_score
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import minmax_scale

    from bertcourse.bm25 import BM25
    from bertcourse.checks import search

    rng = np.random.default_rng(0)
    passages = [rng.choice(search.WORDS, int(rng.integers(1, 12))).tolist() for _ in range(40)]
    counts = {word: sum(word in passage for passage in passages) for word in search.WORDS}
    average = sum(map(len, passages)) / len(passages)
    for _ in range(20):
        query = [*rng.choice(search.WORDS, 4).tolist(), "zebra"]
        scores = [search._bm25(query, passage, counts, len(passages), average) for passage in passages]
        np.testing.assert_allclose(scores, BM25(passages).scores(query))
    for vectors, query, k in search._vectors_and_query(rng):
        nearest = NearestNeighbors(metric="cosine", algorithm="brute").fit(vectors)
        distances, _ = nearest.kneighbors(query[None], k)
        cosines = search._cosines(vectors, query)[search._best(vectors, query, k)]
        np.testing.assert_allclose(1 - distances[0], cosines, atol=1e-9)
    for found, relevant, k in search._found_and_relevant(rng):
        ids = [*found, *(relevant - {*found})]  # what was not found stands behind it
        if len(ids) > 1 and (k <= len(found) or relevant <= {*found}):
            gold = [[one in relevant for one in ids]]
            assert search._ndcg(found, relevant, k) == pytest.approx(ndcg_score(gold, [-np.arange(len(ids))], k=k))
    for bm25, cosine, weight in search._candidates(rng):
        expected = (1 - weight) * minmax_scale(bm25) + weight * minmax_scale(cosine)
        np.testing.assert_allclose(search._fused(bm25, cosine, weight), expected)


def test_references_of_the_desk_are_those_of_numpy_and_scikit_learn():
    from sklearn.metrics import confusion_matrix, roc_auc_score
    from sklearn.neighbors import NearestNeighbors

    from bertcourse.checks import desk

    rng = np.random.default_rng(0)
    for vectors, labels, query, k in desk._labelled_questions(rng):
        _, (near,) = NearestNeighbors(n_neighbors=k).fit(vectors).kneighbors(query[None])
        counts = Counter(labels[place] for place in near)  # in the order in which they come
        assert desk._nearest(vectors, labels, query, k) == counts.most_common(1)[0][0]
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-9)
    for scores, positive in desk._scored_pairs(rng):
        if len({*positive}) == 2:
            assert desk._auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))
        else:
            assert desk._auroc(scores, positive) == desk.REFUSED
    for confidence, right, coverage in desk._answered_questions(rng):
        assert len({*confidence}) == len(confidence)
        wrong = [not one for _, one in sorted(zip(confidence, right, strict=True), reverse=True)]
        count = next(n for n in range(1, len(wrong) + 1) if n / len(wrong) >= coverage - 1e-9)
        assert desk._risk_at(confidence, right, coverage) == pytest.approx(sum(wrong[:count]) / count)
    for confidence, right, wrong_cost, handover_cost in desk._priced_questions(rng):
        totals = []
        for t in [*confidence, np.inf]:
            (silent_wrong, wrong), (silent, _) = confusion_matrix(right, confidence >= t, labels=[False, True])
            totals.append((wrong_cost * wrong + handover_cost * (silent + silent_wrong), -t))
        assert desk._threshold(confidence, right, wrong_cost, handover_cost) == -min(totals)[1]
    for scores, alpha in desk._strange_scores(rng):
        place = desk._place(len(scores), alpha)
        assert place == -(-(len(scores) + 1) * round(100 * (1 - alpha)) // 100), "in whole numbers"
        if place > len(scores):
            assert desk._conformal(scores, alpha) == np.inf
        else:
            share = (place - 0.5) / len(scores)
            assert desk._conformal(scores, alpha) == np.quantile(scores, share, method="inverted_cdf")
    for confidence, right, alpha in desk._promising_questions(rng):
        n, t = len(right), desk._promised(confidence, right, alpha)
        kept = {
            one: n / (n + 1) * np.where(confidence >= one, ~right, False).mean() + 1 / (n + 1) <= alpha + 1e-9
            for one in confidence
        }
        assert t == min((one for one in kept if kept[one]), default=np.inf)


def test_the_desk_s_questions_have_the_published_figures_and_slips_that_can_be_told_apart():
    from bertcourse.checks import desk

    assert {"4500", "96.9", "1000", "40.3"} < {*question("desk.one_accuracy").replace(",", "").split()}
    assert "costs 12, a hand-over 3" in question("desk.break_even")
    for right, slips, drawn in (
        (desk._one_accuracy, desk.SLIPS_OF_SCOPE, desk.SCOPES),
        (desk._break_even, desk.SLIPS_OF_PRICE, desk.PRICES),
    ):
        assert len({right(*given) for given in drawn}) == len(drawn) >= 10
        for given in drawn:
            numbers = sorted([right(*given), *(slip(*given) for slip, _ in slips)])
            assert all(other - one > 2e-3 * abs(other) for one, other in pairwise(numbers)), given


def test_worked_solutions_are_all_asked_for():
    for theme, module in solutions.THEMES.items():
        written = {name.removeprefix("my_") for name in vars(module) if name.startswith("my_")}
        assert written == {name.split(".")[1] for name in ALL if name.startswith(theme + ".")}


def test_a_notebook_does_not_show_the_result_once_more():
    from IPython.core.formatters import DisplayFormatter

    with redirect_stdout(io.StringIO()):
        result = check("encoder.gelu", F.gelu)
    assert result and DisplayFormatter().format(result) == ({}, {})


def test_printing_goes_to_the_caller():
    out = io.StringIO()
    with redirect_stdout(out):
        check("encoder.gelu", F.gelu)
    assert out.getvalue() == "✓ encoder.gelu: right, on 4 cases.\n"
