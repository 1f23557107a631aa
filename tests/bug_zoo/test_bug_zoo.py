"""The very checks that our code passes must fail on the bugs that others shipped."""

import ast
from dataclasses import replace
from pathlib import Path

import checks
import numpy as np
import pytest
import solutions
import torch
from datasets import Dataset
from torch import nn
from torch.nn import functional as F

from bertcourse.checks import sentiment
from bertlib import BertConfig, BertForSequenceClassification, BertModel
from bertlib.metrics import classification_scores
from bertlib.metrics.calibration import best_temperature
from bertlib.model.attention import MultiHeadSelfAttention, scaled_dot_product_attention
from bertlib.model.encoder import BertEmbeddings, BertLayer
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.tag import EntityTagger
from bertlib.text.batching import encode_texts, length_buckets, pad_batch, padding_share
from bertlib.text.spans import entities_of
from bertlib.text.windows import piece_labels
from bertlib.train.history import Log
from bertlib.train.loop import train
from bertlib.train.optimizer import parameter_groups
from bertlib.train.recipe import Recipe
from bug_zoo import (
    chinese_bugs,
    desk_bugs,
    few_labels_bugs,
    head_input,
    labels_off,
    layer_bugs,
    layer_in_forward,
    length_bugs,
    maps_without_mask,
    masked_row,
    masking_bugs,
    mean_of_means,
    ner_bugs,
    pair_bugs,
    schedules,
    tokenizers_that_differ,
    training_bugs,
    writes_to_its_input,
)

TAGS = ("O", "B-TEAM", "I-TEAM", "B-BANK", "I-BANK")
TEXTS = [
    "goal and the match of the good team",
    "bank",
    "the good",
    "profit of the market and the bad share",
    "coach of",
]


def caged(path):
    """Names of a file's bugs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bugs = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [f"{path.stem}.{bug.name}" for bug in bugs if not bug.name.startswith("_")]


def test_every_bug_is_met_by_a_test_of_the_library():
    """Named in a test, or in a tuple that one goes through; tests/course/test_checks.py has the exercises' table."""
    here, met = Path(__file__).parent, set()
    for path in here.parent.rglob("test_*.py"):
        if path.name != "test_checks.py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            met |= {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    bugs = [bug for path in here.glob("[a-z]*.py") if path.name != "test_bug_zoo.py" for bug in caged(path)]
    for module in (chinese_bugs, masking_bugs, pair_bugs, tokenizers_that_differ):
        name = module.__name__.rpartition(".")[2]
        for group in ("BUGS", "WORD_BUGS", "JOINERS", "READERS"):
            if f"{name}.{group}" in met:
                met |= {f"{name}.{bug.__name__}" for bug in getattr(module, group)}
    assert len(bugs) >= 60
    assert not set(bugs) - met


def train_once(model, batches, **settings):
    settings = {"epochs": 1, "learning_rate": 1e-3, "warmup": 0.0, "max_grad_norm": 1e9, "precision": "fp32"} | settings

    class TokenLoss:
        def sums(self, model, batch):
            logits = model(batch["input_ids"])
            return {"tokens": F.cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), reduction="sum")}

        def counts(self, model, batch):
            return {"tokens": int((batch["labels"] != -100).sum())}

    return train(model, lambda epoch: batches, Recipe(**settings), loss=TokenLoss(), log=Log(show_progress=False))


def our_update(model, batches):
    return train_once(model, batches, accumulation=len(batches)).updates[0]["loss"]


def our_schedule(total_steps, warmup_steps, peak):
    model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9))
    batches = [{"input_ids": torch.ones(2, 3).long(), "labels": torch.ones(2, 3).long()}] * total_steps
    return train_once(model, batches, learning_rate=peak, warmup=warmup_steps / total_steps)


class SelfAttention(nn.Module):
    """Ours, with one input and one output, as the check calls it."""

    def __init__(self, config, need_weights):
        super().__init__()
        self.attention = MultiHeadSelfAttention(config)
        self.need_weights = need_weights

    def forward(self, hidden):
        return self.attention(hidden, None, self.need_weights)[0]


