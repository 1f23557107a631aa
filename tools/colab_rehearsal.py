"""Google Colab rehearsed with its own package versions: `python tools/colab_rehearsal.py` (an hour on two cores).

Makes an environment of exactly the packages of colab/versions.txt, and plays in it what a learner does on Colab: each
lesson alone in an empty folder, its first cell as it stands (git fetches this repository's last commit instead), then
every other cell, and a right and a wrong answer to one of its checks. Then Runtime, Restart; a second lesson; the
assignments; `!python -m bertlib classify`. A table at the end says what a learner would see:

    python tools/colab_rehearsal.py                 what has not passed yet, then the table
    python tools/colab_rehearsal.py 05 classify     some of it
    python tools/colab_rehearsal.py --whole         05, 07 and 08 at full size, with their figures held to the bands

It can be stopped and started again: each part that passed is noted in build/colab-rehearsal, and played again when what
it rests on has changed. For Linux and macOS; it needs the network, git, and 10 GB where pip's torch brings CUDA along.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lowest_versions import first_section

from bertcourse.lessons import lessons_in, number_of

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ROOT / "colab" / "versions.txt"
PLAYER = ROOT / "tools" / "colab_player.py"
BUILD = ROOT / "build" / "colab-rehearsal"
FIRST_CELL = "colab"  # its id
FEW_ROWS = dict.fromkeys(("05", "05b", "07", "08", "A7", "A8"), "500")  # lessons that are rehearsed, unless --whole
PROCESSOR_SECONDS, MEGABYTES = 20.0, 90.0  # what the first cell may take
RESTS_ON = ("bertlib", "bertcourse", "colab", "data", "notebooks/solutions", "pyproject.toml")
CLASS = 3  # of the assignments
ANSWERS = """
from runpy import run_path as _run_path
from bertcourse.checks import check as _check
_right = _run_path("course/notebooks/solutions/{theme}.py")["my_{what}"]
_check("{theme}.{what}", _right)
_check("{theme}.{what}", (lambda *given: "wrong") if callable(_right) else -1.0)
"""
CSV = """
import csv
for _name, _rows in (("train.csv", 60), ("test.csv", 30)):
    with open(_name, "w", newline="", encoding="utf-8") as _file:
        _lines = csv.writer(_file)
        _lines.writerow(("text", "label"))
        for _i in range(_rows):
            _lines.writerow((f"The team won its match number {_i} by two goals.", "sport"))
            _lines.writerow((f"The bank raised its rate for loan number {_i}.", "money"))
