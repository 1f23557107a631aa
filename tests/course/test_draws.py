"""Experiments of which one draw runs here and the others come from a table: what is read, made and told."""

import ast
from dataclasses import replace

import draws as tool
import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from bertcourse import draws
from bertcourse.draws import ALL_DRAWS, draws_of, interval_of_mean, read_draws, write_draws
from bertcourse.figures import OutOfBand
from bertcourse.lessons import lessons_in, number_of
from bertcourse.profile import PROFILES

MINI = PROFILES["mini"]
TABLES = tool.ROOT / "data" / "draws"
WAYS = ("BERT, fine-tuned", "BERT, frozen", "TF-IDF")
# What each table holds for each draw.
NAMES = {
    "05b_four_ways": {
        f"{way}, {budget}"
        for way in ("random start", "this course's checkpoint", "MiniLM", "counted words")
        for budget in (5, 20)
    },
    "07_three_ways": {f"{way}, {budget}" for way in WAYS for budget in MINI.label_budgets},
    "08_few_sentences": {"few updates", "more sentences", "more updates", "word shapes, 100", "word shapes, 300"},
    "A7_bluntly": {"as usual", "bluntly"},
    "A8_all_pieces": {
        f"{counted}; {asked} pieces"
        for counted in ("words", "words, each alone", "pieces")
        for asked in ("first", "all")
    },
    "A8_with_context": {"words"},
}


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A folder of tables, and a toy experiment that keeps note of the draws that ran here."""
    monkeypatch.setattr(draws, "data_folder", lambda name: tmp_path)
    monkeypatch.delenv(ALL_DRAWS, raising=False)

    class Toy:
        table, part, ran, broken = tmp_path / "00_toy.csv", tmp_path / "00_toy.csv.part", [], None

        def one_draw(self, draw):
            if draw == self.broken:
                raise RuntimeError("cut short")
            self.ran.append(draw)
            rng = np.random.default_rng(draw)
            return {"a name, with a comma": rng.random(), "small": 1e-17 * rng.random()}

        def get(self, count=4, within=0.0, profile=MINI):
            self.ran.clear()
            return draws_of("00_toy", self.one_draw, profile, count, within=within)

        def make(self, count=4):
            monkeypatch.setenv(ALL_DRAWS, "1")
            try:
                return self.get(count)
            finally:
                monkeypatch.delenv(ALL_DRAWS)

    return Toy()


def test_draw_0_runs_here_and_the_others_are_read(toy, capsys):
    made = toy.make()
    assert toy.ran == [0, 1, 2, 3]
    read = toy.get()
    assert toy.ran == [0]
    assert list(read) == list(made) and all(np.array_equal(read[name], made[name]) for name in made)
    said = capsys.readouterr().out
    assert "✓ toy, draw 0: largest difference between here and the shipped table: 0  (expected exactly 0)" in said

    altered = read_draws(toy.table)
    for draw in altered:
        altered[draw]["small"] += 0.25
    write_draws(toy.table, altered)
    read = toy.get(within=0.3)
    assert read["small"][0] == made["small"][0] and np.allclose(read["small"][1:], 0.25)
    with pytest.raises(OutOfBand, match="toy, draw 0: largest difference"):
        toy.get(within=0.2)


def test_fewer_draws_than_the_table_has(toy):
    toy.make()
    assert [len(values) for values in toy.get(count=2).values()] == [2, 2]


def test_a_table_that_lacks_something_is_told_with_the_remedy(toy):
    with pytest.raises(ValueError, match=r"00_toy.csv lacks draw 0; make it anew: python tools/draws.py 00"):
        toy.get()
    toy.make(count=3)
    with pytest.raises(ValueError, match=r"00_toy.csv lacks draw 3; make it anew: python tools/draws.py 00"):
        toy.get()
    assert toy.ran == []  # before anything takes its time
    whole = read_draws(toy.table)
    for draw in (0, 2):
        found = {number: dict(values) for number, values in whole.items()}
        del found[draw]["small"]
        write_draws(toy.table, found)
        with pytest.raises(ValueError, match=rf"draw {draw}: \['small'\] is not in both it and draw 0; make it anew"):
            toy.get(count=3)
        found[draw] |= {"small": 0.0, "other": 0.0}
        write_draws(toy.table, found)
        with pytest.raises(ValueError, match=rf"draw {draw}: \['other'\]"):
            toy.get(count=3, within=1.0)


def test_what_was_cut_short_goes_on(toy):
    toy.broken = 2
    with pytest.raises(RuntimeError, match="cut short"):
        toy.make()
    assert (toy.ran, sorted(read_draws(toy.part)), toy.table.exists()) == ([0, 1], [0, 1], False)
    toy.broken = None
    whole = toy.make()
    assert toy.ran == [2, 3]
    assert not toy.part.exists() and [path.name for path in toy.table.parent.iterdir()] == ["00_toy.csv"]
    assert all(np.array_equal(whole[name], values) for name, values in toy.get().items())


def test_a_part_of_another_experiment_is_told(toy):
    write_draws(toy.part, {0: {"other": 1.0}})
    with pytest.raises(ValueError, match=r"00_toy.csv.part, draw 1: .*'other'.*make it anew"):
        toy.make()
    assert not toy.table.exists()


def test_a_table_made_twice_is_the_same(toy):
    toy.make()
    before = toy.table.read_bytes()
    toy.make()
    assert toy.table.read_bytes() == before
    assert before.decode().splitlines()[:2] == ["draw,name,value", '0,"a name, with a comma",0.6369616873214543']


@pytest.mark.parametrize("profile", [PROFILES["full"], replace(MINI, encoder="another"), replace(MINI, seeds=9)])
def test_where_anything_is_changed_all_draws_run_here(toy, profile):
    toy.make()
    before = toy.table.read_bytes()
    assert [len(values) for values in toy.get(profile=profile).values()] == [4, 4]
    assert toy.ran == [0, 1, 2, 3] and toy.table.read_bytes() == before


@pytest.mark.parametrize("name", ["mini", "full"])
def test_a_rehearsal_runs_draw_0_alone(toy, name, monkeypatch):
    profile = replace(PROFILES[name], rows=300)
    for setting in ("", "1"):
        monkeypatch.setenv(ALL_DRAWS, setting)
        assert [len(values) for values in toy.get(profile=profile).values()] == [1, 1]
        assert toy.ran == [0] and not toy.table.exists() and not toy.part.exists()


@pytest.mark.parametrize("count", range(2, 11))
def test_the_interval_of_a_mean_is_students(count):
    from scipy import stats

    values = np.random.default_rng(count).normal(3, 2, count)
    wanted = stats.t.interval(0.95, count - 1, loc=values.mean(), scale=stats.sem(values))
    assert np.allclose(interval_of_mean(values), wanted, atol=3e-3)
    assert interval_of_mean(values[:1]) == (-np.inf, np.inf)


# ------------------------------------------------------------------------------------------------- tables and lessons


def calls(notebook):
    """Each call of draws_of in a notebook: name of the table -> number of draws."""
    found = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and "draws_of(" in cell.source:
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "draws_of":
                    (count,) = (ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "draws")
                    found[ast.literal_eval(node.args[0])] = MINI.seeds if count == "profile.seeds" else int(count)
    return found


def test_every_table_fits_its_lesson():
    asked = {}
    for lesson in lessons_in(tool.ROOT / "notebooks"):
        for name, count in calls(nbformat.read(lesson, as_version=4)).items():
            assert name.startswith(f"{number_of(lesson)}_") and name not in asked
            asked[name] = count
    assert {path.stem for path in TABLES.glob("*.csv")} == asked.keys() == NAMES.keys()
    for name, count in asked.items():
        table = read_draws(TABLES / f"{name}.csv")
        assert list(table) == list(range(count)), name
        assert all(values.keys() == NAMES[name] for values in table.values()), name
        assert not any(np.isnan(list(values.values())).any() for values in table.values()), name


def test_counted_words_of_every_draw_are_what_the_table_says():
    """What needs no training of a network is made again, from the lesson's own cells."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from bertlib.data import few_labels
    from bertlib.data.columns import teasers

    news = teasers(MINI.load("news"))
    texts = news["test"].shuffle(seed=0).select(range(100))
    for draw, values in read_draws(TABLES / "05b_four_ways.csv").items():
        sample = few_labels(news["train"], 20, np.random.default_rng(draw))
        words = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10, max_iter=1000))
        words.fit(list(sample["text"]), list(sample["label"]))
        assert abs(100 * words.score(list(texts["text"]), list(texts["label"])) - values["counted words, 20"]) < 2.5


def test_the_tool_stops_behind_the_last_call_and_makes_the_table(tmp_path, monkeypatch):
    source = (
        "from pathlib import Path\nfrom bertcourse import draws\nfrom bertcourse.profile import get_profile\n"
        f"draws.data_folder = lambda name: Path({str(tmp_path)!r})\n"
        "found = draws.draws_of('00_toy', lambda draw: {'x': draw / 4}, get_profile(), draws=3, within=0)"
    )
    cells = [new_code_cell(source), new_code_cell("raise RuntimeError('behind it')")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    (tmp_path / "notebooks").mkdir()
    for name, own in (("00_toy", cells), ("01_none", cells[1:])):
        nbformat.write(new_notebook(cells=own, metadata=kernel), tmp_path / "notebooks" / f"{name}.ipynb")
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(TABLES.parents[1]))
    monkeypatch.setenv("BERT_COURSE_REHEARSAL", "300")  # is not taken along
    assert tool.main([]) == 0
    assert read_draws(tmp_path / "00_toy.csv") == {draw: {"x": draw / 4} for draw in range(3)}
    with pytest.raises(SystemExit):
        tool.main(["01"])
