"""The course as a map, and BERT as a whole: what lesson 00 draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bertcourse.diagrams.drawing import MARGIN, SMALL, SOFT, Drawing, Point, listed, shortened, token_widths
from bertlib.model.config import BertConfig


def needed_directly(needs: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """What a lesson needs, without what another one of its needs brings along."""

    def reached(lesson: str) -> set[str]:
        return {far for near in needs[lesson] for far in {near, *reached(near)}}

    return {
        lesson: [near for near in own if not any(near in reached(other) for other in own if other != near)]
        for lesson, own in needs.items()
    }


def course_map(
    needs: Mapping[str, Sequence[str]], routes: Mapping[str, Sequence[str]], titles: Mapping[str, str]
) -> Drawing:
    """The lessons from the first to the last: what each needs, as arcs on the left; the routes, as lines on the right.

    Args:
        needs: lesson -> the lessons before it that it builds on, as notebooks/routes.toml has them.
        routes: name of a route -> its lessons in order.
        titles: lesson -> its name.

    Raises:
        ValueError: a route or a need names a lesson that is none.
    """
    lessons = list(needs)
    unknown = {name for names in [*needs.values(), *routes.values()] for name in names} - set(lessons)
    if unknown:
        raise ValueError(f"{listed(sorted(unknown))}: no such lesson; needs has {listed(lessons)}")
    told = "; ".join(f"{lesson} needs {listed(own) or 'nothing'}" for lesson, own in needs.items())
    ways = "; ".join(f"{name}: {', '.join(own)}" for name, own in routes.items())
    drawing = Drawing(f"The course as a map. {told}. Routes: {ways}.")
    tones = ("green", "blue", "orange", "pink")
    step, high, top, left, lane = 46, 32, 66, 94, 88
    right = drawing.width - MARGIN - lane * len(routes)
    middle = {lesson: top + step * number + high / 2 for number, lesson in enumerate(lessons)}
    drawing.text(MARGIN, 20, "arrow: needed for", size=SMALL, align="start", color=SOFT)
    for column, (name, own) in enumerate(routes.items()):
        x, tone = right + lane * (column + 0.5) + 4, tones[column % len(tones)]
        drawing.text(x, 20, name.replace(" ", "\n", 1), size=SMALL)
        drawing.line((x, middle[own[0]]), (x, middle[own[-1]]), tone=tone, heavy=True)
        for lesson in own:
            drawing.dot(x, middle[lesson], 8, tone)
    arcs = [(middle[before], middle[lesson]) for lesson, own in needed_directly(needs).items() for before in own]
    lanes: list[list[Point]] = []
    for y1, y2 in sorted(arcs, key=lambda arc: arc[1] - arc[0]):
        free = [lane_ for lane_ in lanes if all(y2 <= begin or end <= y1 for begin, end in lane_)]
        if not free:
            lanes.append([])
            free = lanes[-1:]
        free[0].append((y1, y2))
    apart = min(13, (left - 30) / max(len(lanes) - 1, 1))
    for number, own in enumerate(lanes):
        for y1, y2 in own:
            x = left - 20 - apart * number
            drawing.arrow((left, y1 + 5), (x, y1 + 5), (x, y2 - 5), (left, y2 - 5))
    for lesson in lessons:
        words = shortened(f"{lesson} {titles[lesson]}", right - left - 16, SMALL)
        drawing.box(left, middle[lesson] - high / 2, right - left - 6, high, words, "grey", size=SMALL)
    return drawing


def lessons_named(numbers: str) -> str:
    """ "lesson 03", "lessons 01 and 02"."""
    return f"lesson{'s' if ' ' in numbers else ''} {numbers}"


def bert_whole(config: BertConfig, parameters: int, lessons: Mapping[str, str], tasks: Sequence[str]) -> Drawing:
    """From text to a task: the encoder, what pretrains it, and what is put on top of it afterwards.

    Args:
        config: the encoder's.
        parameters: how many it has.
        lessons: "pieces", "sum", "layers", "pretraining", and each task -> the lesson about it.
        tasks: names of tasks, each with a small head of its own.
    """
    depth, width = config.num_hidden_layers, config.hidden_size
    told = {name: lessons_named(numbers) for name, numbers in lessons.items()}
    drawing = Drawing(
        f"Text is cut into pieces ({told['pieces']}), embedded ({told['sum']}) and read by {depth} layers "
        f"({told['layers']}). Pretraining ({told['pretraining']}) makes the weights of "
        f"this encoder, {parameters:,} numbers. They are copied, and a small head is put on top, for "
        + listed([f"{task} ({told[task]})" if task in lessons else task for task in tasks])
        + "."
    )
    left, across, right = 14, 236, 310

    def encoder(x: float, heads: Sequence[str], tone: str, bold: str) -> None:
        drawing.text(x + across / 2, 22, bold, bold=True)
        wide = (across - 6 * (len(heads) - 1)) / len(heads)
        for number, head in enumerate(heads):
            drawing.box(x + number * (wide + 6), 42, wide, 56, head, tone, size=SMALL)
            drawing.arrow((x + number * (wide + 6) + wide / 2, 122), (x + number * (wide + 6) + wide / 2, 98))
        drawing.box(x, 122, across, 84, f"{depth} layers\n{width} numbers per token", "blue", heavy=True)
        drawing.arrow((x + across / 2, 236), (x + across / 2, 206))
        drawing.box(x, 236, across, 40, "embedding sum", "blue")
        drawing.arrow((x + across / 2, 304), (x + across / 2, 276))

    encoder(left, ["MLM: guess hidden tokens", "NSP: did B follow A?"], "orange", "pretraining")
    drawing.box(
        left, 304, across, 58, f"text without labels,\ncut into {config.vocab_size:,} pieces", "grey", size=SMALL
    )
    encoder(right, ["one small head"], "green", "fine-tuning")
    drawing.box(right, 304, across, 58, "a few texts with labels", "grey", size=SMALL)
    drawing.arrow((left + across, 164), (right, 164), tone="blue", heavy=True)
    drawing.text((left + across + right) / 2 - 1, 142, "copy", size=SMALL, bold=True)
    drawing.text(280, 392, f"copied: {parameters:,} weights; new: only the head", bold=True)
    rows = [
        ("pieces", lessons["pieces"]),
        ("embedding sum", lessons["sum"]),
        ("layers", lessons["layers"]),
        ("pretraining", lessons["pretraining"]),
        *((task, lessons.get(task, "–")) for task in tasks),
    ]
    half = -(-len(rows) // 2)
    for number, (name, lesson) in enumerate(rows):
        x, y = 14 + 270 * (number // half), 424 + 24 * (number % half)
        drawing.text(
            x, y, f"{name}: {'no lesson' if lesson == '–' else lessons_named(lesson)}", size=SMALL, align="start"
        )
    return drawing


def text_to_vector(tokens: Sequence[str], ids: Sequence[int], states: Sequence[Sequence[float]]) -> Drawing:
    """What becomes of a text: tokens, their ids, a vector each, and the mean of these.

    Args:
        tokens: T of them, [CLS] and [SEP] among them.
        ids: of the tokens.
        states: (T, D) the encoder's last hidden state, as a tensor, an array or lists.

    Raises:
        ValueError: their numbers do not agree.
    """
    states = [[float(value) for value in row] for row in states]
    if not len(tokens) == len(ids) == len(states):
        raise ValueError(f"{len(tokens)} tokens, {len(ids)} ids, {len(states)} vectors: give as many of each")
    wide = len(states[0])
    mean = [sum(row[i] for row in states) / len(states) for i in range(wide)]
    shown = ", ".join(f"{value:.2f}".replace("-", "−") for value in mean[:5])
    drawing = Drawing(
        f"The text is cut into {len(tokens)} tokens: {' '.join(tokens)}. Each has an id. The encoder makes a vector of "
        f"{wide} numbers for each token; their mean is the sentence's vector, which begins {shown}."
    )
    widths, x = token_widths(tokens, drawing.width - 2 * MARGIN, size=SMALL), MARGIN
    for column, (token, number, row, width) in enumerate(zip(tokens, ids, states, widths, strict=True)):
        middle = x + width / 2
        drawing.box(x, 14, width, 30, token, "grey", size=SMALL)
        drawing.arrow((middle, 44), (middle, 62))
        size = SMALL
        drawing.text(middle, 74 + 20 * (column % 2), str(number), size=size)
        drawing.arrow((middle, 108), (middle, 124))
        drawing.arrow((middle, 170), (middle, 186))
        for place, value in enumerate(row[:3]):
            drawing.box(middle - 12, 190 + 20 * place, 24, 20, "", "blue" if value > 0 else "orange", round_=0)
        drawing.line((middle, 252), (middle, 266), dashed=True)
        x += width + 4
    drawing.box(
        MARGIN,
        124,
        drawing.width - 2 * MARGIN,
        46,
        "the encoder: each token looks at all the others",
        "blue",
        heavy=True,
    )
    end = drawing.width - MARGIN
    drawing.bracket(MARGIN, end, 276, "", tone="green")
    drawing.text(drawing.width / 2, 296, f"{len(tokens)} vectors of {wide} numbers (blue: above 0); their mean:")
    drawing.box(MARGIN, 314, drawing.width - 2 * MARGIN, 34, f"{shown}, …", "green")
    return drawing