def classifier(config, tokenizer):
    return TextClassifier(BertForSequenceClassification(config), tokenizer, 20)


def confident(classifier):
    """Weights large enough for different texts to get clearly different scores."""
    for parameter in classifier.model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return classifier


def test_attention_maps_obey_the_mask():
    checks.maps_obey_the_mask(scaled_dot_product_attention)


def test_attention_maps_of_the_model_obey_the_mask(tiny_config, batch):
    maps = BertModel(tiny_config)(batch["input_ids"], batch["attention_mask"], output_attentions=True).attentions
    assert len(maps) == tiny_config.num_hidden_layers
    padding = (batch["attention_mask"] == 0)[:, None, None, :]
    for weights in maps:
        assert (weights.masked_select(padding) == 0).all()


def test_maps_without_mask_are_caught():
    with pytest.raises(AssertionError):
        checks.maps_obey_the_mask(maps_without_mask.attention)


def test_fully_masked_row_is_zero():
    checks.masked_row_is_zero(scaled_dot_product_attention)


@pytest.mark.parametrize("attention", [masked_row.uniform_attention, masked_row.nan_attention])
def test_fully_masked_row_bugs_are_caught(attention):
    with pytest.raises(AssertionError):
        checks.masked_row_is_zero(attention)


@pytest.mark.parametrize("need_weights", [False, True])
def test_output_depends_on_stored_weights(tiny_config, need_weights):
    checks.output_depends_on_stored_weights(SelfAttention(tiny_config, need_weights), torch.randn(2, 5, 32))


def test_layer_in_forward_is_caught(tiny_config):
    with pytest.raises(AssertionError):
        checks.output_depends_on_stored_weights(layer_in_forward.Attention(tiny_config), torch.randn(2, 5, 32))


def test_head_reads_pooled_cls(tiny_classifier_config, batch):
    checks.head_reads_pooled_cls(BertForSequenceClassification(tiny_classifier_config), batch)


@pytest.mark.parametrize("head", [head_input.ReadsAllTokens, head_input.SkipsThePooler])
def test_heads_that_read_something_else_are_caught(head, tiny_classifier_config, batch):
    with pytest.raises(AssertionError):
        checks.head_reads_pooled_cls(head(tiny_classifier_config), batch)


def test_accumulation_changes_nothing():
    checks.split_changes_nothing(our_update)


def test_mean_of_means_is_caught():
    with pytest.raises(AssertionError):
        checks.split_changes_nothing(mean_of_means.one_update)


