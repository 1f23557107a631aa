"""What a lesson shows as HTML and not as a plot: entities in their text, and bertviz's views, offline."""

from __future__ import annotations

import hashlib
import html
import importlib.util
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from IPython.display import HTML, display
from torch import Tensor

# Tints on which black text stays readable; the type is written too, so that colour is never the only sign.
TINTS = ("#9fd3f2", "#f7c6a3", "#a9dcc3", "#e8bcd6", "#f5df9a", "#cfcfcf")


def entities_html(text: str, entities: Sequence[Mapping], types: Sequence[str] | None = None) -> str:
    """A text with its entities marked in colour, each followed by its type.

    Args:
        text: plain text.
        entities: each with "start", "end" (characters) and "type", in ascending order and without overlaps, as
            `EntityTagger.predict` and the data sets' column entities give them.
        types: the types in the order of their colours; None for those that occur, sorted.

    Raises:
        ValueError: an entity lies outside the text or overlaps the one before it.
    """
    types = sorted({entity["type"] for entity in entities}) if types is None else list(types)
    parts, at = [], 0
    for entity in entities:
        start, end, kind = entity["start"], entity["end"], entity["type"]
        if not at <= start < end <= len(text):
            raise ValueError(
                f"entity {kind} {start}–{end} overlaps another one or lies outside the text (0–{len(text)})"
            )
        tint = TINTS[types.index(kind) % len(TINTS)]
        parts += [
            html.escape(text[at:start]),
            f'<mark style="background:{tint};color:#000;padding:1px 3px;border-radius:3px">',
            f"{html.escape(text[start:end])} <small><b>{html.escape(kind)}</b></small></mark>",
        ]
        at = end
    return "".join(parts) + html.escape(text[at:])


def entities_text(text: str, entities: Sequence[Mapping]) -> str:
    """The same in plain text: [Tony Blair PER] met …"""
    parts, at = [], 0
    for entity in entities:
        parts += [text[at : entity["start"]], f"[{text[entity['start'] : entity['end']]} {entity['type']}]"]
        at = entity["end"]
    return "".join(parts) + text[at:]


def show_entities(
    texts: str | Sequence[str], entities: Sequence, types: Sequence[str] | None = None, notes: Sequence[str] = ()
) -> None:
    """Show texts with their entities, in colour where HTML is shown and in brackets elsewhere.

    Args:
        texts: one or several.
        entities: of the text, or of each of them; see `entities_html`.
        types: see `entities_html`.
        notes: something to say before each text.
    """
    if isinstance(texts, str):
        texts, entities = [texts], [entities]
    notes = [*notes] or [""] * len(texts)
    rows = list(zip(notes, texts, entities, strict=True))
    page = "".join(
        f"<p style='line-height:1.8'><i>{html.escape(note)}</i> {entities_html(text, found, types)}</p>"
        for note, text, found in rows
    )
    plain = "\n".join(f"{note} {entities_text(text, found)}".strip() for note, text, found in rows)
    display({"text/html": page, "text/plain": plain}, raw=True)


# ------------------------------------------------------------------------------------------- bertviz, without a network

# What bertviz's pages ask of jQuery, in a few lines; and instead of require.js a function that hands over what is here.
SHIM = """
function $(what) {
  const made = what.match(/^<(\\w+) *\\/>$/);
  const all = made ? [document.createElement(made[1])] : [...document.querySelectorAll(what)];
  const each = (act) => { all.forEach(act); return it; };
  const it = {
    append: (other) => each((node) => other.all.forEach((child) => node.appendChild(child))),
    val: (value) => each((node) => { node.value = value; }),
    text: (value) => each((node) => { node.textContent = value; }),
    attr: (name, value) => each((node) => node.setAttribute(name, value)),
    on: (event, act) => each((node) => node.addEventListener(event, act)),
    change: () => it,
    empty: () => each((node) => { node.innerHTML = ""; }),
    all: all,
  };
  return it;
}
const require = { config: () => {} };
const requirejs = (names, run) => run($, d3);
"""
# Notebooks narrow a wide picture to their column: then it is to shrink, not to be cut off.
FIT = """
document.querySelectorAll("#%s svg").forEach((svg) => {
  const [width, height] = ["width", "height"].map((name) => parseFloat(svg.getAttribute(name)));
  if (!svg.getAttribute("width").endsWith("%%")) svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
});
"""


def d3_source() -> str:
    """d3 5.7, the drawing library that bertviz asks for, from the wheel of mpld3 (whose own code is not run).

    Raises:
        ModuleNotFoundError: mpld3 is not installed.
    """
    spec = importlib.util.find_spec("mpld3")
    if spec is None:
        raise ModuleNotFoundError("bertviz's views need d3 from the package mpld3: pip install mpld3")
    return (Path(spec.submodule_search_locations[0]) / "js" / "d3.v5.min.js").read_text(encoding="utf-8")


