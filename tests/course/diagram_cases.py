"""A real object for every diagram, the same altered, and others that are refused, for tests of bertcourse.diagrams."""

import tomllib
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from bertcourse.costs import forward_flops
from bertcourse.data.raters import split_half
from bertcourse.diagrams import (
    answers,
    attention,
    chinese,
    classification,
    course,
    desk,
    encoder,
    looking,
    masking,
    monitor,
    pairs,
    pretraining,
    recommend,
    search,
    sentiment,
    small,
    speed,
    tagging,
    tuning,
    wordpiece,
    writing,
)
from bertcourse.lessons import lessons_in, number_of
from bertlib import BertConfig
from bertlib.data import encoder_folder
from bertlib.model.adapters import LoRA, LoRALinear
from bertlib.text.answers import pieces_of, read_with_questions
from bertlib.text.batching import length_buckets, pack
from bertlib.text.spans import entities_of
from bertlib.text.windows import Pieces
from bertlib.text.wordpiece import load_tokenizer, merge

ROOT = Path(__file__).resolve().parents[2]
ROUTES = tomllib.loads((ROOT / "notebooks" / "routes.toml").read_text(encoding="utf-8"))
TITLES = {number_of(path): path.stem.partition("_")[2].replace("_", " ") for path in lessons_in(ROOT / "notebooks")}
BASE, SMALL_BERT = (
    BertConfig(),
    BertConfig(hidden_size=256, num_hidden_layers=4, num_attention_heads=4, intermediate_size=1024, vocab_size=8192),
)

LINES = "…\n‧\n\u2028\n‰\n′\n″\n"
TO_DESK = "can i build a small shed in my garden without asking anybody?"
ENTRIES = [
    ("Do I need a building permit for a shed?", 0.71),
    ("How large may a shed be?", 0.66),
    ("Who may sign a certificate for the electrical installation of a house that stands on leased land?", 0.41),
]
DECIDED = {("right", True): 212, ("right", False): 31, ("wrong", True): 14, ("wrong", False): 29}
DECIDED |= {("none", True): 8, ("none", False): 46}
EARLIER = ["Where was Rowling born?", "What did she do after school?"]
FOLLOWS = (EARLIER, "And how long did she stay there?", "How long did J. K. Rowling stay in Porto?")


def areas(config):
    """The parameters of an encoder, by part, counted as in lesson 02."""
    V, P, S = config.vocab_size, config.max_position_embeddings, config.type_vocab_size
    D, L, inner = config.hidden_size, config.num_hidden_layers, config.intermediate_size
    return {
        "tables": (V + P + S) * D,
        "tables' LayerNorm": 2 * D,
        "attention": L * 4 * (D**2 + D),
        "feed-forward": L * (2 * D * inner + inner + D),
        "layers' LayerNorms": L * 4 * D,
        "pooler": D**2 + D,
    }


def merges_of(words, steps):
    """Each pair joined, with its count: the loop of lesson 03."""
    split, joined = {word: [word[0], *("##" + letter for letter in word[1:])] for word in words}, []
    for _ in range(steps):
        counts = Counter()
        for word, pieces in split.items():
            for pair in pairwise(pieces):
                counts[pair] += words[word]
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        joined.append((best, counts[best]))
        split = {word: merge(pieces, best) for word, pieces in split.items()}
    return joined


