"""The monitor as a program: killed and started again, given broken streams, and asked what it has written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import streams
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

import bertcourse.__main__
from bertcourse.monitor.command import run_monitor
from bertcourse.monitor.stream import LONGEST, Columns, Position, Reader, StreamError, lines_of
from bertcourse.monitor.watch import Monitor, Settings

ROOT = Path(__file__).parents[2]


def run(stream, folder, *more, score=None):
    options = bertcourse.__main__.build_parser().parse_args(
        ["monitor", "--stream", str(stream), "--folder", str(folder), *more]
    )
    return run_monitor(options, score or streams.Words())


def alerts(folder):
    return [json.loads(line) for line in (folder / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]


def state(folder):
    return json.loads((folder / "state.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A stream and what comes of it without a kill."""
    folder = tmp_path_factory.mktemp("whole")
    stream = streams.write(folder / "stream.csv", streams.rows())
    assert run(stream, folder / "monitor", "--end") == 0
    return stream, folder / "monitor"


def test_it_finds_what_has_changed_and_little_else(whole):
    found = alerts(whole[1])
    assert [row["number"] for row in found] == list(range(1, len(found) + 1))
    assert {"topic", "from", "to", "direction", "p", "evidence", "sum"} < found[0].keys()
    of_oil = [row for row in found if (row["topic"], row["direction"]) == ("oil", "down")]
    assert len(of_oil) >= 3 and of_oil[0]["to"] >= "2020-02-15"
    for row in found:
        assert row["from"] <= row["to"] and 0 < row["p"] <= 1 and 1 <= len(row["evidence"]) <= 3
        assert row["topic"] == "all" or all(text.startswith(row["topic"]) for text in row["evidence"])
    assert len([row for row in found if row["to"] < "2020-02-15"]) <= 2


def test_what_was_promised_was_counted(whole):
    normal = state(whole[1])["normal"]
    measured, error = normal["measured"]
    assert abs(measured - 1.0) <= 3 * np.sqrt(2) * error and len(normal["highest"]) == 250


def test_ten_kills_at_random_moments_neither_lose_nor_repeat_an_alert(whole, tmp_path):
    stream, expected = whole
    rng, folder, kills, reached = np.random.default_rng(0), tmp_path / "monitor", 0, []
    command = [sys.executable, str(ROOT / "tests" / "monitor" / "streams.py"), "--stream", str(stream)]
    command += ["--folder", str(folder), "--end"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    began = time.perf_counter()

    def days():
        return len(state(folder)["days"]) if (folder / "state.json").is_file() else 0

    while True:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if kills == 10:
            _, told = process.communicate(timeout=120)
            assert process.returncode == 0, told.decode()
            break
        at, deadline = (reached or [0])[-1] + int(rng.integers(1, 6)), time.monotonic() + 60
        while days() < at and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(float(rng.uniform(0, 0.06)))  # a day takes 0.05 s
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        kills += 1
        reached.append(days())
    assert (folder / "alerts.jsonl").read_bytes() == (expected / "alerts.jsonl").read_bytes()
    assert state(folder) == state(expected)
    print(f"{kills} kills behind days {reached}, {time.perf_counter() - began:.0f} s")
    assert len(set(reached)) >= 8 and reached == sorted(reached)


@pytest.mark.parametrize("moment", ["before the log", "amid a line", "behind the log", "amid the state"])
def test_killed_while_a_day_is_written(whole, tmp_path, monkeypatch, moment):
    """Every place where it can be cut off, at every alert."""
    stream, expected = whole
    folder, write, killed = tmp_path / "monitor", Monitor._write, []

    class Killed(BaseException):
        pass

    def cut(self, new):
        if not new or len(killed) > 20 or self.state.days[-1] in killed:
            return write(self, new)
        killed.append(self.state.days[-1])
        if moment != "before the log":
            content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in new)
            content = content[: -len(content) // 2] if moment == "amid a line" else content
            with open(self.log, "a", encoding="utf-8") as file:
                file.write(content)
        if moment == "amid the state":
            (self.folder / "state.json.new").write_text('{"version": 1, "set', encoding="utf-8")
        raise Killed

    monkeypatch.setattr(Monitor, "_write", cut)
    for _ in range(40):
        try:
            run(stream, folder, "--end")
            break
        except Killed:
            pass
    assert len(killed) > 5
    assert (folder / "alerts.jsonl").read_bytes() == (expected / "alerts.jsonl").read_bytes()
    assert state(folder) == state(expected)


def test_a_stream_that_grows_is_taken_up_where_it_was(whole, tmp_path):
    stream, expected = whole
    lines = stream.read_bytes().splitlines(keepends=True)
    part = tmp_path / "part.csv"
    for end in (1, 40, 41, 333, 500):
        part.write_bytes(b"".join(lines[:end]) + lines[end][:9])  # the last line is being written
        assert run(part, tmp_path / "monitor") == 0
    part.write_bytes(b"".join(lines))
    assert run(part, tmp_path / "monitor", "--end") == 0
    assert (tmp_path / "monitor" / "alerts.jsonl").read_bytes() == (expected / "alerts.jsonl").read_bytes()
    assert run(part, tmp_path / "monitor", "--end") == 0  # nothing is new
    assert state(tmp_path / "monitor") == state(expected)


def test_from_standard_input(whole, tmp_path):
    stream, expected = whole
    command = [sys.executable, str(ROOT / "tests" / "monitor" / "streams.py"), "--stream", "-", "--end", "--folder"]
    with open(stream, "rb") as file:
        done = subprocess.run(
            [*command, str(tmp_path / "m")], stdin=file, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True
        )
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "m" / "alerts.jsonl").read_bytes() == (expected / "alerts.jsonl").read_bytes()
    assert "down since" in done.stdout.decode()


