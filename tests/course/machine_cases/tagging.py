"""Machines of lesson 08."""

from unittest.mock import patch

from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2, Entities

from bertcourse.machines import tagging
from bertlib.data import encoder_folder
from bertlib.metrics import entity_scores
from bertlib.text import windows
from bertlib.text.spans import entities_of, split_tag, tag_names, to_bio
from bertlib.text.windows import cut_into_pieces, make_windows
from bertlib.text.wordpiece import load_tokenizer

NAMES = tag_names(["PER", "ORG", "LOC"])
WORDS = ["Tony", "Blair", "met", "the", "Bank", "of", "England", "'s", "Mervyn", "King"]
TAGS = ["B-PER", "I-PER", "O", "O", "B-ORG", "I-ORG", "I-ORG", "O", "B-PER", "I-PER"]


def tags_by_click(tags=TAGS, words=WORDS):
    return tagging.tags_by_click(words, tags, NAMES)


def draw_tags(rng, data):
    """From nothing changed to everything."""
    chance = rng.choice([0, 0.1, 0.3, 1])
    tags = [str(rng.choice(data["names"])) if rng.random() < chance else tag for tag in data["gold"]]
    return {"tags": tags, "at": int(rng.integers(len(tags)))}


def without_marks(tags):
    """Tags of which the type alone is known; each run of a type is an entity."""
    return to_bio([split_tag(tag)[1] or "O" for tag in tags], [*{split_tag(name)[1] or "O": 0 for name in NAMES}])


def expected_tags(data, state):
    gold, tags = data["gold"], state["tags"]
    strict = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    usual, runs = entity_scores([gold], [tags]), entity_scores([without_marks(gold)], [without_marks(tags)])
    found = [[one.start, one.end, one.tag] for one in Entities([tags], IOB2).entities[0]]
    strictly = {
        "precision": float(precision_score([gold], [tags], **strict)),
        "recall": float(recall_score([gold], [tags], **strict)),
        "f1": float(f1_score([gold], [tags], **strict)),
    }
    readings = [
        {name: usual[name] for name in strictly} | {"found": [list(one) for one in entities_of(tags)]},
        strictly | {"found": found},
        {name: runs[name] for name in strictly} | {"found": [list(one) for one in entities_of(without_marks(tags))]},
    ]
    changed = sum(a != b for a, b in zip(gold, tags, strict=True))
    return {"accuracy": usual["token_accuracy"], "changed": changed, "readings": readings}


TOKENIZER = load_tokenizer(encoder_folder("minilm"))
TEXT = " ".join(f"Minister {name} met the board of the unbelievably slow bank in March." for name in "ABCDEFGHIJKL")


def windows_of_a_text(text=TEXT):
    (pieces,) = cut_into_pieces(TOKENIZER, [text])
    return tagging.windows_of_a_text(pieces, text, 64, 12)


def draw_windows(rng, data):
    room = int(rng.choice(data["lengths"])) - 2
    stride = int(rng.choice([-(-room // 4), room, int(rng.integers(-(-room // 4), room + 1))]))
    return {"length": room + 2, "stride": stride, "at": int(rng.integers(len(data["pieces"])))}


def expected_windows(data, state):
    """The library's windows with another overlap; what each piece sees in the one that it belongs to."""
    room, at, count = state["length"] - 2, state["at"], len(data["pieces"])
    (pieces,) = cut_into_pieces(TOKENIZER, [TEXT])
    with patch.object(windows, "OVERLAP", (room - state["stride"] + 0.5) / room):
        found = make_windows([pieces], state["length"])
    owner = {piece: number for number, window in enumerate(found) for piece in range(*window.own)}
    seen = []
    for piece, number in owner.items():
        window = found[number]
        seen += [piece - window.start] if window.start > 0 else []
        seen += [window.end - 1 - piece] if window.end < count else []
    own = found[owner[at]]
    return {
        "windows": [[window.start, window.end, *window.own] for window in found],
        "holding": [number for number, window in enumerate(found) if window.start <= at < window.end],
        "owner": owner[at],
        "before": at - own.start,
        "behind": own.end - 1 - at,
        "least": min(seen),
        "read": sum(window.end - window.start for window in found),
    }


def largest_stride(data):
    room = data["asked"]["length"] - 2
    strides = range(-(-room // 4), room + 1)
    states = [{"length": room + 2, "stride": stride, "at": 0} for stride in strides]
    return max(one["stride"] for one in states if expected_windows(data, one)["least"] >= data["asked"]["context"])


def spoilt(data, *changes):
    tags = list(data["gold"])
    for place, tag in changes:
        tags[place] = tag
    return {"tags": tags}


CASES = {
    "tags_by_click": (
        tags_by_click,
        lambda: tags_by_click(["O", *TAGS[1:]]),
        draw_tags,
        expected_tags,
        lambda data: [  # an I- for a B- is no error; a word too many is one; three words suffice, and four are more
            spoilt(data, (0, "I-PER"), (4, "O"), (9, "O")),
            spoilt(data, (0, "O"), (2, "O"), (3, "B-LOC"), (4, "O"), (9, "O")),
            spoilt(data, (0, "O"), (7, "I-ORG"), (9, "I-LOC")),
        ],
    ),
    "windows_of_a_text": (
        windows_of_a_text,
        lambda: windows_of_a_text(TEXT.replace("slow", "quick")),
        draw_windows,
        expected_windows,
        lambda data: [
            {"length": 32, "stride": 8},
            {"length": 64, "stride": largest_stride(data) - 1},
            {"stride": largest_stride(data)},
        ],
    ),
}

SHORT, RATES = "A short text.", "The bank raised its rates again. " * 12


def windows_of(text=RATES, max_length=64, context=12):
    (pieces,) = cut_into_pieces(TOKENIZER, [text])
    return tagging.windows_of_a_text(pieces, text, max_length, context)


WRONG = {
    "as many tags": (lambda: tagging.tags_by_click(WORDS, TAGS[:3], NAMES), "10 words, 3 tags"),
    "a tag without a name": (lambda: tagging.tags_by_click(["a"], ["B-MISC"], NAMES), "add B-MISC"),
    "a tag of another scheme": (lambda: tagging.tags_by_click(["a"], ["B-PER"], ["O", "B-PER", "S-PER"]), "'S-PER'"),
    "no entity": (lambda: tagging.tags_by_click(["a"], ["O"], NAMES), "at least one entity"),
    "a length that is not offered": (lambda: windows_of(max_length=100), "max_length=100: give one of 32"),
    "a text that fits": (lambda: windows_of(SHORT), "the text has 4 pieces"),
    "a context that is there": (lambda: windows_of(context=7), "context=7: give more than half of"),
    "too much context": (lambda: windows_of(context=24), "context=24"),
}