def test_the_trainer_of_transformers_adds_micro_batches_up(tmp_path):
    """What lessons 04 and 06 say of release 5.23: neither the mean of tokens nor the mean of means, but a sum of means.

    It takes a forward with **kwargs for one that divides by the update's own count, which BERT's heads do not.
    """
    import transformers

    ids = torch.arange(48).reshape(8, 6) + 2
    rows = Dataset.from_dict({"input_ids": ids.tolist(), "labels": [0, 1] * 4})
    shape = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    shape |= {"intermediate_size": 32, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    settings = {"max_steps": 1, "logging_steps": 1, "report_to": [], "save_strategy": "no", "disable_tqdm": True}
    settings |= {"use_cpu": True, "train_sampling_strategy": "sequential"}
    logged = []
    for size, parts in ((8, 1), (2, 4)):
        torch.manual_seed(0)
        model = transformers.BertForSequenceClassification(transformers.BertConfig(**shape))
        split = {"per_device_train_batch_size": size, "gradient_accumulation_steps": parts}
        trainer = transformers.Trainer(
            model, transformers.TrainingArguments(str(tmp_path), **settings, **split), train_dataset=rows
        )
        trainer.train()
        logged.append(trainer.state.log_history[0])
    for name in ("loss", "grad_norm"):
        assert logged[1][name] / logged[0][name] == pytest.approx(4.0, rel=1e-3)


def test_rates_rise_from_zero_and_fall_to_zero():
    checks.rates_rise_from_zero_and_fall_to_zero(our_schedule)


def test_history_records_the_rates_really_used():
    recorded = []

    def run(**settings):
        recorded.extend(row["learning_rate"] for row in our_schedule(**settings).updates)

    used = checks.rates_rise_from_zero_and_fall_to_zero(run)
    assert used == recorded


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")  # torch warns of this very bug
@pytest.mark.parametrize("run", [schedules.starts_at_full_rate, schedules.steps_before_the_optimizer])
def test_wrong_schedules_are_caught(run):
    with pytest.raises(AssertionError):
        checks.rates_rise_from_zero_and_fall_to_zero(run)


def test_inputs_stay_as_they_were(tiny_classifier_config, tokenizer, batch):
    model = BertForSequenceClassification(tiny_classifier_config)
    checks.inputs_stay_as_they_were(lambda batch: model(**batch), batch)
    checks.inputs_stay_as_they_were(pad_batch, [[2, 5, 3], [2, 3]], 0)
    checks.inputs_stay_as_they_were(length_buckets, [3, 1, 2, 5], 2)
    checks.inputs_stay_as_they_were(padding_share, [3, 1, 2, 5], [[0, 1], [2, 3]])
    checks.inputs_stay_as_they_were(classifier(tiny_classifier_config, tokenizer).predict, list(TEXTS))
    sequential = nn.Sequential(nn.Embedding(20, 8), nn.Linear(8, 20))
    checks.inputs_stay_as_they_were(
        lambda batches: train_once(sequential, batches),
        [{"input_ids": batch["input_ids"], "labels": batch["input_ids"]}],
    )


def test_writing_to_the_input_is_caught(batch):
    with pytest.raises(AssertionError):
        checks.inputs_stay_as_they_were(writes_to_its_input.masks_in_place, batch)
    with pytest.raises(AssertionError):
        checks.inputs_stay_as_they_were(writes_to_its_input.pads_in_place, [[2, 5, 3], [2, 3]], 0)


def test_loss_takes_each_label_as_it_is(tiny_classifier_config):
    model = BertForSequenceClassification(tiny_classifier_config)

    def our_loss(logits, labels):
        model.classifier.forward = lambda pooled: logits
        return model(torch.full((len(labels), 3), 5), labels=labels).loss

    checks.loss_takes_each_label_as_it_is(our_loss)


@pytest.mark.parametrize(
    "loss", [labels_off.counts_from_one, labels_off.ignores_class_zero, labels_off.probabilities_as_logits]
)
def test_labels_off_is_caught(loss):
    with pytest.raises(AssertionError):
        checks.loss_takes_each_label_as_it_is(loss)


def test_answers_come_in_the_order_of_the_texts(tiny_classifier_config, tokenizer):
    ours = confident(classifier(tiny_classifier_config, tokenizer))
    checks.answers_come_in_the_order_of_the_texts(ours.predict, TEXTS)


def test_answers_by_length_are_caught(tiny_classifier_config, tokenizer):
    ours = confident(classifier(tiny_classifier_config, tokenizer))
    with pytest.raises(AssertionError):
        checks.answers_come_in_the_order_of_the_texts(labels_off.answers_by_length(ours), TEXTS)


# ------------------------------------------------------------------------------------ ours and theirs, pair by pair


def our_accuracy(gold, predicted):
    return classification_scores(np.eye(3)[predicted], np.array(gold))["accuracy"]


def our_cut(tokenizer):
    def cut(ids, max_length):
        text = " ".join(tokenizer.id_to_token(number) for number in ids[1:-1])
        return encode_texts(tokenizer, [text], max_length)[0]

    return cut


def our_layer_norm(x, gain, bias, eps):
    config = BertConfig(hidden_size=x.size(-1), num_attention_heads=1, intermediate_size=8, layer_norm_eps=eps)
    norm = BertLayer(config).output_norm.double()
    norm.load_state_dict({"weight": gain, "bias": bias})
    return norm(x)


def our_block(hidden, sublayer, norm):
    config = BertConfig(hidden_size=hidden.size(-1), num_attention_heads=1, intermediate_size=8)
    return BertLayer(config).eval()(hidden, None, False)[0]


def our_split_heads(hidden, num_heads):
    config = BertConfig(hidden_size=hidden.size(-1), num_attention_heads=num_heads)
    return MultiHeadSelfAttention(config).split_heads(hidden)


def our_embeddings(words, positions, segments, input_ids, token_type_ids):
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=words.size(-1),
        num_attention_heads=1,
        max_position_embeddings=len(positions),
        type_vocab_size=len(segments),
    )
    ours = BertEmbeddings(config).eval()
    ours.word_embeddings.weight.data = words
    ours.position_embeddings.weight.data = positions
    ours.token_type_embeddings.weight.data = segments
    return ours(input_ids, token_type_ids)


