"""Builds the site: `make book`. The pages are what is committed; no lesson is run.

    python book/build.py [--out FOLDER] [--repository ADDRESS]

Sphinx reads one folder, so the parts are copied beside each other first, in the places that they have in the
repository: their links to each other then work here and there. What draws in the reader's browser, and what runs the
model of the page Play there, comes from npm, is compared with a checksum, and is kept in build/: the site asks no other
host for anything.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import floors  # noqa: E402 - the house, as pyproject.toml declares it
import pictures  # noqa: E402 - what the front page shows of the lessons

from bertcourse.lessons import lessons_in, number_of  # noqa: E402

LIBRARIES_FOLDER = ROOT / "build" / "book" / "libraries"
RUNTIME_FOLDER = ROOT / "build" / "book" / "runtime"
PLAY = ROOT / "book" / "play"

# npm package, version, a file of it that is needed, its SHA-256
LIBRARIES = (
    ("mathjax", "3.2.2", "es5/tex-svg-full.js", "a4354ff94fd868aea0cc6eaaa79a57fda0588646fc46ee3700a349ee0a11cbe6"),
)
# What runs the model in the page Play: ONNX Runtime's smallest build, WebAssembly alone. Of what npm has it is the one
# that is released every few weeks, takes a graph written by hand and needs neither a GPU nor headers of the server.
# TensorFlow.js has had no release since 2024; LiteRT.js takes TFLite files, for whose making
# torch's converter is needed; transformers.js is this runtime in a larger build, with a head that scores every token.
RUNTIME = (
    (
        "onnxruntime-web",
        "1.30.0",
        "dist/ort.wasm.bundle.min.mjs",
        "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    ),
    (
        "onnxruntime-web",
        "1.30.0",
        "dist/ort-wasm-simd-threaded.wasm",
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    ),
)
# What becomes a page: a folder or file of the repository, copied to the same place; index.md is the front page.
PARTS = (
    "notebooks/*.ipynb",
    "data/README.md",
    "data/*/*.md",
    "benchmarks/results/*.md",
    "book/play.md",
    "book/play/page.html",
    "book/library.md",
    "book/other_frameworks.md",
    "book/reference.md",
    "book/sizing.md",
    "book/teaching.md",
    "images/*",
)


def fetch(folder: Path, libraries: tuple[tuple[str, str, str, str], ...] = LIBRARIES) -> None:
    """Put files of npm packages into a folder, if they are not there yet.

    Raises:
        SystemExit: npm is not installed, a package cannot be had, or a file is not the one that is expected.
    """
    for (package, version), files in groupby(libraries, key=lambda library: library[:2]):
        wanted = {inside: expected for _, _, inside, expected in files}
        missing = [inside for inside in wanted if not (folder / Path(inside).name).exists()]
        if missing:
            npm = shutil.which("npm")
            if npm is None:
                sys.exit(f"{Path(missing[0]).name} comes from npm, which is not installed: install Node.js, try again")
            with tempfile.TemporaryDirectory() as work:
                # npm prints the name of the archive, which is no output of the build.
                command = [npm, "pack", "--silent", f"{package}@{version}"]
                done = subprocess.run(command, cwd=work, stdout=subprocess.DEVNULL)
                if done.returncode:
                    sys.exit(f"npm could not fetch {package}@{version} (exit status {done.returncode}): see above")
                (archive,) = Path(work).glob("*.tgz")
                folder.mkdir(parents=True, exist_ok=True)
                with tarfile.open(archive) as content:
                    for inside in missing:
                        target = folder / Path(inside).name
                        beside = target.with_name(f"{target.name}.{os.getpid()}")  # two builds may do this at once
                        beside.write_bytes(content.extractfile(f"package/{inside}").read())
                        beside.replace(target)
        for inside, expected in wanted.items():
            target = folder / Path(inside).name
            found = hashlib.sha256(target.read_bytes()).hexdigest()
            if found != expected:
                target.unlink()
                sys.exit(f"{package}@{version}: {inside} has SHA-256 {found}, not {expected}; removed: try again")


def write_play(folder: Path) -> None:
    """What the page Play loads: its own code, the runtime, and the checkpoint as a graph with weights."""
    from play.export import export  # needs onnx, which only the site is built with

    fetch(RUNTIME_FOLDER, RUNTIME)
    export(folder)
    for path in (*PLAY.glob("*.js"), *PLAY.glob("*.css"), *RUNTIME_FOLDER.glob("*.mjs")):
        shutil.copyfile(path, folder / path.name)
    for path in RUNTIME_FOLDER.glob("*.wasm"):  # packed: a quarter of the bytes, whatever the server can do
        (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))


def write_api(folder: Path) -> None:
    """A page for each module, from its docstrings, and one that lists them by floor, as pyproject.toml has them."""
    folder.mkdir(parents=True)
    known = floors.modules()
    lines = ["# The library and the course", "", "A room imports only from rooms above it here."]
    for package in floors.PACKAGES:
        lines += ["", f"## {package}"]
        for rooms in floors.declared()[package]:
            names = [m for name in rooms for m in known if f"{m}.".startswith(f"{package}.{name}.")]
            lines += ["", f"### {' · '.join(rooms)}", ""]
            lines += [f"- [{module}]({module}.md): {floors.first_sentence(known[module])}" for module in names]
            lines += ["", "```{toctree}", ":hidden:", "", *names, "```"]
            for module in names:
                title = f"python -m {package}" if module.endswith("__main__") else module
                page = f"# {title}\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```\n"
                (folder / f"{module}.md").write_text(page, encoding="utf-8")
    (folder / "index.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def glossary(path: Path) -> str:
    """The glossary as a page: each term under a heading of its own, with the lesson that explains it.

    Raises:
        ValueError: a term has no lesson that there is, or no sentence.
    """
    lessons = {number_of(lesson): lesson.stem for lesson in lessons_in(ROOT / "notebooks")}
    lines = ["# Glossary", "", "Each word links to the lesson that explains it, and there back to here."]
    for term, entry in sorted(
        tomllib.loads(path.read_text(encoding="utf-8")).items(), key=lambda pair: pair[0].lower()
    ):
        if entry.get("lesson") not in lessons or not entry.get("text", "").strip():
            raise ValueError(f'{path.name}: {term!r} is {entry}: give it lesson, such as "04b", and text, a sentence')
        name = lessons[entry["lesson"]]
        lines += ["", f"## {term}", "", f"{entry['text']} Lesson [{entry['lesson']}](../notebooks/{name}.ipynb)."]
    return "\n".join(lines) + "\n"


def with_lessons(front: str) -> str:
    """The front page with the lessons in their order, which is not that of a pattern, in the place of the pattern."""
    names = [f"notebooks/{lesson.stem}" for lesson in lessons_in(ROOT / "notebooks")]
    return front.replace(":glob:\n\nnotebooks/*\n", "\n" + "\n".join(names) + "\n")


def assemble(source: Path) -> None:
    """Everything that becomes a page, in one folder."""
    shutil.rmtree(source, ignore_errors=True)
    for pattern in PARTS:
        for path in sorted(ROOT.glob(pattern)):
            target = source / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    (source / "book" / "glossary.md").write_text(glossary(ROOT / "book" / "glossary.toml"), encoding="utf-8")
    front = (ROOT / "book" / "index.md").read_text(encoding="utf-8")
    (source / "index.md").write_text(with_lessons(front), encoding="utf-8")
    machine = pictures.html_of(*pictures.MACHINE, pictures.MARK)
    (source / "book" / "machine.html").write_text(machine, encoding="utf-8")
    write_api(source / "api")


def build(out: Path, repository: str) -> int:
    """Build the site into the folder html of a folder.

    Args:
        out: where the work is done; source, doctrees and html in it are made anew.
        repository: its address, for the buttons "Open in Colab" and "Edit this page"; without one they stay away.

    Returns:
        sphinx-build's exit status; a warning is an error.
    """
    fetch(LIBRARIES_FOLDER)
    assemble(out / "source")
    for made in ("doctrees", "html"):
        shutil.rmtree(out / made, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "--builder", "html", "--fail-on-warning", "--quiet"]
    if repository:
        command += ["--define", f"html_theme_options.source_repository={repository}"]
    places = ["--conf-dir", ROOT / "book", "--doctree-dir", out / "doctrees", out / "source", out / "html"]
    status = subprocess.run([*command, *map(str, places)], cwd=ROOT).returncode
    if status == 0:
        write_play(out / "html" / "_static" / "play")
    return status


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address = project.get("urls", {}).get("Repository", "")
    address = "" if address.endswith("/OWNER/NAME") else address  # nobody has run make publish yet
    parser = argparse.ArgumentParser(description="Build the site.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "book", help="default: build/book")
    parser.add_argument("--repository", default=address, help=f"default: pyproject.toml's, {address or 'none yet'}")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    status = build(out, arguments.repository)
    if status == 0:
        print(f"{sum(1 for _ in (out / 'html').rglob('*.html'))} pages: open {out / 'html' / 'index.html'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