"""
CLASSIFY = "!python -m bertlib classify --train train.csv --test test.csv --epochs 1 --out my-classifier"
SAVED = """
import os
assert _exit_code == 0, "the command failed"
assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(os.listdir("my-classifier"))
"""
BUILT = '!cd course && python -m bertcourse assignments --class {number}\nassert _exit_code == 0, "the command failed"'
# By name, as what lies above the base is found first.
LISTED = (
    "import importlib.metadata as m, json; print(json.dumps({d.name: m.version(d.name) for d in m.distributions()}))"
)


# ------------------------------------------------------------------------------------------------------ the environment


def read_versions(path: Path = VERSIONS) -> dict[str, str]:
    """The list: package -> version, and "python" -> the one that Colab has.

    Raises:
        ValueError: a line is not of the form name==version, or a name stands twice; the message names it.
    """
    text = path.read_text(encoding="utf-8")
    python = re.search(r"^# Python (\d+\.\d+)", text, re.MULTILINE)
    if python is None:
        raise ValueError(f"{path}: no line '# Python 3.13', which names the Python that Colab has: write it")
    found = {"python": python[1]}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+)", line)
        if match is None:
            raise ValueError(f"{path}, line {number}: {line!r} is no exact version: write it as name==version")
        name = plain(match[1])
        if name in found:
            raise ValueError(f"{path}, line {number}: {name} stands there twice: keep one")
        found[name] = match[2]
    for name in ("pip", "torch"):
        if name not in found:
            raise ValueError(f"{path}: {name} is missing: add it as name==version")
    return found


def plain(name: str) -> str:
    """A package's name as all its spellings have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def find_python(wanted: str) -> str:
    """A Python of this release, "3.13", on the PATH or among pyenv's; else the one at hand, and it says so."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [shutil.which(f"python{wanted}"), *sorted(map(str, pyenv.glob(f"{wanted}.*/bin/python")))]
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    for python in filter(None, [*places, sys.executable]):
        done = subprocess.run([python, "-c", ask], capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.strip() == wanted:
            return python
    print(f"No Python {wanted} here, which Colab has: played with {sys.version.split()[0]}.", flush=True)
    return sys.executable


def make_base(folder: Path, python: str, versions: dict[str, str]) -> Path:
    """The environment of exactly these packages, made unless it is there; gives its Python.

    Packages come without what they ask for, as the list has that too, and Colab leaves out some (jedi). Only torch
    brings its own along: which those are depends on the build that the index has.

    Raises:
        subprocess.CalledProcessError: pip could not install them.
    """
    own, ready = folder / "bin" / "python", folder / "ready.json"
    state = json.dumps({"versions": versions, "python": python}, sort_keys=True)
    if ready.is_file() and ready.read_text(encoding="utf-8") == state:
        return own
    print(f"Installing Colab's {len(versions) - 1} packages …", flush=True)
    subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    pip = [own, "-m", "pip", "install", "--quiet", "--progress-bar", "off", "--disable-pip-version-check"]
    lines = [f"{name}=={version}" for name, version in versions.items() if name != "python"]
    pinned = folder / "versions.txt"
    pinned.write_text("\n".join(lines) + "\n", encoding="utf-8")
    for what in (
        [f"pip=={versions['pip']}"],
        ["--constraint", pinned, f"torch=={versions['torch']}"],
        ["--no-deps", "--requirement", pinned],
    ):
        subprocess.run([*pip, *what], check=True)
    name_as_on_colab(folder, versions["torch"])
    ready.write_text(state, encoding="utf-8")
    return own


def name_as_on_colab(folder: Path, version: str) -> None:
    """Give torch's metadata the name that Colab's CPU build has, 2.11.0+cpu, whichever build the index gave.

    pip is told to keep that release: so what colab/install.py writes is tried as it is there.
    """
    for about in folder.glob(f"lib/python*/site-packages/torch-{version}.dist-info"):
        data = about / "METADATA"
        text = data.read_text(encoding="utf-8").replace(f"\nVersion: {version}\n", f"\nVersion: {version}+cpu\n", 1)
        data.write_text(text, encoding="utf-8")
        about.rename(about.with_name(f"torch-{version}+cpu.dist-info"))


@dataclass
class Session:
    """A new machine as Colab gives one: its own environment above the base, and an empty folder.

    Attributes:
        folder: of the session.
        python: its Python.
        environment: what its processes get.
    """

    folder: Path
    python: Path
    environment: dict[str, str]

    @property
    def content(self) -> Path:
        """The folder in which notebooks start."""
        return self.folder / "content"

    def packages(self) -> dict[str, str]:
        """What is installed: name -> version."""
        done = subprocess.run([self.python, "-c", LISTED], env=self.environment, capture_output=True, check=True)
        return json.loads(done.stdout)

    def play(self, notebook: dict, name: str, **settings: str) -> dict:
        """Play a notebook in a new kernel; see tools/colab_player.py for what comes back."""
        path, record = self.content / name, self.folder / "record.json"
        path.write_text(json.dumps(notebook), encoding="utf-8")
        record.unlink(missing_ok=True)
        with open(self.folder / "log.txt", "a", encoding="utf-8") as log:  # a kernel's own words, not the notebook's
            subprocess.run([self.python, PLAYER, path, record], env=self.environment | settings, stdout=log, stderr=log)
        if record.is_file():
            return json.loads(record.read_text(encoding="utf-8"))
        return {"error": f"the notebook could not be played, see {self.folder / 'log.txt'}"}


def open_session(folder: Path, base: Path, repository: Path, address: str, cache: Path) -> Session:
    """Make one, where there is none of an earlier try.

    Args:
        folder: for the session.
        base: Python of the environment of Colab's packages.
        repository: what git fetches.
        address: what the first cell asks for, in its place.
        cache: pip's.
    """
    shutil.rmtree(folder, ignore_errors=True)
    session = Session(folder, folder / "python" / "bin" / "python", {})
    session.content.mkdir(parents=True)
    subprocess.run([base, "-m", "venv", "--without-pip", folder / "python"], check=True)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    below, own = (
        subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip()
        for python in (base, session.python)
    )
    (Path(own) / "colab.pth").write_text(f"{below}\n", encoding="utf-8")
    kernel = folder / "python" / "share" / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    command = [str(session.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}), encoding="utf-8")

    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BERT_COURSE_", "PYTHON"))}
    session.environment = kept | {
        "COLAB_RELEASE_TAG": "rehearsal",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PATH": f"{session.python.parent}{os.pathsep}{kept.get('PATH', '')}",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
        "PIP_CACHE_DIR": str(cache),
        "JUPYTER_PREFER_ENV_PATH": "1",
        **{name: str(folder / "home") for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "HF_HOME")},
    }
    return session


def megabytes(log: str) -> float:
    """The size of all packages that pip took, from its log: each once, though it may say so twice."""
    size = {}
    units = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}
    for name, number, unit in re.findall(
        r"(?:Downloading|Using cached) (\S+\.(?:whl|tar\.gz|zip)) \(([\d.]+) (\w+)\)", log
    ):
        size[name] = float(number) * units[unit]
    for path in re.findall(r"Processing (/\S+\.(?:whl|tar\.gz|zip))", log):  # from a folder of this machine
        size[Path(path).name] = Path(path).stat().st_size / 1e6
    return sum(size.values())


# ------------------------------------------------------------------------------------------------------- what is played


def code_cell(source: str, number: int) -> dict:
    about = {"cell_type": "code", "id": f"rehearsal-{number}", "metadata": {}}
    return about | {"source": source.strip(), "outputs": [], "execution_count": None}


def notebook_of(cells: list[dict]) -> dict:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}


def read_lesson(root: Path, number: str) -> tuple[str, dict]:
    """A lesson's name and its notebook, without outputs."""
    path = next((root / "notebooks").glob(f"{number}_*.ipynb"))
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return path.name, notebook