def our_decay(shapes):
    """On a model of these parameters: what is called LayerNorm is one."""
    model = nn.Module()
    for name, shape in shapes.items():
        *path, last = name.split(".")
        module = model
        for part in path:
            if not hasattr(module, part):
                module.add_module(part, nn.LayerNorm(4) if part == "LayerNorm" else nn.Module())
            module = getattr(module, part)
        setattr(module, last, nn.Parameter(torch.zeros(shape)))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = parameter_groups(model, 0.01)
    return sorted(names[id(p)] for group in groups if group["weight_decay"] for p in group["params"])


def our_clip(gradients, max_norm):
    model = nn.ParameterList(torch.zeros_like(gradient) for gradient in gradients)

    class Products:
        def sums(self, model, batch):
            return {"x": sum((p * g).sum() for p, g in zip(model, gradients, strict=True))}

        def counts(self, model, batch):
            return {"x": 1}

    recipe = Recipe(epochs=1, learning_rate=1e-3, max_grad_norm=max_norm, precision="fp32")
    batches = [{"input_ids": torch.ones(1, 1)}]
    train(model, lambda epoch: batches, recipe, loss=Products(), log=Log(show_progress=False))
    return [parameter.grad for parameter in model]


# Check, ours, the bugs that it must catch.
PAIRS = {
    "accuracy": (checks.accuracy_counts_every_text_alike, our_accuracy, [labels_off.mean_of_batches]),
    "layer norm": (checks.normalises_as_the_formula, our_layer_norm, [layer_bugs.sample_deviation]),
    "norm last": (checks.what_leaves_a_layer_is_normalised, our_block, [layer_bugs.norm_first]),
    "heads": (checks.heads_are_slices_of_the_hidden_size, our_split_heads, [layer_bugs.heads_by_reshaping]),
    "attention": (
        checks.attends_as_the_formula,
        scaled_dot_product_attention,
        [layer_bugs.unscaled, layer_bugs.softmax_over_queries],
    ),
    "embeddings": (
        checks.embeddings_are_the_sum,
        our_embeddings,
        [layer_bugs.positions_from_two, layer_bugs.no_segments],
    ),
    "decay": (checks.only_matrices_decay, our_decay, [training_bugs.layer_norm_decays]),
    "clipping": (checks.clipping_keeps_the_direction, our_clip, [training_bugs.clips_each_alone]),
    "entities": (
        checks.entities_as_conlleval_reads_them,
        entities_of,
        [ner_bugs.merges_neighbours, ner_bugs.goes_on_with_any_type],
    ),
}


@pytest.mark.parametrize("check, ours, bugs", PAIRS.values(), ids=PAIRS)
def test_ours_passes_and_the_bugs_are_caught(check, ours, bugs):
    check(ours)
    for bug in bugs:
        with pytest.raises(AssertionError):
            check(bug)


def test_the_closing_sep_stays(tokenizer):
    checks.cut_keeps_the_closing_sep(our_cut(tokenizer))
    with pytest.raises(AssertionError):
        checks.cut_keeps_the_closing_sep(length_bugs.cuts_off_the_sep)


# ------------------------------------------------------------------------------------------------ named entities


def test_one_answer_a_word(tiny_config, tokenizer):
    checks.one_answer_a_word(EntityTagger, tokenizer, replace(tiny_config, labels=TAGS))


def test_scores_on_pieces_are_caught(tiny_config, tokenizer):
    with pytest.raises(AssertionError):
        checks.one_answer_a_word(ner_bugs.ScoredOnPieces, tokenizer, replace(tiny_config, labels=TAGS))


