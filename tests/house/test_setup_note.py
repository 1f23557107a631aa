"""tools/setup_note.py: one line where CUDA would come unasked, none anywhere else; and the Makefile that calls it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import setup_note

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "https://example.org/small"


@pytest.fixture
def plain_linux(monkeypatch):
    """A Linux machine without GPU, torch and settings of pip."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(setup_note, "installed_torch", lambda: "")
    monkeypatch.setattr(setup_note, "pip_settings", lambda: ["global.timeout='60'"])


def test_one_line_says_what_comes_how_much_and_names_the_switch(plain_linux, capsys):
    assert setup_note.main([]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    for word in (f"torch {setup_note.pinned_torch()}", "CUDA", setup_note.SIZE, "make setup TORCH_INDEX="):
        assert word in line
    assert "://" not in line


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems_bring_no_cuda(plain_linux, monkeypatch, system):
    monkeypatch.setattr(sys, "platform", system)
    assert setup_note.note() == ""


def test_with_a_gpu_cuda_is_wanted(plain_linux, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "nvidia-smi" else None)
    assert setup_note.note() == ""


@pytest.mark.parametrize("installed, quiet", [("2.13.0", True), ("2.12.1", False), ("", False)])
def test_a_torch_that_is_there_is_not_downloaded_again(plain_linux, monkeypatch, installed, quiet):
    monkeypatch.setattr(setup_note, "installed_torch", lambda: installed)
    monkeypatch.setattr(setup_note, "pinned_torch", lambda: "2.13.0")
    assert (setup_note.note() == "") == quiet


@pytest.mark.parametrize(
    "line, found",
    [
        (f":env:.extra-index-url='{ADDRESS}'", True),
        (f":env:.index-url='{ADDRESS}'", True),
        (":env:.find-links='wheels'", True),
        (f"global.extra-index-url='{ADDRESS}'", True),
        (f"install.index-url='{ADDRESS}'", True),
        ("global.no-index='true'", True),
        (":env:.extra-index-url=''", False),  # a variable of a workflow that nobody has set
        ("global.timeout='60'", False),
        ("global.trusted-host='extra-index-url'", False),
    ],
)
def test_the_users_own_settings_of_pip_silence_it(plain_linux, monkeypatch, line, found):
    assert setup_note.says_where_to_look(["global.timeout='60'", line]) == found
    monkeypatch.setattr(setup_note, "pip_settings", lambda: [line])
    assert (setup_note.note() == "") == found


def test_pip_is_asked_for_its_settings(monkeypatch, tmp_path):
    """The real pip: its files, and the environment above them."""
    for name in ("EXTRA_INDEX_URL", "INDEX_URL", "FIND_LINKS", "NO_INDEX"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)  # no file at all
    monkeypatch.setenv("PIP_TIMEOUT", "60")
    assert [line for line in setup_note.pip_settings() if "timeout" in line]
    assert not setup_note.says_where_to_look(setup_note.pip_settings())
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[install]\nextra-index-url = {ADDRESS}\n", encoding="utf-8")
    for name, value in (("PIP_FIND_LINKS", "wheels"), ("PIP_CONFIG_FILE", str(settings))):
        with monkeypatch.context() as patched:
            patched.setenv(name, value)
            assert setup_note.says_where_to_look(setup_note.pip_settings()), name


def test_an_address_needs_no_note_and_nonsense_is_refused(plain_linux, capsys):
    assert setup_note.note(ADDRESS) == ""
    assert setup_note.main(["cpu"]) == 2
    assert "error: TORCH_INDEX=cpu: give the address" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["setup_note", "course_python"])
def test_it_runs_before_anything_is_installed(name):
    source = (ROOT / "tools" / f"{name}.py").read_text(encoding="utf-8")
    imported = re.findall(r"^ *(?:from|import) (\w+)", source, re.MULTILINE)
    assert set(imported) <= sys.stdlib_module_names


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
@pytest.mark.parametrize("address", ["", ADDRESS])
def test_make_setup_hands_the_address_on(address, tmp_path):
    command = ["make", "--dry-run", "--always-make", "setup", f"TORCH_INDEX={address}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "setup_note" in line or "pip install" in line]
    told, installed = lines
    assert (ADDRESS in told) == (ADDRESS in installed) == bool(address)
    assert ("--extra-index-url" in installed) == bool(address)
    assert "-r requirements.txt -c constraints.txt -e ." in installed