def first_cell(notebook: dict) -> dict:
    """The cell that fetches and installs the course.

    Raises:
        ValueError: there is none.
    """
    found = [cell for cell in notebook["cells"] if cell.get("id") == FIRST_CELL]
    if not found:
        raise ValueError(f"no cell with the id {FIRST_CELL!r}: make publish REPO=owner/name puts it there")
    return found[0]


def address_of(notebook: dict) -> str:
    """Where the first cell fetches from."""
    found = re.search(r'^ *REPOSITORY = "(.+)"$', "".join(first_cell(notebook)["source"]), re.MULTILINE)
    if found is None:
        raise ValueError('the first cell has no line REPOSITORY = "…"')
    return found[1]


def answers_to(notebook: dict, root: Path) -> str:
    """The source of a cell that answers one of the lesson's checks, rightly and wrongly.

    Raises:
        ValueError: no check of the lesson has a worked solution.
    """
    code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    for theme, what in re.findall(r'check\("(\w+)\.(\w+)"', code):
        solutions = root / "notebooks" / "solutions" / f"{theme}.py"
        if solutions.is_file() and re.search(rf"^(def )?my_{what}\b", solutions.read_text("utf-8"), re.MULTILINE):
            return ANSWERS.format(theme=theme, what=what)
    raise ValueError("no check of the lesson has a worked solution in notebooks/solutions")


def play_lesson(session: Session, root: Path, number: str, rows: str) -> Iterator[tuple[str, dict]]:
    """All of it, and two answers."""
    name, notebook = read_lesson(root, number)
    settings = {"BERT_COURSE_REHEARSAL": rows} if rows else {}
    notebook["cells"].append(code_cell(answers_to(notebook, root), 0))
    record = session.play(notebook, name, **settings)
    right, wrong = ([line for line in record.get("checks", [])[-2:] if line.startswith(sign)] for sign in "✓✗")
    if not record["error"] and (len(right), len(wrong)) != (1, 1):
        record["error"] = f"a right and a wrong answer gave {record.get('checks', [])[-2:]}"
    yield Path(name).stem, record


def play_restart(session: Session, root: Path) -> Iterator[tuple[str, dict]]:
    """The first section of a lesson; again after Runtime, Restart, without the first cell; and of a second lesson."""
    name, notebook = read_lesson(root, "01")
    part = first_section(notebook)
    yield "01, its first section", session.play(part, name)
    part = part | {"cells": [cell for cell in part["cells"] if cell.get("id") != FIRST_CELL]}
    yield "01 after a restart", session.play(part, name)
    name, notebook = read_lesson(root, "03")
    record = session.play(first_section(notebook), name)
    first = record.get("first")
    if not record["error"] and "was there before: commit" not in (first or {"said": ""})["said"]:
        record["error"] = "the first cell did not say which course was there before"
    yield "03 in the same session", record