TEN = {
    "play": 6,
    "player": 4,
    "played": 5,
    "plays": 3,
    "say": 4,
    "says": 5,
    "day": 6,
    "days": 3,
    "stay": 2,
    "stayed": 2,
}
X = torch.tensor([[1.0, 0, 0], [0, 0, 1.0], [0, 1.0, 0], [0, 0, 1.0]])
W_QUERY, W_KEY = torch.tensor([[0.0], [4.0], [0.0]]), torch.tensor([[1.0], [0.0], [0.0]])
WEIGHTS = torch.tensor([[0.40, 0.20, 0.40], [0.20, 0.40, 0.40], [0.25, 0.25, 0.50]])
VALUES = torch.tensor([[10.0, 0.0], [0.0, 10.0], [5.0, 5.0]])
THREE = ["token 0", "token 1", "token 2"]
HIDDEN = torch.tensor([[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
TOKENIZER = load_tokenizer(encoder_folder("minilm"))
VOCAB = {"un", "unp", "play", "##play", "##lay", "##able"}
SENTENCE = TOKENIZER.encode("The striker scored twice in the cup final.")
ODD = "Émile Zola’s naïve\u200b café: 自然 [MASK] UNPLAYABLE!"
ODD_READ = TOKENIZER.encode(ODD)
PATH = [
    "[CLS]",
    "the",
    "government",
    "will",
    "publish",
    "its",
    "new",
    "budget",
    "on",
    "thursday",
    "morning",
    ".",
    "[SEP]",
]
NEVER = [token in ("[CLS]", "[SEP]") for token in PATH]
SHOWN = ["[CLS]", "the", "[MASK]", "will", "publish", "its", "new", "cats", "on", "thursday", "[MASK]", ".", "[SEP]"]
LABELS = [-100, -100, "government", -100, -100, "its", -100, "budget", -100, -100, "morning", -100, -100]
A, B = ["it", "rose", "again", "today"], ["banks", "say", "so", "too", "."]
BEAMS = [[("le", 0, -0.5), ("un", 0, -1.2)], [("roi", 0, -1.1), ("homme", 1, -2.0)]]
LENGTHS = [12, 60, 31, 96, 18, 44, 25, 70]


def flops(config):
    parts = forward_flops(config, 32, 128, 32 * 19)
    return {name: 3.0 * count for name, count in parts.items()}


def bytes_of(parameters):
    return {"weights": 4.0 * parameters, "gradients": 4.0 * parameters, "moments": 8.0 * parameters}


def rows(lengths, size=4):
    """Padded as they come, in buckets, and packed into rows of 96."""
    groups = [list(range(start, start + size)) for start in range(0, len(lengths), size)]
    buckets, packed = length_buckets(lengths, size), pack(lengths, 96)
    ways = {
        "padded, as they come": [[lengths[i]] for group in groups for i in group],
        "in buckets of similar length": [[lengths[i]] for group in buckets for i in group],
        "packed": [[lengths[i] for i in row] for row in packed],
    }
    slots = {
        "padded, as they come": [max(lengths[i] for i in group) for group in groups for _ in group],
        "in buckets of similar length": [max(lengths[i] for i in group) for group in buckets for _ in group],
        "packed": [96] * len(packed),
    }
    return ways, slots


def schedule(warmup, updates=400):
    return [1e-4 * min(step / warmup, (updates - step) / (updates - warmup)) for step in range(1, updates + 1)]


WORDS = ["Tony", "Blair", "met", "Rowling", "in", "London", "."]
TAGS = ["B-PER", "I-PER", "O", "B-PER", "O", "B-LOC", "O"]


def spans(words, tags):
    pieces = [TOKENIZER.encode(word, add_special_tokens=False).tokens for word in words]
    return words, pieces, tags, entities_of(tags)


def followed(*names):
    return [(f"save {name}: write it beside its place", [names[0], f".{name}.k3x9"]) for name in names[1:]] + [
        ("rename it into its place, at once", list(names)),
        ("put a dot before the old one, then remove it", [names[-1], f".{names[0]}.old"]),
        ("done", [names[-1]]),
    ]


LOSSES = [[2.31, 2.30, 2.34, 2.30], [2.30, 2.52, 2.31, 2.30], [2.33, 2.31, 2.30, 2.41], [2.30, 2.30, 2.36, 2.32]]
PARTS = {"pieces": "03", "sum": "02", "layers": "01 and 02", "pretraining": "04 to 06", "classes": "07", "names": "08"}
TASKS = ["classes", "names", "matching"]
UNEVEN = torch.randn(11, 384, generator=torch.Generator().manual_seed(0))[: len(SENTENCE.tokens)]

RATED = [3, 2, 1, 2, -1, 0, 2, 1, 3, 2, 1, 0, -2, 2, 1, 4, 2, 1, 0, 2]
SAID = "Great camera, but the menus take a week to learn and the battery does not last."


def halves(noise):
    """Twenty ratings each of 200 sentences: a value of the sentence's own, and noise."""
    draw = torch.Generator().manual_seed(0)
    own, each = torch.randn(200, 1, generator=draw) * 1.5, torch.randn(200, 20, generator=draw) * noise
    return split_half((own + each).round().clamp(-4, 4).tolist(), draws=20)


def adapter(inner, outer, rank):
    return LoRALinear(torch.nn.Linear(inner, outer), LoRA(rank=rank, alpha=16))


def sure_of(seed, least=0.6):
    """A teacher's probabilities, and rows that it is sure of, as many of each class."""
    shares = torch.randn(300, 3, generator=torch.Generator().manual_seed(seed)).mul(2).softmax(-1)
    best, label = shares.max(dim=-1)
    sure = [((label == c) & (best >= least)).nonzero().flatten().tolist() for c in range(3)]
    count = min(map(len, sure))
    chosen = [row for rows in sure for row in rows[:count]], [c for c in range(3) for _ in range(count)]
    return [0] * 8 + [1] * 8 + [2] * 8, shares.tolist(), chosen, ("negative", "neutral", "positive"), least


# name: (function, arguments, arguments altered)
ASKED, TOLD = "Where did they meet?", "Rowling met the two bakers of Llanfairpwll in a bookshop near Oxford in 1896."


def scored(seed, told=TOLD, asked=ASKED):
    """What a model reads, with segments, and scores drawn at random."""
    (ids,), (segments,), _, _ = read_with_questions(TOKENIZER, [asked], [told], 256)
    draw = torch.Generator().manual_seed(seed)
    scores = 3 * torch.randn(2, len(ids), generator=draw) - 2
    return [TOKENIZER.id_to_token(token) for token in ids], segments, *scores.tolist()


def in_windows(answer, max_length=40, copies=1):
    """Windows of a long text, the place of an answer in its pieces, and the pieces; no answer: None."""
    told = " ".join(["A tale of bakers, trains and letters that nobody has read so far.", TOLD, *["It rained on."] * 9])
    told = " ".join([told + " The striker missed the cup final and he said nothing of it to anybody."] * copies)
    _, _, readings, (pieces,) = read_with_questions(TOKENIZER, [ASKED], [told], max_length)
    start = told.index(answer or "A")
    return readings, pieces_of(pieces, (start, start + len(answer))) if answer else None, pieces


TITLES_FOUND = ["Rain gauge", "Star Wars: Episode III – Revenge of the Sith", "Hail", *map("Tale {}".format, range(30))]
PADDED = [["[CLS]", "the", "dog", "bites", ".", "[SEP]"], ["[CLS]", "yes", "[SEP]", "[PAD]", "[PAD]", "[PAD]"]]


def ranked(seed, relevant, count=24):
    """Three lists of passages, best first: by two scores drawn at random that agree in part, and by their sum."""
    one, two = torch.randn(2, 33, generator=torch.Generator().manual_seed(seed))
    two += one
    lists = [scores.argsort(descending=True)[:count].tolist() for scores in (one, two, one + two)]
    return *lists, relevant(lists) if callable(relevant) else relevant, TITLES_FOUND


IN_TIME = {"person 7": [0, 0.1, 0.2, 3, 9], "person 12": [1, 1.2, 5], "person 40": [7, 7.5, 8, 8.1]}
AT_THE_END = {"the last of each": {"person 7": [4], "person 12": [2], "person 40": [3]}}
LATER = AT_THE_END | {"one date": {"person 7": [4], "person 40": [0, 1, 2, 3]}}

PAGES = {f"2020-01-{day:02d}": 20 + 20 * (day % 3 == 0) for day in (2, 3, 5, 6, 7, 8, 10, 13, 14, 15, 16)}
TONES = [0.4, 1.6, float("nan"), 1.9, -0.3, 0.8, 2.2, -1.5]
REAL = [False, True, True, True, True, False, False, True, True, False]
TRIED = {
    "trial 1": ([0.7, 0.812], [0.71, 0.79]),
    "trial 2": ([0.83, 0.82], [0.78, 0.8]),
    "trial 3": ([0.8, 0.81], [0.801, 0.82]),
}
SHORT_TEXTS = [["[CLS]", "oil", "falls", "[SEP]"], ["[CLS]", "shops", "[SEP]", ""]]
CALLED = [True, False, False, True, False, False, False, False, False, False]

CASES = {
    "course_map": (
        course.course_map,
        (ROUTES["needs"], ROUTES["routes"], TITLES),
        (ROUTES["needs"] | {"09": ["08"]}, ROUTES["routes"], TITLES),
    ),
    "bert_whole": (
        course.bert_whole,
        (BASE, sum(areas(BASE).values()), PARTS, TASKS),
        (SMALL_BERT, sum(areas(SMALL_BERT).values()), PARTS, TASKS),
    ),
    "text_to_vector": (
        course.text_to_vector,
        (SENTENCE.tokens, SENTENCE.ids, UNEVEN),
        (SENTENCE.tokens, SENTENCE.ids, 2 - UNEVEN),
    ),
    "weighted_average": (
        attention.weighted_average,
        (THREE, WEIGHTS, VALUES, 0),
        (THREE, WEIGHTS.flip(0), VALUES, 0),
    ),
    "head_flow": (
        attention.head_flow,
        (X, W_QUERY, W_KEY, torch.eye(3)),
        (X, W_QUERY.expand(3, 2), W_KEY.expand(3, 2), torch.eye(3)),
    ),
    "heads_and_a_wrong_view": (
        attention.heads_and_a_wrong_view,
        (HIDDEN, 2),
        (torch.arange(24.0).view(1, 3, 8), 2),
    ),
    "mask_broadcast": (attention.mask_broadcast, (MASK, 12), (torch.tensor([[1, 1, 1, 1, 0], [1, 0, 0, 0, 0]]), 2)),
    "embedding_sum": (
        encoder.embedding_sum,
        (["[CLS]", "the", "dog", "[SEP]", "it", "barks", "[SEP]"], [0, 0, 0, 0, 1, 1, 1], 384),
        (["[CLS]", "the", "dog", "[SEP]", "it", "barks", "[SEP]"], [0] * 7, 384),
    ),
    "post_ln_layer": (encoder.post_ln_layer, (BASE,), (SMALL_BERT,)),
    "reach_of_a_change": (encoder.reach_of_a_change, (6, 2, range(6), [2]), (6, 3, range(6), [3])),
    "parameter_areas": (encoder.parameter_areas, (areas(BASE),), (areas(SMALL_BERT),)),
    "masked_mean": (
        encoder.masked_mean,
        (
            [["[CLS]", "the", "dog", "bites", ".", "[SEP]"], ["[CLS]", "yes", "[SEP]", "[PAD]", "[PAD]", "[PAD]"]],
            [[1] * 6, [1, 1, 1, 0, 0, 0]],
        ),
        (
            [["[CLS]", "the", "dog", "bites", ".", "[SEP]"], ["[CLS]", "yes", "[SEP]", "[PAD]", "[PAD]", "[PAD]"]],
            [[1] * 6, [1] * 6],
        ),
    ),
    "merge_tree": (wordpiece.merge_tree, (merges_of(TEN, 7), list(TEN)), (merges_of(TEN | {"day": 60}, 7), list(TEN))),
    "greedy_steps": (wordpiece.greedy_steps, ("unplayable", VOCAB), ("unplayable", VOCAB - {"unp"})),
    "offsets_under_text": (
        wordpiece.offsets_under_text,
        (ODD, ODD_READ.tokens, ODD_READ.offsets),
        ("a café", ["a", "caf", "##e"], [(0, 1), (2, 5), (5, 6)]),
    ),
    "masking_path": (
        masking.masking_path,
        (PATH, NEVER, SHOWN, LABELS),
        (PATH, NEVER, PATH, [-100] * 10 + ["morning", -100, -100]),
    ),
    "fates_as_areas": (
        masking.fates_as_areas,
        (0.15, {"[MASK]": 0.8, "a random token": 0.1, "as it was": 0.1}),
        (0.4, {"[MASK]": 0.7, "a random token": 0.2, "as it was": 0.1}),
    ),
    "loss_places": (
        masking.loss_places,
        (["the", "dog", "bites", "man"], [False, True, False, True], [0.6, 0.4, 0.6, 0.5]),
        (["the", "dog", "bites", "man"], [False, True, False, True], [0.6, 0.1, 0.6, 0.5]),
    ),
    "neighbours_left": (
        masking.neighbours_left,
        ({0.15: [False] * 3 + [True] + [False] * 6, 0.5: [True, False] * 5},),
        ({0.15: [False] * 10},),
    ),
    "window_walk": (
        pairs.window_walk,
        ([10] * 5, [(0, 1, 3, False), (1, 3, 4, True)], 30),
        ([10] * 5, [(0, 1, 3, True), (3, 4, 5, True)], 30),
    ),
    "pair_layout": (pairs.pair_layout, (A, B, 2, 4), (A, B, 3, 3)),
    "origins_of_false": (
        pairs.origins_of_false,
        (
            [
                ("ours", [(0, 1, False), (1, 0, False), (2, 1, False), (2, 0, False)]),
                ("any sentence", [(0, 0, True), (1, 1, False), (1, 2, False), (2, 0, False)]),
            ],
            3,
        ),
        (
            [
                ("ours", [(0, 1, False), (1, 0, False), (2, 1, False), (2, 1, False)]),
                ("any sentence", [(0, 0, True), (1, 1, True), (1, 2, False), (2, 0, False)]),
            ],
            3,
        ),
    ),
    "both_heads": (pretraining.both_heads, (BASE,), (SMALL_BERT,)),
    "checkpoint_steps": (
        pretraining.checkpoint_steps,
        (followed("00000200", "00000400"), "the newest name without a dot"),
        (followed("00000200", "00000600"), "the newest name without a dot"),
    ),
    "learning_rates": (pretraining.learning_rates, (schedule(40), "warm-up 10 %"), (schedule(4), "warm-up 1 %")),
    "two_budgets": (
        speed.two_budgets,
        (flops(SMALL_BERT), bytes_of(11e6) | {"activations": 4e8}),
        (flops(BASE), bytes_of(110e6) | {"activations": 4e9}),
    ),
    "rows_of_texts": (speed.rows_of_texts, rows(LENGTHS), rows([*LENGTHS[::-1], 90, 5, 5, 5])),
    "replicated": (speed.shared_out, (bytes_of(11e6), 3, False), (bytes_of(11e6), 2, False)),
    "sharded": (speed.shared_out, (bytes_of(11e6), 3, True), (bytes_of(22e6), 3, True)),
    "splits_and_leaks": (
        classification.splits_and_leaks,
        (
            {"train": 1431, "validation": 385, "test": 409},
            {"train": "learn the weights", "validation": "choose the epoch", "test": "report, once"},
            {("train", "validation"): 0, ("train", "test"): 12, ("validation", "test"): 0},
        ),
        (
            {"train": 1431, "validation": 385, "test": 409},
            {"train": "learn the weights", "validation": "choose the epoch", "test": "report, once"},
            {("train", "validation"): 0, ("train", "test"): 0, ("validation", "test"): 3},
        ),
    ),
    "read_of_texts": (
        classification.read_of_texts,
        ([230, 90, 410, 64, 700, 128, 300], 128),
        ([230, 90, 410, 64, 700, 128, 300], 256),
    ),
    "cls_to_class": (
        classification.cls_to_class,
        (
            SENTENCE.tokens,
            {"business": 0.02, "entertainment": 0.01, "politics": 0.04, "sport": 0.91, "tech": 0.02},
            384,
        ),
        (
            SENTENCE.tokens,
            {"business": 0.62, "entertainment": 0.01, "politics": 0.04, "sport": 0.31, "tech": 0.02},
            384,
        ),
    ),
    "words_to_spans": (tagging.words_to_spans, spans(WORDS, TAGS), spans(WORDS, ["B-PER", *TAGS[1:5], "O", "O"])),
    "counted_entities": (
        tagging.counted_entities,
        (WORDS, entities_of(TAGS), [(0, 1, "PER"), (3, 4, "PER"), (5, 6, "ORG")]),
        (WORDS, entities_of(TAGS), [(0, 2, "PER")]),
    ),
    "readings_of_tags": (
        tagging.readings_of_tags,
        (
            WORDS[:6],
            ["I-PER", "I-PER", "O", "B-PER", "O", "I-LOC"],
            {"as a B-": [(0, 2, "PER"), (3, 4, "PER"), (5, 6, "LOC")], "strict": [(3, 4, "PER")]},
        ),
        (
            WORDS[:6],
            ["I-PER", "I-PER", "O", "B-PER", "O", "B-LOC"],
            {"as a B-": [(0, 2, "PER"), (3, 4, "PER"), (5, 6, "LOC")], "strict": [(3, 4, "PER"), (5, 6, "LOC")]},
        ),
    ),
    "probe_and_control": (
        looking.probe_and_control,
        ({"probe": 0.93, "token table only": 0.86, "shuffled labels": 0.21}, 0.18, "which part of speech?"),
        ({"probe": 0.93, "token table only": 0.66, "shuffled labels": 0.21}, 0.18, "which part of speech?"),
    ),
    "heads_taken_out": (looking.heads_taken_out, (LOSSES, 2.30), ([row[::-1] for row in LOSSES], 2.30)),
    "attention_lines": (
        looking.attention_lines,
        (
            ["[CLS]", "the", "cat", "was", "tired", "[SEP]"],
            [0.1, 0.05, 0.7, 0.05, 0.05, 0.05],
            3,
            [0.2, 0.1, 0.6, 0.04, 0.04, 0.02],
        ),
        (
            ["[CLS]", "the", "cat", "was", "tired", "[SEP]"],
            [0.1, 0.05, 0.2, 0.05, 0.55, 0.05],
            3,
            [0.2, 0.1, 0.6, 0.04, 0.04, 0.02],
        ),
    ),
    "one_sentence": (sentiment.one_sentence, (SAID, RATED), (SAID, [-one for one in RATED])),
    "halves_to_ceiling": (sentiment.halves_to_ceiling, (halves(1.0), 20), (halves(3.0), 20)),
    "lora_beside": (sentiment.lora_beside, (adapter(384, 384, 8),), (adapter(384, 384, 32),)),
    "labels_spread": (sentiment.labels_spread, sure_of(0), sure_of(1)),
    "span_head": (answers.span_head, scored(0), scored(1)),
    "windows_over": (answers.windows_over, in_windows("1896"), in_windows("the cup final")),
    "nothing_over_windows": (
        answers.nothing_over_windows,
        ([(1.2, -3.4), (-6.114, 7.3), (4.5, -1.2), (3.3, 0.2)],),
        ([(1.2, -3.4), (0.5, -5.3)],),
    ),
    "two_encoders": (
        search.two_encoders,
        (2938, 3270, (11.2, 131.4)),
        (2938, 3270, (11.2, 131.4), 50),
    ),
    "pooled_texts": (
        search.pooled_texts,
        (PADDED, [[1] * 6, [1] * 3 + [0] * 3]),
        (PADDED, [[1] * 6, [1] * 3 + [0] * 3], {"[CLS] alone": [[1] + [0] * 5] * 2}),
    ),
    "ranks_fused": (search.ranks_fused, ranked(0, 1), ranked(1, 1)),
    "path_of_a_question": (
        desk.path_of_a_question,
        (TO_DESK, ENTRIES, 0.83, 0.62, True),
        (TO_DESK, ENTRIES, 0.47, 0.62, False),
    ),
    "four_outcomes": (desk.four_outcomes, (DECIDED, (12, 3)), (DECIDED, (30, 2))),
    "three_ways_to_ask": (desk.three_ways_to_ask, (*FOLLOWS, (14, 3, 1)), (*FOLLOWS, (2, 5, None))),
    "items_read": (
        recommend.items_read,
        (["Toy Story", "Fargo", "The Shawshank Redemption"], 20, "Babe"),
        (["Toy Story", "Fargo"], 20, "Babe"),
    ),
    "questions_in_time": (recommend.questions_in_time, (IN_TIME, AT_THE_END, 6.0), (IN_TIME, LATER, 6.0)),
    "reads_and_writes": (
        writing.reads_and_writes,
        (["the", "words", "of", "the", "king"], ["les", "paroles", "du", "roi"], 3),
        (["good", "morning"], ["bonjour"], 2),
    ),
    "may_look": (
        writing.may_look,
        (["the", "words", "of", "the", "king"], ["start", "les", "paroles"]),
        (["good", "morning"], ["start", "bonjour"]),
    ),
    "beams_as_tree": (writing.beams_as_tree, (BEAMS, [["le"], ["roi"]]), (BEAMS[:1], [["un"]])),
    "aligned": (
        writing.aligned,
        (["the", "king"], ["le", "roi", "."], np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])),
        (["the", "king"], ["le", "roi", "."], np.array([[0.1, 0.9], [0.8, 0.2], [0.97, 0.03]])),
    ),
    "read_two_ways": (chinese.read_two_ways, (LINES, 0, 5), ("a\n\x85\nb\nc\n", 0, 3)),
    "hidden_two_ways": (
        chinese.hidden_two_ways,
        (["人民", "日报", "在", "北京"], [1, 0, 0, 0, 1, 0, 0], [0, 0, 1, 1, 0, 0, 0]),
        (["人民", "日报", "在", "北京"], [1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1]),
    ),
    "names_of_tags": (
        chinese.names_of_tags,
        (["主席", "江", "泽民", "在", "北京"], ["n", "nr", "nr", "p", "ns"], [(2, 5, "PER"), (6, 8, "LOC")]),
        (["克林顿", "说"], ["nr", "v"], [(0, 3, "PER")]),
    ),
    "rank_among": (recommend.rank_among, (84, 1500, range(10, 1500, 15)), (84, 1500, range(100, 1500, 14))),
    "pages_of_weeks": (monitor.pages_of_weeks, (PAGES, 3), (PAGES | {"2020-01-09": 40}, 3)),
    "cusum_steps": (monitor.cusum_steps, (TONES, 0.5, 2.0), (TONES, 0.5, 9.0)),
    "adjusted_runs": (monitor.adjusted_runs, (CALLED, REAL), (CALLED[::-1], REAL)),
    "chosen_and_reported": (
        tuning.chosen_and_reported,
        (TRIED,),
        ({"trial 1": ([0.91, 0.9], [0.88, 0.93]), "trial 2": ([0.7, 0.75], [0.72, 0.71])},),
    ),
    "adapters_in_a_layer": (tuning.adapters_in_a_layer, (384, 16), (64, 8)),
    "prefix_in_a_batch": (
        tuning.prefix_in_a_batch,
        (SHORT_TEXTS, [[1] * 4, [1, 1, 1, 0]], 2),
        (SHORT_TEXTS, [[1] * 4, [1] * 4], 3),
    ),
    "one_encoder": (
        tuning.one_encoder,
        (("MiniLM", 86.7), {"sentiment": 1.3, "answers": 1.1}),
        (("MiniLM", 86.7), {"sentiment": 1.3, "answers": 1.1, "news": 0.4}),
    ),
    "kept_layers": (small.kept_layers, (6, (0, 2, 4), (22.7, 17.4)), (6, (0, 5), (22.7, 15.6))),
    "row_in_int8": (small.row_in_int8, ([0.127, -0.04, 0.005, 0.0],), ([0.127, -0.04, 0.005, 0.9],)),
    "two_products": (small.two_products, ((255, 200), (127, 90)), ((255, 20), (12, 90))),
    "batches_in_time": (
        small.batches_in_time,
        ([0.0, 0.1, 0.2, 0.9], [[0], [1, 2], [3]], 0.3, 0.05),
        ([0.0, 0.1, 0.2, 0.9], [[0], [1], [2], [3]], 0.3, 0.05),
    ),
}


def draw(name, altered=False):
    function, arguments, other = CASES[name]
    return function(*(other if altered else arguments))


# The same functions at other sizes: as large as a lesson may want them.
LARGE = BertConfig(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
MANY = {f"{number:02}": [f"{number - 1:02}"] if number else [] for number in range(23)} | {"20": ["07", "19"]}
OTHER_SIZES = {
    "course_map of 23 lessons": (course.course_map, (MANY, {"all": list(MANY)}, {n: f"lesson {n}" for n in MANY})),
    "bert_whole, large": (course.bert_whole, (LARGE, 335_141_888, PARTS, [*TASKS, "search"])),
    "post_ln_layer, large": (encoder.post_ln_layer, (LARGE,)),
    "both_heads, large": (pretraining.both_heads, (LARGE,)),
    "weighted_average of 5": (
        attention.weighted_average,
        (["[CLS]", "the", "cat", "sat", "[SEP]"], torch.eye(5) * 0.6 + 0.08, torch.arange(10.0).view(5, 2) / 3, 2),
    ),
    "heads_and_a_wrong_view, 4 heads": (attention.heads_and_a_wrong_view, (torch.arange(32.0).view(1, 4, 8), 4)),
    "mask_broadcast of 3 texts": (attention.mask_broadcast, (torch.ones(3, 6).tril(diagonal=2).long(), 16)),
    "merge_tree of 9": (wordpiece.merge_tree, (merges_of(TEN, 9), list(TEN))),
    "merge_tree of 3": (wordpiece.merge_tree, (merges_of({"hug": 10, "pug": 5, "pun": 12}, 3), ["hug", "pug", "pun"])),
    "greedy_steps of a long word": (
        wordpiece.greedy_steps,
        ("electroencephalograph", {*"electroncphalgr"} | {"electro"}),
    ),
    "greedy_steps to [UNK]": (wordpiece.greedy_steps, ("play☃", {"play"})),
    "masking_path of 24": (
        masking.masking_path,
        (["internationalisation"] * 24, [False] * 24, ["[MASK]"] * 24, ["internationalisation"] * 24),
    ),
    "origins_of_false, 7 documents": (
        pairs.origins_of_false,
        ([("ours", [(i, j, False) for i in range(7) for j in range(7) if i != j])], 7),
    ),
    "window_walk of 9": (
        pairs.window_walk,
        ([12, 30, 9, 14, 22, 17, 8, 31, 12], [(0, 1, 3, True), (3, 5, 6, False), (5, 6, 8, True)], 60),
    ),
    "two_budgets, large": (speed.two_budgets, (flops(LARGE), bytes_of(335e6) | {"activations": 9e9})),
    "rows_of_texts, 16": (speed.rows_of_texts, rows([17 * n % 90 + 4 for n in range(16)], 8)),
    "sharded, 4 processes": (speed.shared_out, (bytes_of(335e6), 4, True)),
    "two splits": (
        classification.splits_and_leaks,
        ({"train": 100, "test": 20}, {"train": "learn", "test": "report"}, {("train", "test"): 1}),
    ),
    "cls_to_class, 2 classes": (
        classification.cls_to_class,
        (["[CLS]", "good", "[SEP]"], {"negative": 0.0, "positive": 1.0}, 1024),
    ),
    "words_to_spans in two lines": (
        tagging.words_to_spans,
        spans(
            ["Mr", "Blair", "flew", "to", "New", "York", "with", "Rowling"],
            ["O", "B-PER", "O", "O", "B-LOC", "I-LOC", "O", "B-PER"],
        ),
    ),
    "probe_and_control, 6": (
        looking.probe_and_control,
        ({"probe, layer 3": 0.71, **{f"another control {n}": n / 10 for n in range(5)}}, 0.04, "what follows?"),
    ),
    "heads_taken_out, 12 x 12": (
        looking.heads_taken_out,
        ([[2.3 + 0.001 * layer * head for head in range(12)] for layer in range(12)], 2.3),
    ),
    "attention_lines of 13": (
        looking.attention_lines,
        (["[CLS]", *(f"word {n}" for n in range(11)), "[SEP]"], [1 / 13] * 13, 8, [0.5, *[0.04] * 12]),
    ),
    "learning_rates, all one": (pretraining.learning_rates, ([1e-4] * 50,)),
    "one_sentence, 99 raters at an end": (
        sentiment.one_sentence,
        ("I love it, love it, love it, and so do all of my friends " * 2, [4] * 99),
    ),
    "one_sentence, one rater": (sentiment.one_sentence, (":(", [-4])),
    "one_sentence, on a border": (sentiment.one_sentence, ("Well.", [1, 0])),
    "one_sentence, all over": (sentiment.one_sentence, ("Well.", list(range(-4, 5)))),
    "halves_to_ceiling, 99 raters": (sentiment.halves_to_ceiling, (halves(1.0), 99)),
    "halves_to_ceiling, 3 raters that disagree": (
        sentiment.halves_to_ceiling,
        ({"halves": -0.2, "reliability": -0.5, "ceiling": 0.0}, 3),
    ),
    "lora_beside, up": (sentiment.lora_beside, (adapter(384, 1536, 8),)),
    "lora_beside, down": (sentiment.lora_beside, (adapter(1536, 384, 8),)),
    "lora_beside, large": (sentiment.lora_beside, (adapter(1024, 1024, 1),)),
    "lora_beside, full rank": (sentiment.lora_beside, (adapter(384, 384, 384),)),
    "labels_spread, one class swallows all": (
        sentiment.labels_spread,
        ([0, 1], [[0.9, 0.1]] * 1500, (list(range(1500)), [0] * 1500), ("a name that is long", "another one"), 0.85),
    ),
    "labels_spread, nothing is sure": (
        sentiment.labels_spread,
        ([0, 1, 2, 3, 4, 5], [[0.1, 0.1, 0.1, 0.1, 0.1, 0.5]], ([], []), [f"class {c}" for c in range(6)], 0.9),
    ),
    "span_head, long words": (
        answers.span_head,
        scored(
            2, "The Gegenwartsliteraturwissenschaftler of Llanfairpwllgwyngyll " * 2, "What did they say of it? " * 3
        ),
    ),
    "span_head, one word": (answers.span_head, scored(3, "No", "Why?")),
    "span_head, all the same": (answers.span_head, (*scored(0)[:2], *[[0.0] * len(scored(0)[0])] * 2)),
    "windows_over, no answer": (answers.windows_over, in_windows(None)),
    "windows_over, one window": (answers.windows_over, in_windows("1896", 256)),
    "windows_over of 18": (answers.windows_over, in_windows("Rowling", 40, 5)),
    "windows_over, a long answer at the end": (answers.windows_over, in_windows(TOLD[8:], 32)),
    "windows_over, cut everywhere": (answers.windows_over, in_windows(TOLD, 24)),
    "nothing_over_windows of 20": (answers.nothing_over_windows, ([(n - 12.345, 9.5 - n) for n in range(20)],)),
    "nothing_over_windows, one": (answers.nothing_over_windows, ([(-3.0, -3.0)],)),
    "two_encoders, one of each": (search.two_encoders, (1, 1, (3, 3))),
    "two_encoders, a million": (search.two_encoders, (1_000_000, 100_000, (12, 256), 100)),
    "pooled_texts, one text": (search.pooled_texts, ([["[CLS]", "[SEP]"]], [[1, 1]])),
    "pooled_texts, three texts of 10": (
        search.pooled_texts,
        ([["[CLS]", *["king", "of"] * 4, "[SEP]"]] * 3, [[1] * 10, [1] + [0] * 9, [1] * 7 + [0] * 3]),
    ),
    "pooled_texts, other weights": (
        search.pooled_texts,
        (PADDED, [[1] * 6, [1] * 3 + [0] * 3], {"a": [[n / 21 for n in range(1, 7)]] * 2, "b": [[0.3] * 6] * 2}),
    ),
    "ranks_fused, late": (search.ranks_fused, ranked(2, lambda lists: lists[2][-1])),
    "ranks_fused, first": (search.ranks_fused, ranked(2, lambda lists: lists[2][0])),
    "ranks_fused, not found": (search.ranks_fused, ranked(3, 1, 5)),
    "pages_of_weeks, 12": (monitor.pages_of_weeks, ({"2020-01-02": 20, "2020-07-18": 120}, 12)),
    "pages_of_weeks, a day": (monitor.pages_of_weeks, ({"2020-12-31": 20}, 1)),
    "cusum_steps of 10": (monitor.cusum_steps, ([-2.5, *[9.5] * 9], 0.25, 11.5)),
    "cusum_steps, one": (monitor.cusum_steps, ([0.2], 0.5, 4)),
    "adjusted_runs of 16": (monitor.adjusted_runs, ([True] + [False] * 15, [True] * 16)),
    "adjusted_runs of 2": (monitor.adjusted_runs, ([True, False], [False, False])),
    "chosen_and_reported, many": (
        tuning.chosen_and_reported,
        (
            {
                f"a trial with a long name {n}": ([0.8, 0.812, 0.9, 0.7], [0.7, 0.6, 0.55, 0.5 + n / 99])
                for n in range(6)
            },
        ),
    ),
    "chosen_and_reported, alike": (tuning.chosen_and_reported, ({"a": ([0.9], [0.8]), "b": ([0.8], [0.7])},)),
    "adapters_in_a_layer, large": (tuning.adapters_in_a_layer, (4096, 1024)),
    "adapters_in_a_layer, least": (tuning.adapters_in_a_layer, (1, 1)),
    "prefix_in_a_batch, many": (tuning.prefix_in_a_batch, ([["refrigerator"] * 8] * 3, [[1] * 8] * 3, 4)),
    "prefix_in_a_batch, one": (tuning.prefix_in_a_batch, ([["[CLS]"]], [[1]], 1)),
    "one_encoder of 4": (
        tuning.one_encoder,
        (("a model with a name", 1340.5), {f"a task with a long name {n}": 10.0**n for n in range(4)}),
    ),
    "kept_layers, all of 12": (small.kept_layers, (12, range(12), (1109.1, 1109.1))),
    "kept_layers, the last": (small.kept_layers, (12, [11], (109.1, 31.2))),
    "row_in_int8 of 6": (small.row_in_int8, ([-9.999, 9.9989, -0.0001, 1e-9, -5.5, -9.98],)),
    "two_products, the most": (small.two_products, ((255, 255), (-128, -128))),
    "two_products, none": (small.two_products, ((0, 255), (127, 0))),
    "batches_in_time, 40 at once": (
        small.batches_in_time,
        ([1e-3 * n for n in range(40)], [[n] for n in range(40)], 0.2, 0.001),
    ),
    "batches_in_time, two": (small.batches_in_time, ([3.0, 500.0], [[0], [1]], 0.001, 0.0)),
    "ranks_fused, no names": (search.ranks_fused, ([123456, 2, 3], [4, 5], [4, 123456, 2, 3], 5)),
    "path_of_a_question, long": (
        desk.path_of_a_question,
        ("Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch " * 40, [("why " * 90, 3), ("a", -2)], 1, 1, True),
    ),
    "path_of_a_question, close": (desk.path_of_a_question, ("?", [("a", 0.03279), ("b", 0.03277)], 0.6, 0.604, False)),
    "path_of_a_question, markup": (desk.path_of_a_question, ("<b>&", [("</svg>", 1), ("许可证", 0)], 0, 0, True)),
    "four_outcomes, many": (desk.four_outcomes, (dict.fromkeys(DECIDED, 123_456), (1000, 999))),
    "four_outcomes, one": (desk.four_outcomes, ({("none", True): 1}, (2, 1))),
    "three_ways_to_ask, long": (
        desk.three_ways_to_ask,
        (["Where was Rowling born? " * 20] * 4, "Why? " * 99, "electroencephalograph" * 9, (None, None, None)),
    ),
    "three_ways_to_ask, the same": (desk.three_ways_to_ask, (["Who?"], "Why?", "Why?", (12_345, 12_345, 12_345))),
    "reads_and_writes, seven and one": (
        writing.reads_and_writes,
        (["understandable"] * 7, ["incompréhensibles"], 12),
    ),
    "may_look, seven of each": (writing.may_look, (["understandable"] * 7, ["incompréhensibles"] * 7)),
    "beams_as_tree, four of four": (
        writing.beams_as_tree,
        ([[("incompréhensibles", 0, -123.4)] * 4] * 4, [["incompréhensibles"]] * 4),
    ),
    "aligned, sixteen of each": (
        writing.aligned,
        (["understandable"] * 16, ["incompréhensibles"] * 16, np.eye(16)),
    ),
    "read_two_ways, a long row": (chinese.read_two_ways, ("[unused1]\n\u2028\n##abcdefgh\nb\nc\nd\ne\n", 0, 7)),
    "hidden_two_ways, long": (chinese.hidden_two_ways, (["北京"] * 12, [1] * 24, [0] * 24)),
    "names_of_tags, nine": (
        chinese.names_of_tags,
        (
            ["江", "泽民", *["人民日报"] * 5, "在", "北京"],
            ["nr", "nr", *["nt"] * 5, "p", "ns"],
            [(0, 3, "PER"), (3, 7, "ORG")],
        ),
    ),
    "items_read, what does not fit": (recommend.items_read, (["An American Werewolf in London"] * 5, 3, "Babe")),
    "items_read, one": (recommend.items_read, (["Babe"], 2)),
    "questions_in_time, one": (recommend.questions_in_time, ({"a person with a name": [5]}, {"the last": {}})),
    "questions_in_time, six": (
        recommend.questions_in_time,
        ({f"person {n}": [n, n + 1] for n in range(6)}, {"last": {"person 1": [1]}, "date": {}}, 3),
    ),
    "rank_among, first": (recommend.rank_among, (1, 2, [2])),
    "rank_among, last": (recommend.rank_among, (1663, 1663, range(1, 500))),
}

FOUND, CHOSEN = ("halves", "reliability", "ceiling"), sure_of(0)[2][0]


def spread(**changes):
    names = ("labelled", "unlabelled", "chosen", "classes", "least")
    return sentiment.labels_spread(**(dict(zip(names, sure_of(0), strict=True)) | changes))


LONG = in_windows(None)


def head(**changes):
    return answers.span_head(**(dict(zip(("tokens", "segments", "starts", "ends"), scored(0), strict=True)) | changes))


PATH = dict(zip(("question", "found", "confidence", "threshold", "reply"), CASES["path_of_a_question"][1], strict=True))


def path(**changes):
    return desk.path_of_a_question(**(PATH | changes))


WRONG = {  # what is refused, and words of the message
    "needs of no lesson": (
        lambda: course.course_map({"00": []}, {"all": ["00", "01"]}, {"00": "x"}),
        "01: no such lesson",
    ),
    "other tokens": (lambda: masking.masking_path(["a"], [False], ["a", "b"], [-100]), "give as many of each"),
    "nothing selected": (lambda: masking.loss_places(["a"], [False], [0.5]), "selected is False everywhere"),
    "half of the fates": (lambda: masking.fates_as_areas(0.15, {"a": 0.5}), "fates that add up to 1"),
    "no control": (
        lambda: looking.probe_and_control({"probe": 0.9}, 0.5, "x"),
        "a probe without a control says nothing",
    ),
    "no rate above 0": (lambda: pretraining.learning_rates([0.0, 0.0]), "give at least two, above 0"),
    "nobody": (lambda: sentiment.one_sentence("a", []), "ratings is empty"),
    "a rating of 5": (lambda: sentiment.one_sentence("a", [1, 5]), "5 is off the scale"),
    "no ceiling": (lambda: sentiment.halves_to_ceiling({"halves": 0.5}, 20), "found lacks reliability and ceiling"),
    "one rater": (lambda: sentiment.halves_to_ceiling(dict.fromkeys(FOUND, 0.5), 1), "raters=1: two halves"),
    "no such row": (lambda: spread(chosen=([300], [0])), "chosen: 1 rows, 1 classes"),
    "another class": (lambda: spread(chosen=(CHOSEN[:1], [2])), "is labelled 2, the teacher says 0"),
    "not sure": (lambda: spread(least=0.999999), "rows with 0.999999 or more"),
    "no question": (lambda: head(tokens=["[CLS]", "[SEP]", "a", "[SEP]"]), "give [CLS], a question, [SEP], a window"),
    "no window": (lambda: head(tokens=["[CLS]", "why", "[SEP]", "[SEP]"]), "tokens=['[CLS]', 'why', '[SEP]', '[S"),
    "padding": (lambda: head(tokens=[*scored(0)[0], "[PAD]"]), "give [CLS], a question, [SEP], a window, [SEP]"),
    "a long sentence": (
        lambda: answers.span_head(*scored(0, "word " * 26)),
        "the window has 26 words: give at most",
    ),
    "many tokens": (lambda: answers.span_head(*scored(0, "a", "why? " * 40)), "tokens: 84, of which"),
    "a score too few": (lambda: head(ends=[0.0] * 30), "ends has the shape (30,): give a finite score for each of 31"),
    "a score that is none": (lambda: head(starts=[float("nan")] * 31), "starts has the shape (31,): give a finite"),
    "one segment": (lambda: head(segments=[0] * 31), "give 7 times 0 for [CLS], question and [SEP], and 24 times 1"),
    "no windows": (lambda: answers.windows_over([], None, LONG[2]), "readings: 0 windows of 0 questions"),
    "many windows": (lambda: answers.windows_over(LONG[0] * 6, None, LONG[2]), "readings: 24 windows of 1 questions"),
    "two questions": (
        lambda: answers.windows_over([LONG[0][0], replace(LONG[0][0], row=1)], None, LONG[2]),
        "readings: 2 windows of 2 questions: give 1 to 20, all of one question",
    ),
    "pieces of another text": (
        lambda: answers.windows_over(LONG[0], None, Pieces([1], [(0, 1)], [0], (0, 1))),
        "a window ends at 90, pieces has 1",
    ),
    "an answer beyond": (lambda: answers.windows_over(LONG[0], (88, 90), LONG[2]), "0 ≤ first ≤ last < 90, or None"),
    "an answer backwards": (lambda: answers.windows_over(LONG[0], (9, 8), LONG[2]), "span=(9, 8): give first and last"),
    "no null score": (lambda: answers.nothing_over_windows([]), "rows has the shape (0,): give 1 to 20 pairs"),
    "three scores": (lambda: answers.nothing_over_windows([(1, 2, 3)]), "rows has the shape (1, 3)"),
    "no span in a window": (
        lambda: answers.nothing_over_windows([(1.0, -float("inf"))]),
        "give 1 to 20 pairs of finite numbers, null score and best span",
    ),
    "no passages": (lambda: search.two_encoders(0, 5, (8, 90)), "passages=0: give at least 1"),
    "no searches": (lambda: search.two_encoders(5, 0, (8, 90)), "questions=0: give at least 1"),
    "an empty question": (lambda: search.two_encoders(5, 5, (2, 90)), "tokens=(2, 90): give those of a question"),
    "none reread": (lambda: search.two_encoders(5, 5, (8, 90), 0), "reread=0: give 1 to 5, or None"),
    "more reread than there are": (lambda: search.two_encoders(5, 5, (8, 90), 6), "reread=6: give 1 to 5"),
    "no texts": (lambda: search.pooled_texts([], []), "tokens: 0 texts: give 1 to 3"),
    "four texts": (lambda: search.pooled_texts([["a"]] * 4, [[1]] * 4), "tokens: 4 texts: give 1 to 3"),
    "texts that were not padded": (
        lambda: search.pooled_texts([["a", "b"], ["c"]], [[1, 1], [1]]),
        "tokens: rows of [2, 1] entries: give 2 of 2",
    ),
    "a mask of one text": (lambda: search.pooled_texts(PADDED, [[1] * 6]), "mask: rows of [6] entries: give 2 of 6"),
    "weights of another batch": (
        lambda: search.pooled_texts(PADDED, [[1] * 6] * 2, {"[CLS]": [[1, 0]] * 2}),
        "[CLS]: rows of [2, 2] entries: give 2 of 6, as tokens has",
    ),
    "a mask of minus infinity": (
        lambda: search.pooled_texts([["a"]], [[-10000]]),
        "mask=[[-10000]]: give 1 for a token",
    ),
    "only padding": (lambda: search.pooled_texts([["a"]], [[0]]), "and a token in each text"),
    "nothing found": (lambda: search.ranks_fused([1], [], [1], 1), "dense: 0 passages, 0 different"),
    "found twice": (
        lambda: search.ranks_fused([1, 2, 1], [1], [1], 1),
        "lexical: 3 passages, 2 different: give at least one",
    ),
    "a blank question": (lambda: path(question=" "), "question=' ': give a text that is not blank"),
    "one entry": (lambda: path(found=ENTRIES[:1]), "found: 1 entries with the scores [0.71]: give two or three"),
    "an entry's score is none": (lambda: path(found=[("a", float("nan")), ("b", 0)]), "give two or three, finite"),
    "the best one last": (lambda: path(found=ENTRIES[::-1]), "found: scores [0.41, 0.66, 0.71]: give the best entry"),
    "a confidence in percent": (lambda: path(confidence=83), "confidence=83: give a number from 0 to 1"),
    "a threshold that is none": (lambda: path(threshold=None), "threshold=None: give a number from 0 to 1"),
    "an answer below the threshold": (
        lambda: path(confidence=0.61),
        "reply=True, but the confidence 0.61 is not at least the threshold 0.62: give False",
    ),
    "a hand-over at the threshold": (
        lambda: path(confidence=0.62, reply=False),
        "reply=False, but the confidence 0.62 is at least the threshold 0.62: give True",
    ),
    "an unknown kind": (lambda: desk.four_outcomes({("right", 2): 1}, (12, 3)), "counts has the key ('right', 2)"),
    "half of a question": (
        lambda: desk.four_outcomes({("none", True): 0.5}, (12, 3)),
        "counts[('none', True)]=0.5: give a whole number of at least 0",
    ),
    "no questions": (lambda: desk.four_outcomes({}, (12, 3)), "counts: no question at all"),
    "costs the wrong way round": (lambda: desk.four_outcomes(DECIDED, (3, 12)), "costs=(3, 12): give what a wrong"),
    "three costs": (lambda: desk.four_outcomes(DECIDED, (12, 3, 0)), "costs=(12, 3, 0): give what a wrong answer"),
    "no history": (lambda: desk.three_ways_to_ask([], *FOLLOWS[1:], (1, 1, 1)), "history=[]: give a list of 1 to 4"),
    "a history in one text": (
        lambda: desk.three_ways_to_ask("Who?", *FOLLOWS[1:], (1, 1, 1)),
        "history='Who?': give a list of 1 to 4 earlier questions",
    ),
    "a blank before": (lambda: desk.three_ways_to_ask([""], "a", "b", (1, 1, 1)), "history='': give a text"),
    "two ranks": (lambda: desk.three_ways_to_ask(*FOLLOWS, (1, 2)), "ranks=[1, 2]: give three, alone"),
    "a rank of 0": (lambda: desk.three_ways_to_ask(*FOLLOWS, (0, 2, 1)), "ranks=[0, 2, 1]: give three"),
    "nothing to read": (lambda: writing.reads_and_writes([], ["a"], 1), "source: 0 tokens: give 1 to 7"),
    "no layer": (lambda: writing.reads_and_writes(["a"], ["b"], 0), "layers=0: give at least 1"),
    "eight are written": (lambda: writing.may_look(["a"], ["b"] * 8), "written: 8 tokens: give 1 to 7"),
    "no step": (lambda: writing.beams_as_tree([], []), "give 1 to 4 steps"),
    "a beginning that is not there": (
        lambda: writing.beams_as_tree([[("a", 1, -1.0)]], [["a"]]),
        "steps[0] goes on from a beginning that is not among 1",
    ),
    "weights that do not fit": (
        lambda: writing.aligned(["a"], ["b"], np.eye(2)),
        "weights has shape (2, 2): give (1, 1)",
    ),
    "seventeen pieces": (lambda: writing.aligned(["a"] * 17, ["b"], np.ones((1, 17))), "17 and 1 pieces"),
    "a vocabulary that is the same both ways": (lambda: chinese.read_two_ways("a\nb\nc\n", 0, 3), "gives the same"),
    "ids that are not there": (lambda: chinese.read_two_ways(LINES, 4, 7), "first=4, count=7: give 2 to 7"),
    "half a word hidden": (lambda: chinese.hidden_two_ways(["北京"], [0, 0], [1, 0]), "hides '北京' by half"),
    "marks that are missing": (lambda: chinese.hidden_two_ways(["北京"], [0], [1, 1]), "marks: [1, 2]"),
    "a tag too few": (lambda: chinese.names_of_tags(["北京"], [], []), "words: 1, tags: 0"),
    "names too wide": (lambda: chinese.names_of_tags(["人民日报"] * 8, ["nt"] * 8, []), "words: 32 characters"),
    "half a word named": (lambda: chinese.names_of_tags(["北京"], ["ns"], [(0, 1, "LOC")]), "does not begin and end"),
    "no films": (lambda: recommend.items_read([], 5), "history: 0 titles: give 1 to 6"),
    "a long history": (lambda: recommend.items_read(["Babe"] * 7, 5), "history: 7 titles"),
    "no place for a film": (lambda: recommend.items_read(["Babe"], 1), "places=1: give at least 2"),
    "three protocols": (
        lambda: recommend.questions_in_time(IN_TIME, {"a": {}, "b": {}, "c": {}}),
        "asked: 3 protocols: give 1 to 6 users, 1 or 2 protocols",
    ),
    "a user without ratings": (lambda: recommend.questions_in_time({"a": []}, AT_THE_END), "users: 'a' has 0 ratings"),
    "a rating that is none": (
        lambda: recommend.questions_in_time(IN_TIME, {"x": {"person 7": [5]}}),
        "asked: 'x' asks for [5] of 'person 7'",
    ),
    "a rank beyond all": (lambda: recommend.rank_among(9, 8, [1]), "rank=9 among 8: give 1 to 8"),
    "its own rank drawn": (lambda: recommend.rank_among(3, 8, [1, 3]), "drawn: 2 ranks: give different ones"),
    "no page": (lambda: monitor.pages_of_weeks({}), "0 dates, weeks=8: give a date at least"),
    "a year of weeks": (lambda: monitor.pages_of_weeks(PAGES, 52), "weeks=52"),
    "eleven days": (lambda: monitor.cusum_steps([0.0] * 11, 0.5, 4), "11 days, limit=4: give 1 to 10"),
    "a limit of nothing": (lambda: monitor.cusum_steps([0.0], 0.5, 0), "a limit over 0"),
    "calls of other days": (lambda: monitor.adjusted_runs([True], [True, False]), "1 calls, 2 days: give 2 to 16"),
    "one trial": (lambda: tuning.chosen_and_reported({"a": ([0.9], [0.8])}), "give 2 to 6 trials"),
    "epochs without a test": (
        lambda: tuning.chosen_and_reported({"a": ([0.9, 0.8], [0.8]), "b": ([0.9, 0.8], [0.8])}),
        "each with as many scores",
    ),
    "a wide bottleneck": (lambda: tuning.adapters_in_a_layer(64, 65), "the bottleneck at most the width"),
    "a long prefix": (lambda: tuning.prefix_in_a_batch(SHORT_TEXTS, [[1] * 4] * 2, 5), "1 to 4 places"),
    "a mask of other length": (lambda: tuning.prefix_in_a_batch(SHORT_TEXTS, [[1] * 3] * 2, 1), "give rows of 4 each"),
    "one task": (lambda: tuning.one_encoder(("MiniLM", 86.7), {"news": 0.4}), "give 2 to 4 tasks"),
    "a task of nothing": (lambda: tuning.one_encoder(("MiniLM", 86.7), {"news": 0.4, "mood": 0}), "all sizes above 0"),
    "a student with more layers": (lambda: small.kept_layers(3, (0, 5), (2, 1)), "count=3, kept=[0, 5]: give 2 to 12"),
    "layers in no order": (lambda: small.kept_layers(6, (4, 2), (2, 1)), "kept=[4, 2]"),
    "seven weights": (lambda: small.row_in_int8([1] * 7), "give 2 to 6 numbers between"),
    "weights of nothing": (lambda: small.row_in_int8([0, 0]), "not all 0"),
    "a weight that is none": (lambda: small.row_in_int8([1, float("nan")]), "give 2 to 6 numbers"),
    "an activation below 0": (lambda: small.two_products((-1, 5), (1, 1)), "activations=(-1, 5)"),
    "a weight of nine bits": (lambda: small.two_products((1, 5), (1, 128)), "give 0 to 255, and"),
    "a request in no batch": (lambda: small.batches_in_time([0.0, 1.0], [[0]], 1, 1), "each in one batch, in order"),
}
