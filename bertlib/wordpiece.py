"""The tokenizer of a model folder."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.implementations import BertWordPieceTokenizer


def load_tokenizer(folder: str | Path) -> Tokenizer:
    """Read tokenizer.json, or else vocab.txt (as an uncased vocabulary), of a model folder.

    Padding and truncation that the file asks for are switched off: a batch decides about those.

    Raises:
        FileNotFoundError: the folder has neither file.
        ValueError: the file cannot be read as a tokenizer.
    """
    folder = Path(folder)
    try:
        if (folder / "tokenizer.json").is_file():
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        elif (folder / "vocab.txt").is_file():
            tokenizer = Tokenizer.from_str(BertWordPieceTokenizer(str(folder / "vocab.txt")).to_str())
        else:
            raise FileNotFoundError(f"{folder}: no tokenizer.json and no vocab.txt; copy the model's tokenizer there")
    except FileNotFoundError:
        raise
    except Exception as error:  # tokenizers raises bare Exception
        raise ValueError(f"{folder}: the tokenizer cannot be read ({error}); fetch or save it again") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
