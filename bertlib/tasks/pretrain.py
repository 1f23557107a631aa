"""Pretraining: documents in, a BERT with both of its heads out (Devlin et al., 2019, §3.1 and A.2)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from bertlib.device import pick_device, pick_dtype, seed_everything
from bertlib.metrics import pretraining_scores, unigram_baseline
from bertlib.model.config import BertConfig
from bertlib.model.dropout import set_dropout
from bertlib.model.heads import BertForPreTraining
from bertlib.model.starts import start_well
from bertlib.model.weights import Stored, load_model, read_model
from bertlib.tasks.pretrained import PretrainedBert
from bertlib.text.corpus import check_vocabulary
from bertlib.text.pair_stream import Documents, PretrainingData, Stretch, real_tokens
from bertlib.text.tokenizer import load_tokenizer, tokenizer_files
from bertlib.text.wordpiece import WordPiece
from bertlib.train.checkpoints import Checkpoints
from bertlib.train.evaluation import Evaluation
from bertlib.train.history import History, Log
from bertlib.train.history import describe as describe  # part of this module for those who read it from here
from bertlib.train.loop import train
from bertlib.train.processes import process_rank
from bertlib.train.recipe import PretrainingRecipe
from bertlib.train.tracking import Curves

# A run goes on from a checkpoint only where these are what they were.
FIXED = ("updates", "evaluate_every", "batch_size", "accumulation", "learning_rate", "warmup", "weight_decay")
FIXED += ("max_length", "probability", "whole_words", "good_start", "packing", "seed")


def pretrain(
    documents: Documents,
    held_out: Documents | None = None,
    *,
    start: BertConfig | str | Path,
    tokenizer: Tokenizer | WordPiece | None = None,
    out: str | Path | None = None,
    recipe: PretrainingRecipe | None = None,
    tensorboard: bool = False,
    on_evaluation: Callable[[History, Mapping[str, float] | None], None] | None = None,
    show_progress: bool = True,
    **settings: Any,
) -> PretrainedBert:
    """Pretrain a BERT with MLM and NSP, from scratch or from existing weights.

    With `out`, every evaluation leaves a checkpoint there, and the same call goes on from the last one, bit for bit.
    Under torchrun or `accelerate launch`, inside `bertlib.train.processes.joined_processes`, the batches of an update
    are shared out, and the result is that of one process.

    Args:
        documents: each a sequence of sentences, in order; see `bertlib.data.documents.read_documents`.
        held_out: documents for the curves; None for none.
        start: a BertConfig for a random start (its vocab_size and pad_token_id are set to the tokenizer's), or the
            folder of a model whose weights to go on from; heads that it lacks are made anew.
        tokenizer: None for that of the folder `start`.
        out: folder for `checkpoints/`, and at the end for `model/` (transformers' format).
        recipe: how; a learning_rate of None is 5e-4 from a random start and 1e-4, BERT's own (A.2), from a model.
        tensorboard: write curves to `out/runs` (needs the package tensorboard).
        on_evaluation: called with the history and the baseline after each evaluation.
        settings: fields of the recipe that are to be others, such as updates, batch_size, max_length, seed.

    Raises:
        ValueError: nothing to train on, an argument out of its range, or a checkpoint in `out` that does not fit; the
            message says which and what to do. TypeError: a setting that there is not.
        FloatingPointError: the loss is not a number.
    """
    recipe = (recipe or PretrainedBert.recipe).but(**settings).in_rounds()
    if tensorboard and out is None:
        raise ValueError("tensorboard=True needs out: the folder to write the curves to")
    stored = None if isinstance(start, BertConfig) else read_model(start)
    if recipe.learning_rate is None:
        recipe = recipe.but(learning_rate=5e-4 if stored is None else 1e-4)
    if tokenizer is None:
        if stored is None:
            raise ValueError("tokenizer=None with a BertConfig: give a tokenizer, such as WordPiece.train(texts, 8192)")
        tokenizer = load_tokenizer(start, stored.values)
    elif isinstance(tokenizer, WordPiece):
        tokenizer = tokenizer.to_tokenizers()

    # The data, encoded once; what is held out is always masked at 15 %, so that losses can be compared.
    rank, _ = process_rank()
    shown = {"show_progress": show_progress and rank == 0}
    chosen = ("max_length", "batch_size", "seed", "probability", "whole_words", "packing")
    data = PretrainingData(documents, tokenizer, **{name: getattr(recipe, name) for name in chosen}, **shown)
    baseline = held_out_batches = None
    if held_out is not None:
        fixed_settings = {"max_length": recipe.max_length, "batch_size": 32}
        try:
            held_out_batches = PretrainingData(held_out, tokenizer, **fixed_settings, **shown).one_pass()
        except ValueError as error:
            raise ValueError(f"of the held-out documents ({len(held_out)}): {error}; or hold none out") from error
        baseline = unigram_baseline(data.token_counts(), held_out_batches)

    seed_everything(recipe.seed)
    own = {"vocab_size": data.vocab_size, "pad_token_id": data.ids["[PAD]"]}
    config = replace(start, **own) if stored is None else stored.config()
    model = begin(config, stored, recipe, tokenizer, data).to(pick_device())

    checkpoints = None
    if out is not None:
        fixed = {name: getattr(recipe, name) for name in FIXED} | {"config": model.config.to_dict()}
        fixed |= {"start": "random" if stored is None else str(Path(start).name), "documents": data.digest()}
        fixed["precision"] = str(pick_dtype(pick_device(), recipe.precision)).removeprefix("torch.")
        files = tokenizer_files(tokenizer, recipe.max_length)
        checkpoints = Checkpoints(Path(out) / "checkpoints", fixed, files)
    curves = Curves(Path(out) / "runs") if tensorboard and rank == 0 else None

    def on_epoch(history: History) -> None:
        if curves is not None:
            curves.write(history)
        if on_evaluation is not None:
            on_evaluation(history, baseline)

    def measure(model: BertForPreTraining) -> dict[str, float]:
        return pretraining_scores(model, held_out_batches, precision=recipe.precision)

    def batches(number: int) -> Stretch:
        an_epoch = recipe.evaluate_every * recipe.accumulation
        return Stretch(data, number * an_epoch, an_epoch, model.check_batch)

    evaluation = Evaluation(None if held_out is None else measure, first=True)
    log = Log("pretraining", "tokens", real_tokens, on_epoch=on_epoch, **shown)
    history = train(model, batches, recipe, evaluation=evaluation, checkpoints=checkpoints, log=log)
    if curves is not None:
        curves.close()
    model.config = model.bert.config = config
    set_dropout(model, config.hidden_dropout_prob, config.attention_probs_dropout_prob)
    result = PretrainedBert(model, tokenizer, recipe.max_length, history)
    result.baseline = baseline
    if out is not None and rank == 0:
        result.save(Path(out) / "model")
    return result


def begin(
    config: BertConfig, stored: Stored | None, recipe: PretrainingRecipe, tokenizer: Tokenizer, data: PretrainingData
) -> BertForPreTraining:
    """The model before its first update: stored weights, or new ones with a good start."""
    if recipe.dropout is not None:
        config = replace(config, hidden_dropout_prob=recipe.dropout, attention_probs_dropout_prob=recipe.dropout)
    if stored is None:
        model = BertForPreTraining(config)
        fresh = {name for name, _ in model.named_parameters()}
    else:
        model = load_model(BertForPreTraining, stored, config)
        fresh = set(model.fresh)
    check_vocabulary(tokenizer, config.vocab_size, None if stored is None else stored.folder)
    if recipe.max_length > (end := config.max_position_embeddings):
        raise ValueError(f"max_length={recipe.max_length}: the model's position table ends at {end}")
    if recipe.good_start:
        counts = data.token_counts()
        start_well(model, fresh, np.pad(counts, (0, config.vocab_size - len(counts))))
    model.bert.recompute = recipe.recompute
    if recipe.compile:
        for layer in model.bert.layers:
            layer.compile(dynamic=True)
    return model
