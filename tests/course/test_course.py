import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from bertcourse.figures import Figure
from bertcourse.run import LessonResult, find_lessons, run_course, summary

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
FIGURE = "from bertcourse.figures import figure\nfigure('{}', {}, 0.9, 1.0)"


def write_lesson(folder, name, *cells):
    cells = [new_markdown_cell(f"# {name}"), *map(new_code_cell, cells)]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lessons")
    write_lesson(folder, "00_good", FIGURE.format("accuracy", 0.95), "from pathlib import Path\nprint(Path.cwd().name)")
    write_lesson(folder, "01_fails", "x = 1", "raise RuntimeError('out of luck')", "print('never')")
    write_lesson(folder, "02_off", FIGURE.format("recall", 0.5), "print('never')")
    (folder / "03_broken.ipynb").write_text("not a notebook", encoding="utf-8")
    write_lesson(folder, "04_last", "print('and', 'on')")
    return folder


@pytest.fixture(scope="module")
def whole_run(course, tmp_path_factory):
    """Exit code, what was printed, and the folder of results, of one run of all these lessons."""
    import contextlib
    import io

    build = tmp_path_factory.mktemp("build")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = run_course(course, build)
    return code, printed.getvalue(), build


def line_of(printed, *words):
    lines = [line for line in printed.splitlines() if all(word in line for word in words)]
    assert lines, f"no line with {words} in:\n{printed}"
    return lines[0]


def test_a_failing_cell_is_named_and_the_exit_code_says_so(whole_run):
    code, printed, _ = whole_run
    assert code == 1
    assert line_of(printed, "FAILED: 01_fails, cell 3 failed: RuntimeError: out of luck")


def test_a_figure_out_of_its_band_fails_its_lesson(whole_run):
    _, printed, _ = whole_run
    assert line_of(printed, "FAILED: 02_off, cell 2 failed: OutOfBand")
    assert line_of(printed, "02_off", "recall", "0.5", "0.9 to 1", "OUT")


def test_a_notebook_that_cannot_be_read_does_not_stop_the_others(whole_run):
    _, printed, _ = whole_run
    assert line_of(printed, "FAILED: 03_broken, ")


def test_table_and_count(whole_run):
    _, printed, build = whole_run
    assert line_of(printed, "5 lessons, profile 'mini'")
    assert line_of(printed, "00_good", "accuracy", "0.95", "0.9 to 1", "ok")
    assert line_of(printed, "2 of 5 lessons went through")
    assert line_of(printed, str(build / "html"))


def test_executed_copies_and_pages_are_left(whole_run):
    _, _, build = whole_run
    for name in ("00_good", "01_fails", "02_off", "04_last"):
        assert (build / "notebooks" / f"{name}.ipynb").is_file()
        assert f"<title>{name}</title>" in (build / "html" / f"{name}.html").read_text(encoding="utf-8")
    assert "and on" in (build / "html" / "04_last.html").read_text(encoding="utf-8")
    executed = nbformat.read(build / "notebooks" / "01_fails.ipynb", as_version=4)
    assert "never" not in str([cell.get("outputs") for cell in executed.cells])


def test_lessons_run_in_their_own_folder(whole_run, course):
    _, _, build = whole_run
    executed = nbformat.read(build / "notebooks" / "00_good.ipynb", as_version=4)
    assert executed.cells[-1].outputs[0].text == f"{course.name}\n"


def test_sources_are_not_touched(whole_run, course):
    for path in course.glob("*_*.ipynb"):
        assert "outputs" not in path.read_text(encoding="utf-8") or '"outputs": []' in path.read_text(encoding="utf-8")


def test_success_of_one_lesson_and_no_results_of_an_older_run(course, tmp_path, capsys):
    stale = tmp_path / "html" / "04_last.html"
    stale.parent.mkdir()
    stale.write_text("old", encoding="utf-8")
    assert run_course(course, tmp_path, ["04"]) == 0
    assert line_of(capsys.readouterr().out, "1 of 1 lessons went through")
    assert "and on" in stale.read_text(encoding="utf-8")
    assert [path.name for path in (tmp_path / "notebooks").iterdir()] == ["04_last.ipynb"]


def test_page_of_an_older_run_is_removed_if_the_lesson_cannot_be_read(course, tmp_path, capsys):
    page = tmp_path / "html" / "03_broken.html"
    page.parent.mkdir()
    page.write_text("old", encoding="utf-8")
    assert run_course(course, tmp_path, ["03"]) == 1
    assert not page.exists()


def test_lessons_come_in_order_once(course):
    names = [path.name[:2] for path in find_lessons(course)]
    assert names == ["00", "01", "02", "03", "04"]
    assert [path.name[:2] for path in find_lessons(course, ["04", "00", "04"])] == ["00", "04"]


@pytest.mark.parametrize("number", ["09", "1", "good", "0"])
def test_only_with_an_unknown_number(course, tmp_path, number):
    with pytest.raises(ValueError, match=f"ONLY names lesson '{number}', which does not exist: choose among 00, 01"):
        run_course(course, tmp_path, ["00", number])
    assert list(tmp_path.iterdir()) == []


def test_folder_without_lessons(tmp_path):
    (tmp_path / "notes.ipynb").write_text("{}", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"no lessons .* run from the root of the course"):
        run_course(tmp_path, tmp_path / "build")


def test_summary_is_aligned():
    results = [
        LessonResult("00_a", 1.4, [Figure("loss", 0.5, 0, 1, "nats"), Figure("parameters", 10, 10, 10)]),
        LessonResult("01_longer_name", 123.0, error="cell 2 failed: ValueError: long\nsecond line"),
    ]
    lines = summary(results).splitlines()
    assert lines[0].split() == ["lesson", "seconds", "figure", "value", "expected"]
    assert len({len(line) for line in lines if set(line) == {"-"}}) == 1
    assert "123" in line_of(summary(results), "01_longer_name")
    assert line_of(summary(results), "cell 2 failed: ValueError: long").endswith("FAILED")
    assert "second line" not in summary(results)
