import csv
import dataclasses
import inspect
import json
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from bertlib.__main__ import build_parser, main
from bertlib.cli.options import field_help
from bertlib.tasks.answer import Answerer
from bertlib.tasks.classify import TextClassifier
from bertlib.tasks.pretrain import PretrainedBert
from bertlib.train.recipe import RECIPES


def run(*arguments):
    """As a person runs it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "bertlib", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.fixture
def files(tmp_path, tiny_dataset, tiny_folder, monkeypatch):
    """Two CSV files, and the tiny encoder in MiniLM's place."""
    monkeypatch.setattr("bertlib.tasks.task.encoder_folder", lambda name: tiny_folder)
    for split in ("train", "test"):
        with (tmp_path / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["headline", "desk"])
            names = tiny_dataset[split].features["label"].names
            rows.writerows([row["text"], names[row["label"]]] for row in tiny_dataset[split])
    return tmp_path


def columns(files, *more):
    return ["classify", "--train", str(files / "train.csv"), "--text", "headline", "--label", "desk", *more]


def test_no_command_shows_the_commands(capsys):
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2
    assert "command" in capsys.readouterr().err


def test_wrong_input_is_one_line_and_exit_code_2(tmp_path):
    result = run("tag", "--model", tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and "no such file" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["encode", "pretrain", "classify", "match", "tag", "answer", "search"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"python -m bertlib {command}" in capsys.readouterr().out


def test_classify_trains_scores_and_saves(files, capsys):
    out = files / "model"
    settings = ["--epochs", "6", "--batch-size", "8", "--learning-rate", "4e-3", "--max-length", "24"]
    code = main(columns(files, "--test", str(files / "test.csv"), "--out", str(out), *settings))
    assert code == 0
    printed = capsys.readouterr().out
    assert printed.count("epoch ") == 7  # six rows and the one that was kept
    assert "the best on 10 validation texts" in printed
    assert "test, 24 texts: accuracy " in printed
    assert f"saved: {out}" in printed
    assert TextClassifier.load(out).predict("the goal of the team")["label"] == "sport"


@pytest.mark.parametrize(
    "change, message",
    [
        (["--train", "nowhere.csv"], "nowhere.csv: no such file"),
        (["--text", "body"], "'body'"),
        (["--epochs", "0"], "epochs=0"),
        (["--batch-size", "0"], "batch_size=0"),
        (["--validation", "0"], "share=0.0"),
        (["--max-length", "1"], "max_length=1"),
    ],
)
def test_classify_names_what_is_wrong(files, capsys, change, message):
    assert main(columns(files, *change)) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error


def test_classify_refuses_test_labels_unknown_in_training(files, capsys):
    (files / "test.csv").write_text("headline,desk\ngoal,sport\nrain,weather\n", encoding="utf-8")
    assert main(columns(files, "--test", str(files / "test.csv"))) == 2
    assert "line 3: label 'weather' is not among business, sport" in capsys.readouterr().err


@pytest.mark.parametrize("error", [ValueError, OSError, ImportError, FloatingPointError])
def test_mendable_errors_need_no_traceback(monkeypatch, capsys, error):
    def fails(options):
        raise error("mend this")

    monkeypatch.setattr("bertlib.cli.encode.run", fails)
    assert main(["encode", "texts", "--out", "corpus"]) == 2
    assert capsys.readouterr().err == "error: mend this\n"


def test_a_bug_keeps_its_traceback(monkeypatch):
    def fails(options):
        raise KeyError("bug")

    monkeypatch.setattr("bertlib.cli.encode.run", fails)
    with pytest.raises(KeyError):
        main(["encode", "texts", "--out", "corpus"])


def test_unknown_option(capsys):
    with pytest.raises(SystemExit) as stop:
        build_parser().parse_args(["classify", "--trian", "x.csv"])
    assert stop.value.code == 2


# ------------------------------------------------------------------------------------------------------- pretrain


@pytest.fixture
def corpus(tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(24):
        lines = [f"The {animal} number {number} sat on the mat." for animal in ("cat", "dog", "cow", "hen", "fox")]
        (folder / f"{number:02d}.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def pretraining(corpus, out, *more):
    sizes = ["--vocab-size", "120", "--hidden-size", "16", "--layers", "1", "--heads", "2", "--max-length", "24"]
    return [
        "pretrain",
        "--corpus",
        str(corpus),
        "--out",
        str(out),
        *sizes,
        "--updates",
        "6",
        "--batch-size",
        "4",
        *more,
    ]


def test_pretrain_from_a_folder_and_again(corpus, tmp_path, capsys):
    arguments = pretraining(corpus, tmp_path / "out", "--evaluate-every", "3", "--fill", "the [MASK] sat on the mat.")
    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert "unigram guess: MLM" in first
    assert [line.split(" ·")[0] for line in first.splitlines() if line.startswith("update")] == [
        "update 0",
        "update 3",
        "update 6",
    ]
    assert sum("sat on the mat." in line for line in first.splitlines()) == 5
    assert (tmp_path / "out" / "model" / "vocab.txt").is_file()
    model = (tmp_path / "out" / "model" / "model.safetensors").read_bytes()
    assert main(arguments) == 0  # all is done: nothing is trained again
    again = capsys.readouterr().out
    assert "update " not in again
    assert (tmp_path / "out" / "model" / "model.safetensors").read_bytes() == model
    guesses = [line for line in first.splitlines() if "sat on the mat." in line]
    assert [line for line in again.splitlines() if "sat on the mat." in line] == guesses
    assert PretrainedBert.load(tmp_path / "out" / "model").max_length == 24


def test_pretrain_with_held_out_documents_and_several_texts(corpus, tmp_path, capsys):
    held_out = tmp_path / "held_out.txt"
    held_out.write_text("The cat sat.\nThe dog sat.\n\nThe hen sat.\nThe fox sat.", encoding="utf-8")
    fill = ["--fill", "the [MASK] sat.", "--fill", "[MASK] cat [MASK]."]
    assert main(pretraining(corpus, tmp_path / "out", "--held-out", str(held_out), *fill)) == 0
    printed = capsys.readouterr().out
    assert "unigram guess: MLM" in printed
    assert sum(line.partition("% ")[0].replace(".", "").isdigit() for line in printed.splitlines()) == 15


def test_pretrain_as_a_person_runs_it(corpus, tmp_path):
    result = run(*pretraining(tmp_path / "absent", tmp_path / "out"))
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ") and "absent: no such file" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_pretrain_says_what_is_wrong(corpus, tmp_path, capsys):
    def complaint(*arguments):
        assert main([*arguments]) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("error: ")
        return error

    assert "no such file" in complaint(*pretraining(tmp_path / "absent", tmp_path / "out"))
    for share in ("0", "1", "-0.1"):
        assert f"--validation {float(share)}: give a share" in complaint(
            *pretraining(corpus, tmp_path / "out", f"--validation={share}")
        )
    assert "updates=0: give a whole number" in complaint(*pretraining(corpus, tmp_path / "out", "--updates", "0"))
    assert "'nowhere' is unknown" in complaint(*pretraining(corpus, tmp_path / "out", "--start", "nowhere"))
    assert "vocab_size is too small" in complaint(*pretraining(corpus, tmp_path / "out", "--vocab-size", "10"))
    assert "no such file" in complaint(*pretraining(corpus, tmp_path / "out", "--vocab", str(tmp_path / "vocab.txt")))
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    assert "give the folder" in complaint(
        *pretraining(corpus, tmp_path / "out", "--vocab", f"{tmp_path}/tokenizer.json")
    )
    (corpus / "03.txt").write_bytes(b"One.\nTwo \xff.")
    assert "03.txt, line 2: byte 0xff is not UTF-8" in complaint(*pretraining(corpus, tmp_path / "out"))
    for path in corpus.iterdir():
        path.unlink()
    assert "holds no .txt file" in complaint(*pretraining(corpus, tmp_path / "out"))


# ------------------------------------------------------------------------------------------------------------- tag


@pytest.fixture
def conll_files(tmp_path):
    """`goal team` is a team, `bank` a bank; words that the tiny encoder knows."""
    text = "the\tO\ngoal\tB-TEAM\nteam\tI-TEAM\n\nbank\tB-BANK\n\ngoal\tB-TEAM\nteam\tI-TEAM\nof\tO\nbank\tB-BANK\n\n"
    for name, times in (("train", 14), ("test", 1)):
        (tmp_path / f"{name}.conll").write_text(text * times, encoding="utf-8")
    return tmp_path


def tagging(folder, *more):
    settings = ["--epochs", "6", "--learning-rate", "4e-3", "--batch-size", "4", "--max-length", "24"]
    return ["tag", "--train", str(folder / "train.conll"), *settings, *more]


def test_tag_trains_scores_saves_and_is_used_again(conll_files, tiny_folder, capsys):
    out = conll_files / "out"
    files = ["--test", str(conll_files / "test.conll"), "--out", str(out), "--encoder", str(tiny_folder)]
    files += ["--held-out", str(conll_files / "test.conll")]
    assert main(tagging(conll_files, *files)) == 0
    printed = capsys.readouterr().out
    assert "kept epoch" in printed and "the best on 3 validation texts" in printed
    assert "test, 3 texts: F1 100.0%, precision 100.0%, recall 100.0%" in printed
    assert "TEAM: F1 100.0% of 2 entities" in printed
    assert main(["tag", "--model", str(out), "--text", "the goal team", "--text", "bank"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.rsplit(" ", 1)[0] for line in lines] == ["4–13 TEAM 'goal team'", "0–4 BANK 'bank'"]


def test_tag_says_what_is_wrong(conll_files, tiny_folder, capsys):
    def complaint(*arguments):
        assert main([*arguments]) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("error: ")
        return error

    encoder = ["--encoder", str(tiny_folder)]
    assert "give either --train" in complaint("tag")
    assert "give either --train" in complaint(*tagging(conll_files, "--model", str(conll_files)))
    assert "no such file" in complaint("tag", "--train", str(conll_files / "absent.conll"))
    assert "no such file" in complaint("tag", "--model", str(conll_files))
    assert "--validation 1.5" in complaint(*tagging(conll_files, *encoder, "--validation", "1.5"))
    (conll_files / "bad.conll").write_text("goal\tB-TEAM\nteam\n", encoding="utf-8")
    assert "bad.conll, line 2" in complaint("tag", "--train", str(conll_files / "bad.conll"))
    assert "bad.conll, line 2" in complaint(*tagging(conll_files, "--held-out", str(conll_files / "bad.conll")))
    (conll_files / "one.conll").write_text("goal\tB-TEAM\n", encoding="utf-8")
    assert "a single text" in complaint("tag", "--train", str(conll_files / "one.conll"))


# ---------------------------------------------------------------------------------------------------------- answer


def write_squad(path, size, seed):
    """`the goal` asks for the one word of play in a text; in every fourth text there is none."""
    rng, paragraphs = np.random.default_rng(seed), []
    for number in range(size):
        words = [str(word) for word in rng.choice(["the", "and", "of", "good", "bank"], size=rng.integers(3, 9))]
        asked = {"question": "the goal", "id": str(number), "answers": [], "is_impossible": number % 4 == 0}
        if number % 4:
            at = int(rng.integers(0, len(words) + 1))
            words.insert(at, str(rng.choice(["match", "team", "coach"])))
            place = len(" ".join(words[:at])) + (at > 0)
            asked["answers"] = [{"text": words[at], "answer_start": place}]
        paragraphs.append({"context": " ".join(words), "qas": [asked]})
    content = {"version": "v2.0", "data": [{"title": "made", "paragraphs": paragraphs}]}
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def squad_files(tmp_path):
    for seed, (name, size) in enumerate((("train", 120), ("test", 40))):
        write_squad(tmp_path / f"{name}.json", size, seed)
    (tmp_path / "text.txt").write_text("\ufeffthe good of\r\nteam and bank\n", encoding="utf-8")
    (tmp_path / "nothing.txt").write_text("of and the good bank", encoding="utf-8")
    return tmp_path


def answering(folder, *more):
    settings = ["--epochs", "6", "--learning-rate", "4e-3", "--batch-size", "8", "--max-length", "24"]
    return ["answer", "--train", str(folder / "train.json"), *settings, *map(str, more)]


def test_answer_trains_scores_saves_and_is_asked(squad_files, tiny_folder, capsys):
    out, text = squad_files / "out", squad_files / "text.txt"
    files = ["--test", squad_files / "test.json", "--out", out, "--encoder", tiny_folder]
    assert main(answering(squad_files, *files, "--question", "the goal", "--context", text)) == 0
    printed = capsys.readouterr().out
    assert printed.count("epoch ") == 7 and "validation F1 " in printed
    assert "the best on 12 validation texts" in printed
    answerer = Answerer.load(out)
    assert f"no answer from a lead of {answerer.threshold:+.2f} on\nsaved: {out}" in printed
    assert "test, 40 questions: exact 100.0%, F1 100.0%" in printed
    assert "  has_answer: exact 100.0%, F1 100.0% of 30\n  no_answer: exact 100.0%, F1 100.0% of 10" in printed
    assert printed.splitlines()[-1].startswith("12–16 'team' ")

    use = ["answer", "--model", str(out), "--question", "the goal", "--question", "goal", "--context"]
    assert main([*use, str(text)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0] == printed.splitlines()[-1]
    assert main([*use[:5], "--context", str(squad_files / "nothing.txt")]) == 0
    assert re.fullmatch(r"no answer \d+\.\d%\n", capsys.readouterr().out)
    assert main(["answer", "--model", str(out), "--test", str(squad_files / "test.json")]) == 0
    assert capsys.readouterr().out.startswith("test, 40 questions: exact 100.0%, F1 100.0%\n")


def test_answer_with_a_file_held_out_and_adapters(squad_files, tiny_folder, capsys):
    out = squad_files / "out"
    files = ["--held-out", squad_files / "test.json", "--out", out, "--encoder", tiny_folder]
    assert main(answering(squad_files, *files, "--method", "lora", "--rank", "4", "--epochs", "1")) == 0
    assert "the best on 40 validation texts" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir())[0] == "adapter_config.json"
    use = ["answer", "--model", str(out), "--test", str(squad_files / "test.json")]
    assert main([*use, "--encoder", str(tiny_folder)]) == 0
    assert main(use) == 2
    assert "holds adapters alone; give encoder=" in capsys.readouterr().err


def test_answer_as_a_person_runs_it(squad_files):
    result = run("answer", "--train", squad_files / "absent.json")
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr.startswith("error: ") and "absent.json: no such file" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_answer_says_what_is_wrong_before_it_trains(squad_files, tiny_folder, capsys, monkeypatch):
    def never(*given, **more):
        raise AssertionError("it trained")

    monkeypatch.setattr("bertlib.tasks.task.train", never)
    out = squad_files / "out"
    assert main(["answer", "--model", str(out)]) == 2
    capsys.readouterr()

    def complaint(*arguments):
        assert main([str(argument) for argument in arguments]) == 2
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("error: ")
        return error

    encoder, text = ["--encoder", str(tiny_folder)], squad_files / "text.txt"
    assert "give either --train, to fine-tune a model, or --model" in complaint("answer")
    assert "give either --train" in complaint(*answering(squad_files, "--model", out))
    assert "--question needs --context" in complaint(*answering(squad_files, "--question", "who?"))
    absent = squad_files / "absent.json"
    assert "absent.json: no such file" in complaint(*answering(squad_files, *encoder, "--held-out", absent))
    assert "absent.json: no such file" in complaint(*answering(squad_files, *encoder, "--test", absent))
    assert "absent.json: no such file" in complaint(
        *answering(squad_files, *encoder, "--question", "who?", "--context", absent)
    )
    assert "no such file" in complaint("answer", "--model", out, "--question", "who?", "--context", text)
    assert "share=1.5: give a fraction" in complaint(*answering(squad_files, *encoder, "--validation", "1.5"))
    assert "max_length=7: give at least 8" in complaint(*answering(squad_files, *encoder, "--max-length", "7"))
    assert "epochs=0" in complaint(*answering(squad_files, *encoder, "--epochs", "0"))
    assert "'nowhere' is unknown" in complaint(*answering(squad_files, "--encoder", "nowhere"))
    bad = squad_files / "bad.json"
    bad.write_text('{"data": [{"paragraphs": [{"context": "goal", "qas": [{"question": "who?"}]}]}]}', encoding="utf-8")
    for option in ("--train", "--held-out", "--test"):
        assert "bad.json, data[0].paragraphs[0].qas[0]: not in SQuAD's form" in complaint(
            *answering(squad_files, *encoder, option, bad)
        )
    bad.write_text('{"data":\n[', encoding="utf-8")
    assert "bad.json, line 2: not JSON" in complaint(*answering(squad_files, *encoder, "--test", bad))
    write_squad(bad, 1, 0)
    assert "all questions are about one context" in complaint(*answering(squad_files, *encoder, "--train", bad))


# ------------------------------------------------------------------------------------ vocabularies, given and learned


def tokens_of(folder, text):
    from bertlib.text.tokenizer import load_tokenizer

    return load_tokenizer(folder).encode(text, add_special_tokens=False).tokens


def test_a_vocabulary_that_is_given_comes_with_its_settings(corpus, tmp_path):
    from bertlib.wordpiece import SPECIAL_TOKENS, WordPiece

    letters = "abcdefghijklmnopqrstuvwxyz0123456789."
    pieces = [*SPECIAL_TOKENS, "The", "the", "Cat", *letters, *(f"##{letter}" for letter in letters)]
    cased = WordPiece({piece: number for number, piece in enumerate(pieces)}, lowercase=False).save(tmp_path / "cased")
    assert main(["encode", str(corpus), "--out", str(tmp_path / "encoded"), "--vocab", str(cased)]) == 0
    assert main(pretraining(corpus, tmp_path / "out", "--vocab", str(cased))) == 0
    for folder in (tmp_path / "encoded", tmp_path / "out" / "model"):
        assert tokens_of(folder, "The Cat the") == ["The", "Cat", "the"]


@pytest.mark.parametrize("cased", [False, True])
def test_a_new_vocabulary_with_and_without_capitals_and_vowel_signs(cased, corpus, tmp_path, capsys):
    """huggingface/tokenizers issue 572: Hindi without its vowel signs. It is said, and there is a way to keep them."""
    more = ["--cased"] if cased else []
    hindi = tmp_path / "hindi.txt"
    hindi.write_text("में घर में हूँ।\nयह अच्छा है।\n\nवे यहाँ हैं।\nयह घर है।\n", encoding="utf-8")
    assert main(["encode", str(hindi), "--out", str(tmp_path / "hindi"), "--vocab-size", "200", *more]) == 0
    said = capsys.readouterr().err
    joined = "".join(tokens_of(tmp_path / "hindi", "में")).replace("##", "")
    assert joined == ("में" if cased else "म")
    assert ("takes 6 kinds of signs from it, such as DEVANAGARI SIGN CANDRABINDU; --cased keeps them" in said) != cased
    assert main(pretraining(corpus, tmp_path / "out", *more)) == 0
    assert "--cased" not in capsys.readouterr().err  # nothing is lost in English but capitals
    assert any(token.startswith("T") for token in tokens_of(tmp_path / "out" / "model", "The")) == cased


# ------------------------------------------------------------------------------------------------- files of all sorts


def test_a_column_of_ids_is_told_at_once(tmp_path, capsys):
    """The time grew with the square of the rows: a quarter of an hour for 100,000."""
    rows = "".join(f"a text number {n},row{n}\n" for n in range(20_000))
    (tmp_path / "reviews.csv").write_text("text,id\n" + rows, encoding="utf-8")
    main(["classify", "--train", str(tmp_path / "absent.csv")])  # imports are no part of it
    start = time.process_time()
    assert main(["classify", "--train", str(tmp_path / "reviews.csv"), "--label", "id"]) == 2
    assert time.process_time() - start < 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "reviews.csv, column 'id': 20,000 of the 20,000 classes have a single example" in error
    assert "choose the column with the classes (label=, --label)" in error


@pytest.mark.parametrize("count", [2, 3])
def test_two_or_three_documents_are_pretrained_on(tmp_path, capsys, count):
    texts = ["The cat sat. The dog ran.", "It rained. They left.", "The film was good. It was long."][:count]
    (tmp_path / "corpus.txt").write_text("\n\n".join(texts), encoding="utf-8")
    assert main(pretraining(tmp_path / "corpus.txt", tmp_path / "out")) == 0
    assert f"{count} documents: too few to hold any out" in capsys.readouterr().out
    assert main(["encode", str(tmp_path / "corpus.txt"), "--out", str(tmp_path / "enc"), "--vocab-size", "60"]) == 0
    assert main(pretraining(tmp_path / "enc", tmp_path / "out2")) == 0
    assert f"{count} documents: too few to hold any out" in capsys.readouterr().out


def test_tag_reads_other_schemes(conll_files, tiny_folder, capsys):
    for name in ("train", "test"):
        path = conll_files / f"{name}.conll"
        text = path.read_text(encoding="utf-8").replace("B-BANK", "S-BANK").replace("I-TEAM", "E-TEAM")
        path.write_text(text, encoding="utf-8")
    assert main(tagging(conll_files, "--encoder", str(tiny_folder))) == 2
    assert "tag 'E-TEAM': give O, or B-, I- with a type" in capsys.readouterr().err
    files = ["--test", str(conll_files / "test.conll"), "--encoder", str(tiny_folder), "--scheme", "BIOES"]
    assert main(tagging(conll_files, *files)) == 0
    assert "test, 3 texts: F1 " in capsys.readouterr().out


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_help_is_found_with_and_without_the_docstrings_indent(monkeypatch, recipe):
    """Python 3.13 compiles docstrings without it, older ones with it."""
    told = field_help(recipe)
    assert told.keys() >= {field.name for field in dataclasses.fields(recipe)}
    for kind in type(recipe).__mro__[:-1]:
        text = inspect.cleandoc(kind.__doc__)
        for written in (text, text.replace("\n", "\n    ")):
            monkeypatch.setattr(kind, "__doc__", written)
            assert field_help(recipe) == told