def play_assignments(session: Session, root: Path) -> Iterator[tuple[str, dict]]:
    """They are built, and each is played with its placeholders."""
    cells = [first_cell(read_lesson(root, "00")[1]), code_cell(BUILT.format(number=CLASS), 0)]
    record = session.play(notebook_of(cells), "build.ipynb")
    built = sorted((session.content / "course" / "build" / "assignments").glob("*/*.ipynb"))
    if not record["error"] and len(built) != len(list((root / "notebooks/assignments/source").glob("*/*.ipynb"))):
        record["error"] = f"built: {[path.stem for path in built]}"
    yield "assignments built", record
    for path in built:
        yield f"assignment {path.stem}", session.play(json.loads(path.read_text(encoding="utf-8")), path.name)


def play_classify(session: Session, root: Path) -> Iterator[tuple[str, dict]]:
    """A CSV of one's own, by the command."""
    sources = [CSV, CLASSIFY, SAVED]
    cells = [code_cell(source, number) for number, source in enumerate(sources)]
    yield (
        "!python -m bertlib classify",
        session.play(notebook_of([first_cell(read_lesson(root, "00")[1]), *cells]), "own.ipynb"),
    )


OTHERS = {"restart": play_restart, "assignments": play_assignments, "classify": play_classify}


def parts_of(root: Path) -> list[str]:
    """All that can be played: numbers of lessons, and the others."""
    return [*map(number_of, lessons_in(root / "notebooks")), *OTHERS]


# ----------------------------------------------------------------------------------------------------------- judging


def changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What of Colab's own packages is no longer as it was: "numpy 2.1.3 → 99.0"."""
    return [
        f"{name} {version} → {after.get(name, 'removed')}"
        for name, version in sorted(before.items())
        if after.get(name) != version
    ]


def in_band(figure: dict) -> bool:
    return float(figure["low"]) <= float(figure["value"]) <= float(figure["high"])


def problems(result: dict) -> list[str]:
    """What a learner should not see of a part that was played, one line each; nothing if all is well."""
    found = []
    for play in result["plays"]:
        wrong = [play["error"]] if play["error"] else []
        if not result["rows"]:
            wrong += [
                f"{figure['name']} is {figure['value']}" for figure in play.get("figures", []) if not in_band(figure)
            ]
        wrong += [f"on stderr: {line}" for line in play.get("stderr", [])]
        wrong += [f"a warning: {line}" for line in play.get("warnings", [])]
        found += [f"{play['name']}: {line}" for line in wrong]
    found += [f"{result['part']}: of Colab's packages changed: {line}" for line in result["changed"]]
    if result["cold"]:
        first = result["plays"][0].get("first") or {"processor": math.inf}
        if first["processor"] > PROCESSOR_SECONDS:
            found.append(f"{result['part']}: the first cell took {first['processor']:.0f} s of processor time")
    if result["megabytes"] > MEGABYTES:
        found.append(f"{result['part']}: the first cell fetched {result['megabytes']:.0f} MB of packages")
    return found


def table(results: Sequence[dict]) -> str:
    """A row for each notebook that was played, then what is wrong."""
    rows = [
        ("played", "result", "figures in band", "seconds", "first cell, s (processor)", "stderr, warnings", "changed")
    ]
    for result in results:
        for number, play in enumerate(result["plays"]):
            figures, first = play.get("figures", []), play.get("first")
            shown = f"{sum(map(in_band, figures))} of {len(figures)}" if figures else ""
            rows.append(
                (
                    play["name"],
                    "FAILED" if play["error"] else "ok" + (f", {result['rows']} rows" if result["rows"] else ""),
                    shown + (" (shown)" if shown and result["rows"] else ""),
                    f"{play.get('seconds', 0):.0f}",
                    f"{first['seconds']:.0f} ({first['processor']:.0f})" if first else "",
                    f"{len(play.get('stderr', []))}, {len(play.get('warnings', []))}",
                    str(len(result["changed"])) if number == 0 else "",
                )
            )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "-" * (sum(widths) + 2 * len(widths) - 2))
    added = sorted({name for result in results for name in result["added"]})
    most = max((result["megabytes"] for result in results), default=0.0)
    lines += ["", f"The first cell added {', '.join(added)}: {most:.1f} MB"]
    lines += ["", *(f"WRONG: {line}" for result in results for line in problems(result))]
    return "\n".join(lines)


# ---------------------------------------------------------------------------------------------------- parts and records


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True, encoding="utf-8")
    return done.stdout.strip()