def test_following_a_file_that_is_written(whole, tmp_path):
    stream, expected = whole
    lines = stream.read_bytes().splitlines(keepends=True)
    growing, folder = tmp_path / "growing.csv", tmp_path / "m"
    growing.write_bytes(b"".join(lines[:400]))
    command = [sys.executable, str(ROOT / "tests" / "monitor" / "streams.py"), "--stream", str(growing), "--follow"]
    process = subprocess.Popen([*command, "--folder", str(folder)], env=os.environ | {"PYTHONPATH": str(ROOT)},
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    try:
        with open(growing, "ab") as file:
            for line in lines[400:]:
                file.write(line[:5])
                file.flush()
                file.write(line[5:])
        last, deadline = state(expected)["days"][-2], time.monotonic() + 60
        while time.monotonic() < deadline:
            if (folder / "state.json").is_file() and state(folder)["days"][-1] == last:
                break
            time.sleep(0.2)
        assert state(folder)["days"][-1] == last
    finally:
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 0 and b"start it again to go on" in told
    assert run(growing, folder, "--end") == 0
    assert (folder / "alerts.jsonl").read_bytes() == (expected / "alerts.jsonl").read_bytes()


# ------------------------------------------------------------------------------------------------ states and logs


def test_what_does_not_belong_together_is_refused(whole, tmp_path):
    stream, folder = whole[0], tmp_path / "m"
    run(stream, folder)
    with pytest.raises(ValueError, match=r"was made with slack=0\.5: give the same, or another folder"):
        run(stream, folder, "--slack", "0.7")
    other = streams.write(tmp_path / "other.csv", streams.rows(seed=1))
    with pytest.raises(ValueError, match=r"its first \d+ lines are not those that .* has read"):
        run(other, folder)
    log = folder / "alerts.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    log.write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(ValueError, match=r"\d+ alerts, the state has counted \d+"):
        run(stream, folder)
    log.write_text("".join(["{]\n", *lines[1:]]), encoding="utf-8")
    with pytest.raises(ValueError, match="line 1: no alert"):
        run(stream, folder)
    (folder / "state.json").write_text('{"version": 7}', encoding="utf-8")
    with pytest.raises(ValueError, match="no state of this monitor"):
        run(stream, folder)
    (folder / "state.json").unlink()  # the log is another stream's now
    log.write_text(lines[0].replace('"number": 1', '"number": 1, "x": 2'), encoding="utf-8")
    with pytest.raises(ValueError, match="line 1: another alert than this stream gives"):
        run(stream, folder)


def test_one_monitor_a_folder(tmp_path):
    pytest.importorskip("fcntl")
    first = Monitor(tmp_path, streams.Words(), Settings(streams.TOPICS))
    with pytest.raises(BlockingIOError, match="another monitor is at work here"):
        Monitor(tmp_path, streams.Words(), Settings(streams.TOPICS))
    first.release()
    Monitor(tmp_path, streams.Words(), Settings(streams.TOPICS))


def test_settings_are_checked(tmp_path):
    stream = streams.write(tmp_path / "s.csv", streams.rows(8))
    for wrong in (("--learn", "3"), ("--alarms-a-month", "0"), ("--slack", "-1")):
        with pytest.raises(ValueError, match="give at least 5 days, over 0 alarms a month, a slack of 0 or more"):
            run(stream, tmp_path / "m", *wrong)
    with pytest.raises(ValueError, match="give one of them"):
        run(stream, tmp_path / "m", "--follow", "--end")
    with pytest.raises(FileNotFoundError, match=r"none\.csv: no such file; give a CSV file, or - for standard input"):
        run(tmp_path / "none.csv", tmp_path / "m")


# ---------------------------------------------------------------------------------------------------- bad streams


def make(path, *lines, header="text,date"):
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


FINE = "oil good one,2020-01-01"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("oil bad two,2019-12-31", "line 3: 2019-12-31 comes behind 2020-01-01: sort the stream by date"),
        (
            "oil bad two,01/02/2020",
            "line 3: the date '01/02/2020' is not of the form YYYY-MM-DD: one form for all rows",
        ),
        ("oil bad two,2020-02-30", "line 3: the date '2020-02-30' is not of the form"),
        ("oil bad two,", "line 3: the date '' is not of the form"),
        ("oil bad two", "line 3: 1 fields, the first line has 2; cut off?"),
        ("oil, bad, two,2020-01-02", "line 3: 4 fields, the first line has 2"),
        (",2020-01-02", "line 3: no text in the column 'text'"),
        ("   ,2020-01-02", "line 3: no text"),
        ('oil "bad" two,2020-01-02\n"oil" bad,2020-01-02', "line 4: no row of a CSV"),
        ("oil\0bad,2020-01-02", "line 3: a NUL byte"),
        ('"oil bad two,2020-01-02', "line 3: a quote that opens here is not closed before the stream ends"),
        ('"' + "x" * LONGEST + "\ny", "line 3: a quote that opens here is not closed in 100,000 characters"),
    ],
)
def test_a_row_that_cannot_be_taken_is_named_or_left_out(tmp_path, line, told):
    stream = make(tmp_path / "s.csv", FINE, line)
    with pytest.raises(ValueError, match=r"^line") as error:
        run(stream, tmp_path / "m", "--end")
    assert told in str(error.value)
    if "before the stream ends" in told:
        return
    stream = make(tmp_path / "s2.csv", FINE, line, *["shops fair three,2020-01-03"] * ("not closed" not in told))
    assert run(stream, tmp_path / "m2", "--end", "--skip") == 0
    counts = state(tmp_path / "m2")["counts"]
    assert counts.get("skipped", 0) + counts.get("late", 0) >= 1


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("headline,date", "0 columns are named 'text' among 'headline, date': name yours"),
        ("text,text,date", "2 columns are named 'text'"),
        ("oil good one,2020-01-01", "0 columns are named 'text'"),
    ],
)
def test_other_columns_are_named(tmp_path, header, told):
    for more in ((), ("--skip",)):
        with pytest.raises(StreamError, match="line 1: ") as error:
            run(make(tmp_path / "s.csv", FINE, header=header), tmp_path / "m", *more)
        assert told in str(error.value)


