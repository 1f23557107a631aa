"""Plain text into sentences (Devlin et al., 2019, A.2: next-sentence pairs need them)."""

import re

# An end mark with the quotes and brackets that close behind it. Latin marks need white space after them ("5.5%" and
# "bbc.co.uk" go on); Chinese and Japanese ones do not.
SENTENCE_END = re.compile(r"(?:[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]+[”’」』）]*|\n)")
# What may stand before a sentence's first letter, which is a capital, a digit or a letter of a script without case.
BEFORE_START = re.compile(r"\s*[\"'“‘(\[]*")
# A full stop after one of these (or after a single capital: "J. K. Rowling", "U.S. troops") belongs to the word.
ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“‘])(?:Mr|Mrs|Ms|Dr|Prof|Rev|Sir|St|Gen|Col|Lt|Capt|Sgt|Sen|Rep|Gov|vs|No|Nos|cf|e\.g|i\.e|approx"
    r"|[A-Z](?:\.[A-Z])*)$"
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) in characters of each sentence of a text, white space around it left out.

    A sentence ends at a full stop, question or exclamation mark (and the quotes and brackets that close there) before
    white space and anything but a lower-case letter, or at a line break. Abbreviations and initials do not end one. A
    rule, not a model: it errs where a sentence ends in an abbreviation.
    """
    spans, start = [], 0

    def close(end: int) -> None:
        piece = text[start:end]
        if piece.strip():
            spans.append((start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))

    for match in SENTENCE_END.finditer(text):
        mark = match[0]
        if mark[0] in ".!?…" and "\n" not in text[match.end() : match.end() + 1]:
            first = BEFORE_START.match(text, match.end()).end()
            if text[first : first + 1].islower():
                continue
            if mark == "." and ABBREVIATION.search(text[start : match.start()]):  # ^ is where the sentence begins
                continue
        close(match.end())
        start = match.end()
    close(len(text))
    return spans


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, in order; see `sentence_spans`."""
    return [text[start:end] for start, end in sentence_spans(text)]