def test_tags_are_told_apart_by_name(tokenizer):
    checks.tags_are_told_apart_by_name(piece_labels, tokenizer)
    checks.only_first_pieces_are_asked(piece_labels, tokenizer)


def test_tags_told_apart_by_number_are_caught(tokenizer):
    with pytest.raises(AssertionError):
        checks.tags_are_told_apart_by_name(ner_bugs.label_modulo, tokenizer)


@pytest.mark.parametrize("labels", [ner_bugs.label_modulo, ner_bugs.every_piece_asked])
def test_pieces_that_are_asked_too_often_are_caught(labels, tokenizer):
    with pytest.raises(AssertionError):
        checks.only_first_pieces_are_asked(labels, tokenizer)


# ------------------------------------------------------------------------------------------------------ few labels


def test_copies_stay_with_the_training_texts():
    checks.no_copy_is_on_two_sides(solutions.answer("sentiment.augmented_split"))


def test_copies_before_the_split_are_caught():
    with pytest.raises(AssertionError):
        checks.no_copy_is_on_two_sides(few_labels_bugs.copies_before_the_split)


def test_pseudo_labels_keep_the_classes_alike():
    checks.every_class_is_chosen_alike(solutions.answer("sentiment.confident"))


def test_one_class_that_swallows_all_is_caught():
    with pytest.raises(AssertionError):
        checks.every_class_is_chosen_alike(few_labels_bugs.one_class_swallows_all)


def test_labels_that_choose_are_counted():
    checks.labels_that_choose_are_counted(lambda *counts: sentiment.cost(*counts[:3]))


def test_validation_for_free_is_caught():
    with pytest.raises(AssertionError):
        checks.labels_that_choose_are_counted(few_labels_bugs.validation_for_free)


# ---------------------------------------------------------------------------------------------------- a support desk


def our_knowledge(vectors, labels, query):
    return (vectors @ query).max()


def our_scopes(gold, predicted, outside):
    return [(gold == predicted)[rows].mean() for rows in (gold != outside, gold == outside)]


def our_agreed(predicted, first, second):
    agreed = first == second
    return agreed.mean(), (predicted == first)[agreed].mean()


DESK = {
    "far": (checks.what_is_far_is_not_known, our_knowledge, [desk_bugs.softmax_of_all]),
    "costs": (
        checks.the_threshold_costs_least,
        solutions.answer("desk.threshold"),
        [desk_bugs.always_nine_tenths, desk_bugs.of_best_accuracy],
    ),
    "scopes": (checks.scopes_are_told_apart, our_scopes, [desk_bugs.one_accuracy]),
    "readers": (
        checks.both_readers_are_asked,
        our_agreed,
        [desk_bugs.one_reader_is_the_truth, desk_bugs.noise_is_where_it_errs],
    ),
}


@pytest.mark.parametrize("check, ours, bugs", DESK.values(), ids=DESK)
def test_a_desk_passes_and_its_bugs_are_caught(check, ours, bugs):
    check(ours)
    for bug in bugs:
        with pytest.raises(AssertionError):
            check(bug)


def test_what_is_chosen_on_the_test_is_caught():
    rng = np.random.default_rng(0)
    questions = [
        (confidence, rng.random(80) < confidence**power) for power, confidence in enumerate(rng.random((3, 80)))
    ]
    logits = [(3 * rng.standard_normal((80, 4)), rng.integers(0, 4, 80)) for _ in range(3)]
    for scores, gold in logits:
        scores[np.arange(80), gold] += 2 * rng.random()
    threshold = solutions.answer("desk.threshold")
    checks.the_test_chooses_nothing(lambda held_out, test: threshold(*held_out, 5, 2), *questions)
    checks.the_test_chooses_nothing(lambda held_out, test: best_temperature(*held_out), *logits)
    with pytest.raises(AssertionError):
        checks.the_test_chooses_nothing(
            lambda held_out, test: desk_bugs.chosen_on_the_test(held_out, test, 5, 2), *questions
        )
    with pytest.raises(AssertionError):
        checks.the_test_chooses_nothing(desk_bugs.temperature_of_the_test, *logits)