def key_of(part: str, root: Path, versions: dict[str, str], python: str, rows: str) -> str:
    """A digest of what a part rests on, as it is committed."""
    places = list(RESTS_ON)
    if part in OTHERS:
        places.append("notebooks")
    else:
        places.append(next((root / "notebooks").glob(f"{part}_*.ipynb")).relative_to(root).as_posix())
    trees = [git(root, "rev-parse", f"HEAD:{place}") for place in places]
    return hashlib.sha256(json.dumps([part, trees, versions, python, rows], sort_keys=True).encode()).hexdigest()


def read_record(path: Path, key: str) -> dict | None:
    """What was noted when this part was played last, if it rested on the same."""
    with contextlib.suppress(OSError, ValueError):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.get("key") == key:
            return record
    return None


def play_part(part: str, base: Path, build: Path, root: Path, rows: str) -> dict:
    """Play one part in a session of its own.

    The first lesson's session starts with nothing in pip's cache, as each does on Colab: there the first cell's
    processor time counts. The others share the cache, and pip writes a log, which says what it took.
    """
    cold = part == parts_of(root)[0]
    cache = build / "pip-cache"
    if cold:
        shutil.rmtree(cache, ignore_errors=True)
    address = address_of(read_lesson(root, parts_of(root)[0])[1])
    session = open_session(build / "sessions" / part, base, root, address, cache)
    log = session.folder / "pip.txt"
    if not cold:
        session.environment["PIP_LOG"] = str(log)
    before = session.packages()
    plays = []
    played = OTHERS[part](session, root) if part in OTHERS else play_lesson(session, root, part, rows)
    for name, record in played:
        plays.append({"name": name, **record})
        print(f"  {name}: {record['error'] or 'ok'}", flush=True)
    after = session.packages()
    return {
        "part": part,
        "rows": rows,
        "cold": cold,
        "plays": plays,
        "changed": changes(before, after),
        "added": sorted(f"{name} {after[name]}" for name in after.keys() - before.keys()),
        "megabytes": megabytes(log.read_text(encoding="utf-8", errors="replace")) if log.is_file() else 0.0,
    }


def rehearse(parts: Sequence[str], build: Path, *, whole: bool = False, fresh: bool = False, python: str = "") -> int:
    """Play what has not passed yet, and print the table of all that is noted; returns 1 if something is wrong."""
    versions = read_versions()
    python = python or find_python(versions["python"])
    if git(ROOT, "status", "--porcelain", "--", *RESTS_ON, "notebooks"):
        print("Not all is committed: the last commit is played.", flush=True)
    base = make_base(build / "base", python, versions)
    results = []
    for part in parts_of(ROOT):
        rows = "" if whole else FEW_ROWS.get(part, "")
        path, key = build / "records" / f"{part}.json", key_of(part, ROOT, versions, python, rows)
        record = read_record(path, key) or read_record(path, key_of(part, ROOT, versions, python, ""))  # whole will do
        if part in parts and (fresh or record is None or problems(record)):
            print(f"{part} …", flush=True)
            record = {"key": key, **play_part(part, base, build, ROOT, rows)}
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
        if record is not None:
            results.append(record)
    print(f"\nPython {python}, commit {git(ROOT, 'rev-parse', '--short', 'HEAD')}\n\n{table(results)}")
    left = [part for part in parts_of(ROOT) if part not in {result["part"] for result in results}]
    if left:
        print(f"Not played yet: {' '.join(left)}")
    return 1 if any(problems(result) for result in results) else 0


def main(arguments: list[str] | None = None) -> int:
    """Read the options and rehearse."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog=f"parts: {' '.join(parts_of(ROOT))}")
    parser.add_argument("parts", nargs="*", help="what to play; all by default")
    parser.add_argument("--whole", action="store_true", help="05, 07 and 08 at full size, figures held to their bands")
    parser.add_argument("--fresh", action="store_true", help="play again what has passed")
    parser.add_argument("--python", default="", help="to be used for Colab's, in the place of one that is looked for")
    parser.add_argument("--build", type=Path, default=BUILD, help="for environments and records")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.parts) - set(parts_of(ROOT))):
        parser.error(f"there is no part {unknown[0]!r}: choose among {' '.join(parts_of(ROOT))}")
    return rehearse(
        options.parts or parts_of(ROOT),
        options.build.resolve(),
        whole=options.whole,
        fresh=options.fresh,
        python=options.python,
    )


if __name__ == "__main__":
    sys.exit(main())