def test_columns_and_dates_of_ones_own(tmp_path):
    stream = make(
        tmp_path / "s.csv", "7,oil good one,31/01/2020", "8,oil bad two,01/02/2020", header="\ufeffid,Kopf,Tag"
    )
    more = ("--text-column", "kopf", "--date-column", "TAG", "--date-format", "%d/%m/%Y", "--end")
    assert run(stream, tmp_path / "m", *more) == 0
    assert state(tmp_path / "m")["days"] == ["2020-01-31", "2020-02-01"]
    stream = make(tmp_path / "t.csv", "oil good one,2020-01-31T23:10:00Z", "oil bad two,2020-02-01 04:00")
    assert run(stream, tmp_path / "n", "--end") == 0 and state(tmp_path / "n")["days"] == ["2020-01-31", "2020-02-01"]
    with pytest.raises(ValueError, match="--date-format '%Q'"):
        run(stream, tmp_path / "n", "--date-format", "%Q")


def test_lines_without_an_end_without_anything_and_of_other_systems(tmp_path, capsys):
    stream = tmp_path / "s.csv"
    stream.write_bytes(b"text,date\r\n\r\noil good one,2020-01-01\r\n\r\noil bad two,2020-01-0")
    assert run(stream, tmp_path / "m") == 0
    assert (
        "line 5: no line end, so it may be cut off; not read (--end if the stream is complete)"
        in capsys.readouterr().err
    )
    with pytest.raises(StreamError, match="line 5: the date '2020-01-0'"):
        run(stream, tmp_path / "m", "--end")
    stream.write_bytes(b"text,date\r\n\r\noil good one,2020-01-01\r\n\r\noil bad two,2020-01-03")
    assert run(stream, tmp_path / "m", "--end") == 0
    counted = state(tmp_path / "m")
    assert counted["days"] == ["2020-01-01", "2020-01-03"] and counted["counts"]["gaps"] == 1
    stream.write_bytes("text,date\nöl,2020-01-01\n".encode("latin-1"))
    with pytest.raises(StreamError, match="line 2: byte 0xf6 is not UTF-8"):
        run(stream, tmp_path / "n")
    stream.write_bytes(b"")
    assert run(stream, tmp_path / "n") == 0


