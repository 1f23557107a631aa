"""The course's profile: what decides it, what it calls the data, what a rehearsal cuts, how a lesson starts."""

import os
from dataclasses import replace

import pytest
import torch

from bertcourse.figures import OutOfBand, figure
from bertcourse.profile import PROFILES, get_profile, start_lesson
from bertlib import data
from bertlib.data import catalog


def test_mini_is_the_default():
    assert get_profile() is PROFILES["mini"]


@pytest.mark.parametrize("value, expected", [("full", "full"), ("mini", "mini"), ("", "mini")])
def test_environment_variable_decides(monkeypatch, value, expected):
    monkeypatch.setenv("BERT_COURSE_PROFILE", value)
    assert get_profile().name == expected


def test_argument_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("BERT_COURSE_PROFILE", "full")
    assert get_profile("mini").name == "mini"


def test_unknown_profile(monkeypatch):
    with pytest.raises(ValueError, match="profile is 'big': choose one of mini, full"):
        get_profile("big")
    monkeypatch.setenv("BERT_COURSE_PROFILE", "Mini")
    with pytest.raises(ValueError, match="environment variable BERT_COURSE_PROFILE is 'Mini': choose one of"):
        get_profile()


def test_profiles_are_known_under_their_own_names():
    assert {name: profile.name for name, profile in PROFILES.items()} == {"mini": "mini", "full": "full"}


def test_start_lesson_says_where_it_runs_and_seeds(capsys, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    assert start_lesson(3) is PROFILES["mini"]
    first = torch.rand(1)
    start_lesson(3)
    assert torch.equal(torch.rand(1), first)
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("profile mini · ")
    assert "CPU threads" in line and "trains in" in line
    assert os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] == "1"


def test_profiles_have_a_corpus():
    for profile in PROFILES.values():
        assert profile.corpus in catalog.LOADERS


def test_another_encoder_and_a_rehearsal(monkeypatch, capsys):
    monkeypatch.setenv("BERT_COURSE_PROFILE", "full")
    monkeypatch.setenv("BERT_COURSE_ENCODER", "owner/small-bert@" + "1" * 40)
    monkeypatch.setenv("BERT_COURSE_REHEARSAL", "600")
    profile = get_profile()
    assert (profile.encoder, profile.rows) == ("owner/small-bert@" + "1" * 40, 600)
    whole = {"rows": None, "seeds": 5, "label_budgets": (5, 20, 80)}
    assert replace(profile, encoder="bert-base-uncased", **whole) == PROFILES["full"]
    monkeypatch.setattr(os, "environ", dict(os.environ))
    start_lesson()
    said = capsys.readouterr().out
    assert "encoder: owner/small-bert@" in said and "rehearsal: at most 600 rows" in said


@pytest.mark.parametrize("rows", ["0", "-5", "few", "1.5"])
def test_a_rehearsal_of_no_rows(monkeypatch, rows):
    monkeypatch.setenv("BERT_COURSE_REHEARSAL", rows)
    with pytest.raises(ValueError, match=rf"BERT_COURSE_REHEARSAL is '{rows}': give rows, such as 600"):
        get_profile()


def test_only_a_rehearsal_lets_a_figure_pass_that_is_out_of_its_band(monkeypatch, capsys):
    with pytest.raises(OutOfBand):
        figure("accuracy", 12, 90, 100, "%")
    monkeypatch.setenv("BERT_COURSE_REHEARSAL", "600")
    figure("accuracy", 12, 90, 100, "%")
    assert capsys.readouterr().out.count("✗ accuracy: 12 %  (expected 90 % to 100 %)") == 2


# ------------------------------------------------------------------------------------------------- data by its name


def test_news_is_the_profiles(monkeypatch):
    monkeypatch.setattr(catalog, "LOADERS", {"bbc_news": lambda: "the BBC's", "ag_news": lambda: "AG's"})
    monkeypatch.delenv("BERT_COURSE_PROFILE", raising=False)
    assert get_profile().load("news") == get_profile("mini").load("news") == "the BBC's"
    assert get_profile("full").load("news") == "AG's"
    monkeypatch.setenv("BERT_COURSE_PROFILE", "full")
    assert get_profile().load("news") == "AG's"
    assert get_profile("mini").load("news") == get_profile().load("bbc_news") == "the BBC's"


def test_corpus_and_entities_of_the_profiles(monkeypatch):
    asked = []
    for name in ("bbc_news", "wikitext", "bbc_entities", "conll2003"):
        monkeypatch.setitem(catalog.LOADERS, name, lambda name=name: asked.append(name))
    for kind in ("corpus", "entities"):
        get_profile().load(kind), get_profile("full").load(kind)
    assert asked == ["bbc_news", "wikitext", "bbc_entities", "conll2003"]


@pytest.mark.parametrize("name", ["bbc", "News", "", "imdb"])
def test_a_profile_names_what_it_knows(name):
    with pytest.raises(ValueError, match=rf"{name!r} is unknown: choose news, corpus, entities, bbc_news, ag_news, "):
        get_profile().load(name)


def test_the_librarys_load_knows_real_names_only(monkeypatch):
    monkeypatch.setenv("BERT_COURSE_PROFILE", "full")
    for name in ("news", "corpus", "entities"):
        with pytest.raises(ValueError, match=rf"{name!r} is unknown: choose one of bbc_news, "):
            data.load(name)


def test_a_rehearsal_takes_the_first_rows_of_each_split(monkeypatch):
    whole = data.load("bbc_news")
    monkeypatch.setenv("BERT_COURSE_REHEARSAL", "300")
    for name in ("news", "bbc_news"):
        few = get_profile().load(name)
        assert {part: len(split) for part, split in few.items()} == {"train": 300, "validation": 207, "test": 300}
        assert few["train"].to_dict() == whole["train"].select(range(300)).to_dict()
    assert {part: len(split) for part, split in data.load("bbc_news").items()} == {
        part: len(split) for part, split in whole.items()
    }, "the library cuts nothing"
