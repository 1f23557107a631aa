"""What README and the front page show of the lessons: three of their diagrams, and a machine that moves.

    python tools/pictures.py

The diagrams are those stored in the notebooks, byte for byte. The machine is the stored one, moved by its keys in
Chromium (CONTRIBUTING says how to get it), a picture for each step. `make test` says which picture is no longer its
lesson's.
"""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIAGRAMS = {  # file in images/: lesson, cell
    "where_the_parameters_lie.svg": ("02_encoder", "encoder-39"),
    "masked.svg": ("04_mlm_and_nsp_data", "steps-table"),
    "pieces_and_tags.svg": ("08_named_entities", "0f19410d"),
}
MACHINE = ("01_attention", "attention-11")
MOVING = "machine.gif"
STEPS, FIRST, PAUSE, LAST = 13, 1500, 350, 4000  # keys pressed; milliseconds: before them, after each, at the end


SVG, MARK = re.compile(r'data:image/svg\+xml;base64,([^"]+)'), re.compile(r'data-machine="(\w+)"')


def html_of(lesson: str, cell: str, what: re.Pattern) -> str:
    """The HTML in which a cell of a lesson has stored what is looked for.

    Raises:
        SystemExit: there is no such cell, or it shows none.
    """
    notebook = json.loads((ROOT / "notebooks" / f"{lesson}.ipynb").read_text(encoding="utf-8"))
    outputs = [output for one in notebook["cells"] if one["id"] == cell for output in one.get("outputs", [])]
    for output in outputs:
        page = "".join(output.get("data", {}).get("text/html", ""))
        if what.search(page):
            return page
    sys.exit(f"{lesson}: cell {cell} shows no such thing: name one that does, at the top of {Path(__file__).name}")


def diagram(lesson: str, cell: str) -> bytes:
    """The SVG of the diagram that a cell shows."""
    return base64.b64decode(SVG.search(html_of(lesson, cell, SVG))[1])


def mark(page: str) -> str:
    """What tells a machine from every other."""
    return MARK.search(page)[1]


def film(page: str) -> bytes:
    """An animated GIF of a machine whose first slider is moved by the key "right", its mark as comment."""
    from PIL import Image

    sys.path.insert(0, str(ROOT / "tests"))
    from browser import chromium

    pictures = []
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": 620, "height": 700})
        opened.set_content(f"<!doctype html><meta charset=utf-8><body style='margin:0'>{page}")
        machine, slider = opened.locator("[data-machine]"), opened.locator("section input").first
        slider.focus()
        for step in range(STEPS + 1):
            if step:
                slider.press("ArrowRight")
            pictures.append(Image.open(io.BytesIO(machine.screenshot())).convert("RGB"))
    colours = pictures[-1].quantize(64)
    frames = [picture.quantize(palette=colours, dither=Image.Dither.NONE) for picture in pictures]
    durations = [FIRST, *[PAUSE] * (STEPS - 1), LAST]
    out = io.BytesIO()
    frames[0].save(
        out, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, comment=mark(page).encode()
    )
    return out.getvalue()


def main() -> None:
    for name, (lesson, cell) in DIAGRAMS.items():
        (ROOT / "images" / name).write_bytes(diagram(lesson, cell))
    (ROOT / "images" / MOVING).write_bytes(film(html_of(*MACHINE, MARK)))
    for path in sorted((ROOT / "images").iterdir()):
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