def test_texts_of_every_kind(tmp_path):
    long = "oil bad " + "word " * 2000
    texts = ["石油价格下跌", long, "<b>oil</b> bad &amp; <script>alert(1)</script>", '"oil ""bad"",\nsaid a man"']
    stream = make(tmp_path / "s.csv", *(f"{text},2020-01-0{n}" for n, text in enumerate(texts, start=1)))
    assert run(stream, tmp_path / "m", "--end") == 0
    kept = state(tmp_path / "m")
    assert kept["counts"]["unread"] == 1 and kept["counts"]["headlines"] == 4
    assert [row[1][:14] for row in kept["recent"]] == [
        "石油价格下跌",
        "oil bad word w",
        "<b>oil</b> bad",
        'oil "bad", sai',
    ]
    assert max(len(row[1]) for row in kept["recent"]) == 200
    assert kept["table"][0][0] == [0.0] * 4  # the day is there, and nothing is known of it


# ----------------------------------------------------------------------------------------------- repeats (B27), days


def test_b27_a_repost_is_no_surge(tmp_path):
    found = streams.rows(50, shift_at=99)
    day = found[-1][0]
    bad = [(day, f"oil bad n{n} x{n} y{n}") for n in (9001, 9002)]
    again = [(day, f"Oil bad: n9001 x9001 y9001{'!' * n}") for n in range(40)]  # one headline, forty times
    run(streams.write(tmp_path / "a.csv", [*found, *bad]), tmp_path / "a", "--end")
    run(streams.write(tmp_path / "b.csv", [*found, *bad, *again]), tmp_path / "b", "--end")
    assert state(tmp_path / "a")["alerts"] == state(tmp_path / "b")["alerts"] == 0
    assert state(tmp_path / "a")["sums"] == state(tmp_path / "b")["sums"]
    assert state(tmp_path / "b")["counts"]["repeats"] == 40
    naive = [(day, f"oil bad m{n} z{n} k{n}") for n in range(40)]  # forty headlines
    run(streams.write(tmp_path / "c.csv", [*found, *bad, *naive]), tmp_path / "c", "--end")
    assert {row["topic"] for row in alerts(tmp_path / "c")} >= {"oil", "all"}


def test_a_missing_day_moves_no_chart(tmp_path):
    found = streams.rows(60, shift_at=99)
    run(streams.write(tmp_path / "a.csv", found), tmp_path / "a", "--end")
    moved = [(f"2021-{day[5:]}" if day >= "2020-02-10" else day, text) for day, text in found]  # a year without a page
    run(streams.write(tmp_path / "b.csv", moved), tmp_path / "b", "--end")
    one, other = state(tmp_path / "a"), state(tmp_path / "b")
    assert one["sums"] == other["sums"] and one["table"] == other["table"]
    assert other["counts"]["gaps"] == one["counts"]["gaps"] + 366


# -------------------------------------------------------------------------------------------------- picture, figures


def test_the_picture_and_the_metrics(whole):
    folder = whole[1]
    with Image.open(folder / "dashboard.png") as picture:
        assert picture.format == "PNG" and picture.size == (990, 660)
        assert len(picture.convert("RGB").getcolors(10**6)) > 20
    found = {family.name: family for family in text_string_to_metric_families((folder / "metrics.prom").read_text())}
    kept = state(folder)
    assert found["monitor_headlines_count"].samples[0].value == kept["counts"]["headlines"]
    assert sum(sample.value for sample in found["monitor_alerts_count"].samples) == kept["alerts"]
    assert found["monitor_limit"].samples[0].value == kept["normal"]["limit"]


def test_before_anything_was_learned(tmp_path, capsys):
    stream = streams.write(tmp_path / "s.csv", streams.rows(8))
    assert run(stream, tmp_path / "m") == 0
    assert "no alerts before 26 days" in capsys.readouterr().out
    assert (tmp_path / "m" / "dashboard.png").stat().st_size > 3000


def test_the_reader_gives_positions_behind_whole_rows():
    reader, lines = Reader(Columns()), [b"text,date\n", b'"oil\n', b'bad",2020-01-01\n', b"shops,2020-01-02\n"]
    found = []
    for raw in lines:
        found.append((reader.take(raw), reader.position.lines))
    assert [(row.text if row else None, lines) for row, lines in found] == [
        (None, 1), (None, 1), ("oil bad", 3), ("shops", 4),
    ]  # fmt: skip
    assert reader.position == Position().after(lines) != Position().after(lines[::-1])


def test_lines_of_a_folder_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="is a folder; give a CSV file"):
        next(lines_of(str(tmp_path)))