def rounded(attentions: Sequence[Tensor]) -> list[Tensor]:
    """Attention weights as bertviz takes them, (1, H, T, T) for each layer, to three decimals: a third of the size.

    Raises:
        ValueError: no layers, or a tensor of another shape (several texts at once, say).
    """
    if not len(attentions):
        raise ValueError("attentions is empty: run the model with output_attentions=True")
    for number, weights in enumerate(attentions):
        if weights.dim() != 4 or weights.size(0) != 1 or weights.size(2) != weights.size(3):
            raise ValueError(
                f"attentions[{number}] has shape {tuple(weights.shape)}: give (1, heads, T, T), of a single text"
            )
    return [weights.detach().double().cpu().mul(1000).round().div(1000) for weights in attentions]


def without_network(page: str, label: str) -> str:
    """A page that bertviz made, with all that it needs inside it: nothing is fetched when it is shown.

    Args:
        page: bertviz's HTML.
        label: what the view is, for those who do not see it.

    Returns:
        HTML, black on white also where the page around it is dark.
    """
    tags = r'<script src="[^"]*require[^"]*"></script>(.*?)<script type="text/javascript">(.*)</script>\s*'
    markup, script = re.fullmatch(tags, page, re.DOTALL).groups()
    script = re.sub(r"; // HACK: .*", ";", script, count=1)  # a comment in which all the numbers stand once more
    identity = re.search(r"bertviz-[0-9a-f]{32}", markup)[0]
    content = script.replace(identity, "").encode()
    stable = f"bertviz-{hashlib.sha256(content).hexdigest()[:32]}"  # the same view is the same text in every run
    d3 = f"const exports = {{}}, module = {{ exports }};\n{d3_source()}\nreturn module.exports;"
    d3 = f"const d3 = (function () {{ {d3} }})();"
    body = f"(function () {{\n{d3}\n{SHIM}\n{script}\n{FIT % identity}\n}})();".replace("</script", "<\\/script")
    frame = f'role="figure" aria-label="{html.escape(label)}" style="overflow-x:auto;background:#fff;color:#000"'
    page = f'<div {frame}>{markup}</div><script type="text/javascript">{body}</script>'
    return page.replace(identity, stable)


def head_view(
    attentions: Sequence[Tensor], tokens: Sequence[str], *, layer: int = 0, heads: Sequence[int] | None = None
):
    """bertviz's head view (Vig, 2019): lines from each token to those that it looks at, a colour for each head.

    Click on a colour to show or hide a head, move the pointer over a token to see its lines alone.

    Args:
        attentions: for each layer (1, H, T, T), as a model gives them for one text with output_attentions=True.
        tokens: T; about twenty are readable.
        layer: shown first.
        heads: shown first; None for all.

    Returns:
        An IPython HTML object that shows itself, without network.

    Raises:
        ValueError: the shapes do not fit each other, or there is no such layer.
    """
    import bertviz

    attentions = fitting(attentions, tokens)
    if not 0 <= layer < len(attentions):
        raise ValueError(f"layer={layer}: give one from 0 to {len(attentions) - 1}")
    page = bertviz.head_view(attentions, list(tokens), layer=layer, heads=heads, html_action="return")
    label = f"Head view of attention: {len(tokens)} tokens, lines from each to those that it looks at"
    return HTML(without_network(page.data, label))


def model_view(attentions: Sequence[Tensor], tokens: Sequence[str], *, layers: Sequence[int] | None = None):
    """bertviz's model view: all heads of all layers as small pictures; a click enlarges one.

    Args:
        attentions, tokens: as in `head_view`.
        layers: which to show; None for all.
    """
    import bertviz

    attentions = fitting(attentions, tokens)
    page = bertviz.model_view(
        attentions, list(tokens), include_layers=None if layers is None else list(layers), html_action="return",
        display_mode="light",
    )  # fmt: skip
    shown = len(attentions if layers is None else layers)
    label = f"Model view of attention: a small picture for each head of {shown} layers, over {len(tokens)} tokens"
    return HTML(without_network(page.data, label))


def fitting(attentions: Sequence[Tensor], tokens: Sequence[str]) -> list[Tensor]:
    """`rounded` attentions, if they are of these tokens.

    Raises:
        ValueError: they are not.
    """
    attentions = rounded(attentions)
    if len(tokens) != attentions[0].size(-1):
        raise ValueError(
            f"{len(tokens)} tokens, but attentions of {attentions[0].size(-1)}: give those of the same text"
        )
    return attentions
