"""Text of any size for pretraining: encoded once into memory-mapped files, then read as if it were a list."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from bertlib.files import read_json, write_folder
from bertlib.progress import progress_bar
from bertlib.text.tokenizer import encode_batch, load_tokenizer, tokenizer_files, vocabulary_size

ABOUT, TOKENS, SENTENCES, DOCUMENTS = "corpus.json", "tokens.bin", "sentence_ends.bin", "document_ends.bin"


def vocabulary_digest(tokenizer: Tokenizer) -> str:
    """A fingerprint of a vocabulary: pieces and their ids."""
    return hashlib.sha256(json.dumps(sorted(tokenizer.get_vocab().items())).encode()).hexdigest()[:16]


def check_vocabulary(tokenizer: Tokenizer, rows: int, folder: Path | None) -> None:
    """Refuse a tokenizer that is not a model's own: its token table has a row for each piece.

    Published models have rows to spare, up to a multiple of 8 or so; they may with the tokenizer of their own folder.
    The folder of a new model is None.
    """
    size = vocabulary_size(tokenizer)
    if size < rows and folder is not None:
        try:
            if vocabulary_digest(load_tokenizer(folder)) == vocabulary_digest(tokenizer):
                return
        except (OSError, ValueError):  # the folder has none that could be the same
            pass
    if size != rows:
        raise ValueError(f"the tokenizer has {size} entries, the model {rows}: use its own")


def encode_documents(documents: Iterable[Sequence[str]], tokenizer: Tokenizer) -> Iterator[list[list[int]]]:
    """Each document's sentences as token ids, without special tokens; 256 documents at a time, on all cores."""
    stream = iter(documents)
    while part := list(islice(stream, 256)):
        sentences = [sentence for document in part for sentence in document]
        encoded = iter(encode_batch(tokenizer, sentences, add_special_tokens=False, name="sentences"))
        for document in part:
            yield [next(encoded).ids for _ in document]


class EncodedCorpus(Sequence):
    """A folder that `encode_corpus` wrote, as a sequence of documents: lists of sentences, each a list of token ids.

    Nothing is read until it is asked for, and the system keeps in memory what it has room for. A slice (step 1) is
    another EncodedCorpus on the same files. `tokens` counts all of its tokens, without special ones.

    Raises:
        FileNotFoundError: a file is missing. ValueError: the files do not fit together.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        about = read_json(self.folder / ABOUT)
        try:
            dtype, self._digest, self.vocabulary = np.dtype(about["dtype"]), about["digest"], about["vocabulary"]
            sizes = about["tokens"] * dtype.itemsize, about["sentences"] * 8, about["documents"] * 8
        except (KeyError, TypeError) as error:
            raise ValueError(
                f"{self.folder / ABOUT}: not written by encode_corpus ({error!r}); encode again"
            ) from error
        for name, size in zip((TOKENS, SENTENCES, DOCUMENTS), sizes, strict=True):
            found = (self.folder / name).stat().st_size
            if found != size:
                raise ValueError(f"{self.folder / name} has {found} bytes, not {size}: encode the corpus again")
        self._tokens = np.memmap(self.folder / TOKENS, dtype, mode="r")
        self._sentence_ends = np.memmap(self.folder / SENTENCES, np.int64, mode="r")
        self._document_ends = np.memmap(self.folder / DOCUMENTS, np.int64, mode="r")
        self._range = range(len(self._document_ends))

    def __len__(self) -> int:
        return len(self._range)

    def __getitem__(self, index):
        if isinstance(index, slice):
            part = object.__new__(EncodedCorpus)
            part.__dict__ |= self.__dict__
            part._range = self._range[index]
            if part._range.step != 1:
                raise ValueError(f"a slice of an EncodedCorpus needs step 1, not {index.step}")
            return part
        number = self._range[index]
        first = self._document_ends[number - 1] if number else 0
        ends = self._sentence_ends[first : self._document_ends[number]].tolist()
        start = int(self._sentence_ends[first - 1]) if first else 0
        ids = self._tokens[start : ends[-1]].tolist()
        return [ids[a - start : b - start] for a, b in zip([start, *ends], ends, strict=False)]

    @property
    def tokens(self) -> int:
        return sum(len(part) for part in self.token_parts())

    def token_parts(self) -> list[np.ndarray]:
        """All token ids in order, in parts of at most 16 million, so that no more than that need be in memory."""
        if not self._range:
            return []
        low, high = self._range[0], self._range[-1]
        first = self._document_ends[low - 1] if low else 0
        start = int(self._sentence_ends[first - 1]) if first else 0
        end = int(self._sentence_ends[self._document_ends[high] - 1])
        return [self._tokens[at : min(at + 2**24, end)] for at in range(start, end, 2**24)]

    def tokenizer(self) -> Tokenizer:
        """The tokenizer that it was encoded with."""
        return load_tokenizer(self.folder)

    def digest(self) -> str:
        """A fingerprint of the documents."""
        return f"{self._digest}[{self._range.start}:{self._range.stop}]"


def encode_corpus(
    documents: Iterable[Sequence[str]], tokenizer: Tokenizer, folder: str | Path, *, show_progress: bool = True
) -> EncodedCorpus:
    """Encode documents as they come and write them to a folder; no more than a few hundred are in memory at a time.

    Tokenization runs on all cores (TOKENIZERS_PARALLELISM=false turns that off).

    Args:
        documents: each a sequence of sentences; any iterable, such as `bertlib.data.documents.stream_documents`. Those
            without a token are left out.
        tokenizer: whose files go into the folder too.
        folder: to write; what stood there is replaced once all is done, and stays if anything is raised.

    Raises:
        ValueError: there is no text in the documents. OSError: no room, or writing failed.
    """
    dtype = np.uint16 if vocabulary_size(tokenizer) <= 2**16 else np.uint32
    digest, tokens, sentences, done = hashlib.sha256(), 0, 0, 0
    with (
        write_folder(folder, 0) as beside,
        open(beside / TOKENS, "wb") as token_file,
        open(beside / SENTENCES, "wb") as sentence_file,
        open(beside / DOCUMENTS, "wb") as document_file,
        progress_bar(what="encoding", unit="documents", show=show_progress) as bar,
    ):
        for sentences_of in encode_documents(documents, tokenizer):
            encoded = [ids for ids in sentences_of if ids]
            if encoded:
                lengths = np.array([len(ids) for ids in encoded], dtype=np.int64)
                flat = np.fromiter(chain.from_iterable(encoded), dtype=dtype, count=lengths.sum()).tobytes()
                token_file.write(flat)
                sentence_file.write((tokens + lengths.cumsum()).tobytes())
                tokens, sentences, done = tokens + int(lengths.sum()), sentences + len(encoded), done + 1
                document_file.write(np.int64(sentences).tobytes())
                digest.update(flat + lengths.tobytes())
            bar.update()
            bar.set_postfix_str(f"{tokens:,} tokens", refresh=False)
        if not done:
            raise ValueError("documents hold no text: there is nothing to encode")
        about = {
            "documents": done,
            "sentences": sentences,
            "tokens": tokens,
            "dtype": np.dtype(dtype).name,
            "digest": digest.hexdigest()[:16],
            "vocabulary": vocabulary_digest(tokenizer),
        }
        (beside / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        for name, text in tokenizer_files(tokenizer, 512).items():
            (beside / name).write_text(text, encoding="utf-8", newline="\n")
    return EncodedCorpus(folder)
