// The page: reads what is typed and switched, asks the model's thread, shows the answer. Nothing typed leaves it.

import { bars, drawMap, element, lines } from "./draw.js";

const EXAMPLES = [
  [
    "Shares and cuts (two texts)",
    "The [MASK] said the company would cut [MASK] next year.",
    "Shares fell by three per cent in London.",
  ],
  ["One text about football", "England beat [MASK] in the final of the world [MASK].", ""],
  ["Who did what? (try: positions off)", "The minister attacked the [MASK] in parliament.", ""],
  [
    "Two texts that do not belong together",
    "The film won an award for best [MASK].",
    "The bank raised interest rates by a quarter of a point.",
  ],
  ["Only masks", "[MASK] [MASK] [MASK]", ""],
];
const SWITCHES = ["positionsOff", "maskForgotten", "segmentsSwapped", "wordsShuffled"];
// The diagram, stage by stage: [output of the graph, what it is called]; # is the chosen layer.
const INPUT = [
  ["words", "token"],
  ["positions", "position"],
  ["segments", "segment"],
];
const ATTENTION = [
  ["layer#.query", "query"],
  ["layer#.key", "key"],
  ["layer#.value", "value"],
  ["layer#.context", "heads’ mix"],
  ["layer#.attended", "out of attention"],
];
const FEED = [
  ["layer#.inner", "inner, after GELU"],
  ["layer#.narrow", "out of feed-forward"],
];
const NAMES = new Map([
  ...INPUT,
  ["embeddings", "sum, LayerNorm"],
  ...ATTENTION,
  ["layer#.middle", "+ input, LayerNorm"],
  ...FEED,
  ["layer#.output", "+ input, LayerNorm: the layer’s output"],
  ["mlm.norm", "MLM head ([MASK] only)"],
  ["pooled", "pooler ([CLS] only)"],
]);

const $ = (id) => document.getElementById(`play-${id}`);
const chosen = { layer: 0, head: 0, piece: 0, place: "embeddings" };
const LAYERS = 4;
const HEADS = 4;
let question = ""; // what is answered on the page, as JSON
let answer = null;
let asked = 0; // the number of the last question
let shown = 0; // of the last answer
let seed = 1; // of shuffling
let ready = false;
let stopped = false;
let timer;

const place = () => chosen.place.replace("#", chosen.layer); // as the graph names it

// ------------------------------------------------------------------------------------------------ asking

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
worker.onerror = (event) => stop(event.message || "its thread cannot start");
worker.onmessage = ({ data }) => {
  if (stopped) return undefined;
  if (data.broken) return stop(data.broken);
  if (data.loaded && !ready) return say(`Loading the model: ${(data.loaded / 1e6).toFixed(1)} of about 15 MB …`);
  if (data.ready) {
    ready = true;
    return say("The model is here; the first answer is computed …");
  }
  if (data.number < shown) return undefined;
  shown = data.number;
  $("form").dataset.answered = shown;
  if (data.failed) return say(`No answer: ${data.failed}`, true);
  answer = data.answer;
  say(`Answered in ${Math.round(answer.milliseconds)} ms, on your machine; what you type stays there.`);
  if (data.question === question) return showVector(); // only another vector was asked for
  question = data.question;
  return show();
};

function say(text, broken = false) {
  $("state").textContent = text;
  $("state").classList.toggle("broken", broken);
}

function stop(reason) {
  stopped = true;
  say(`The model could not be loaded: ${reason}. Load the page again; a browser of 2023 or later is needed.`, true);
}

function request() {
  const switches = { seed };
  for (const name of SWITCHES) switches[name] = $("form").elements[name].checked;
  switches.headsOff = [...$("gates").querySelectorAll("input:checked")].map((box) =>
    box.value.split(",").map(Number),
  );
  return { first: $("first").value, second: $("second").value, switches };
}

function ask() {
  clearTimeout(timer);
  $("form").dataset.asked = ++asked;
  const given = request();
  worker.postMessage({ number: asked, question: JSON.stringify(given), request: { ...given, vectors: [place()] } });
}

function askSoon() {
  clearTimeout(timer);
  timer = setTimeout(ask, 200); // after the last key
}

// ------------------------------------------------------------------------------------------------ showing

const count = (number) => number.toLocaleString("en");

/** Sentences about what the reader may not expect. */
function notes({ first, second, switches }) {
  const found = [],
    { leftOut, pieces, pads } = answer,
    [before, after] = answer.sides;
  if (!first.trim() && !second.trim())
    found.push("There is no text yet: the model has read [CLS] and [SEP] alone.");
  else if (!first.trim()) found.push("The first text is empty.");
  if (!before.masks.length && !leftOut) {
    const small = /\[mask\]/i.test(first + second);
    found.push(
      small ? "Write [MASK] in capitals: [mask] is read as letters." : "No [MASK] in the text: nothing to guess.",
    );
  }
  if (leftOut) {
    found.push(
      `The model reads 128 pieces: of ${count(pieces)} the last ${count(leftOut)} were left out (of the longer text, ` +
        "if there are two), with any [MASK] among them.",
    );
  }
  const unknown = before.pieces.filter((piece) => piece === "[UNK]").length;
  if (unknown) {
    found.push(
      `[UNK], ${unknown} times: a word with a character that the vocabulary does not have, or of more than 100.`,
    );
  }
  if (switches.maskForgotten && !pads) {
    found.push("The text fills all 128 places: there is no room for [PAD], and no mask to forget.");
  } else if (switches.maskForgotten && pads < 16) {
    found.push(`There is room for ${pads} [PAD] only.`);
  }
  if (switches.segmentsSwapped && !second.trim()) {
    found.push("One text alone: all of it moves from segment A to segment B.");
  }
  if (switches.wordsShuffled && after.order.every((from, to) => from === to)) {
    found.push("The shuffled words stand as before: shuffle again, or type more words.");
  }
  return found;
}

/** One box a side, with a heading where there are two. */
function sides(id, fill, wide = false) {
  const box = $(id),
    two = answer.sides.length > 1;
  box.classList.toggle("two", two);
  box.classList.toggle("wide", wide);
  const titles = ["Before", "After"];
  box.replaceChildren(
    ...answer.sides.map((side, number) => {
      const made = element("div", { class: "play-side" });
      if (two) made.append(element("h4", {}, titles[number]));
      made.append(...fill(side, two ? titles[number].toLowerCase() : ""));
      return made;
    }),
  );
}

const percent = (share) => (share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`);
const number = (value) => value.toFixed(Math.abs(value) < 10 ? 3 : 1).replace("-", "−");

function bestOf(side) {
  if (!side.best.length) return ["No [MASK]."];
  const tables = side.best.map((list, which) =>
    element(
      "table",
      {},
      element("caption", {}, `[MASK] ${which + 1}, place ${side.masks[which]}`),
      element(
        "tbody",
        {},
        ...list.map(({ piece, share }) =>
          element(
            "tr",
            {},
            element("td", { class: "piece", style: `--share: ${(100 * share).toFixed(1)}%` }, piece),
            element("td", { class: "share" }, percent(share)),
          ),
        ),
      ),
    ),
  );
  const scrolled = { class: "play-scroll", tabindex: 0, role: "group", "aria-label": "Best pieces" };
  return [element("div", scrolled, element("div", { class: "play-masks-list" }, ...tables))];
}

function nspOf(side) {
  const share = side.isNext,
    width = `width: ${(100 * share).toFixed(1)}%`;
  return [
    element("p", {}, `IsNext ${percent(share)}, NotNext ${percent(1 - share)}`),
    element("div", { class: "play-meter", "aria-hidden": "true" }, element("div", { style: width })),
  ];
}

const T = (side) => side.ids.length;
/** Where the chosen piece stands on a side: words may have been shuffled. */
const placeOf = (side) => side.order.indexOf(Math.min(chosen.piece, T(side) - 1));
const weightsOf = (side, layer, head) =>
  side.outputs[`layer${layer}.weights`].subarray(head * T(side) ** 2, (head + 1) * T(side) ** 2);

function allHeads(side, title) {
  const grid = element("div", { class: "play-heads", role: "group", "aria-label": `All heads ${title}`.trim() });
  for (let layer = 0; layer < LAYERS; layer++) {
    for (let head = 0; head < HEADS; head++) {
      const canvas = element("canvas", { "data-size": 88 });
      drawMap(canvas, weightsOf(side, layer, head), T(side), -1);
      const pressed = layer === chosen.layer && head === chosen.head;
      grid.append(
        element(
          "button",
          {
            type: "button",
            "aria-pressed": String(pressed),
            "aria-label": `Layer ${layer}, head ${head}`,
            "data-head": `${layer},${head}`,
            click: () => {
              Object.assign(chosen, { layer, head });
              showChosen();
            },
          },
          canvas,
          element("span", {}, `${layer}·${head}`),
        ),
      );
    }
  }
  return [grid];
}

/** A group of which one is chosen: arrow keys move, one stop of the Tab key. */
function radios(box) {
  const list = [...box.querySelectorAll("[role=radio]")];
  list.forEach((button, at) => {
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = list[(at + step + list.length) % list.length];
      next.click();
      next.focus();
    });
  });
}

function radio(text, checked, choose, more = {}) {
  return element(
    "button",
    {
      type: "button",
      role: "radio",
      "aria-checked": String(checked),
      tabindex: checked ? 0 : -1,
      click: choose,
      ...more,
    },
    text,
  );
}

function mark(box, button) {
  for (const each of box.querySelectorAll("[role=radio]")) {
    each.setAttribute("aria-checked", String(each === button));
    each.tabIndex = each === button ? 0 : -1;
  }
}

function showPieces() {
  const [before] = answer.sides,
    box = $("pieces");
  box.replaceChildren(
    ...before.pieces.map((piece, place) => {
      const button = radio(
        piece,
        place === chosen.piece,
        () => {
          chosen.piece = place;
          mark(box, button);
          showChosen();
        },
        {
          class: before.segments[place] ? "second" : "",
          title: `place ${place}, segment ${"AB"[before.segments[place]]}`,
        },
      );
      return button;
    }),
  );
  radios(box);
}

function showHead() {
  const { layer, head } = chosen;
  $("head-name").textContent = `Layer ${layer}, head ${head}`;
  for (const button of $("all-heads").querySelectorAll("button"))
    button.setAttribute("aria-pressed", String(button.dataset.head === `${layer},${head}`));
  sides(
    "head",
    (side) => {
      const weights = weightsOf(side, layer, head),
        place = placeOf(side),
        length = T(side);
      const row = [...weights.subarray(place * length, (place + 1) * length)];
      const most = row
        .map((weight, to) => [weight, to])
        .sort((a, b) => b[0] - a[0])
        .slice(0, 3);
      const strongest = most.map(([weight, to]) => `“${side.pieces[to]}” ${weight.toFixed(2)}`).join(", ");
      const told = `“${side.pieces[place]}” (place ${place}) looks most at ${strongest}.`;
      const reading = element("p", { class: "play-reading" }, told);
      const map = element("canvas", {
        class: "map",
        role: "img",
        "data-size": 384,
        "aria-label": `Map of layer ${layer}, head ${head}: ${told}`,
      });
      drawMap(map, weights, length, place);
      const under = (event) => {
        const box = map.getBoundingClientRect();
        const at = (offset, size) => Math.min(length - 1, Math.max(0, Math.floor((offset / size) * length)));
        return [at(event.clientY - box.top, box.height), at(event.clientX - box.left, box.width)];
      };
      map.addEventListener("mousemove", (event) => {
        const [from, to] = under(event);
        const named = (at) => `“${side.pieces[at]}” (place ${at})`;
        reading.textContent = `${named(from)} looks at ${named(to)}: ${weights[from * length + to].toFixed(3)}`;
      });
      map.addEventListener("mouseleave", () => {
        reading.textContent = told;
      });
      const picture = lines(side.pieces, weights, place, `Lines of layer ${layer}, head ${head}: ${told}`);
      const scroll = element(
        "div",
        { class: "play-scroll", tabindex: 0, role: "group", "aria-label": "Lines from piece to piece" },
        picture,
      );
      return [reading, element("div", { class: "play-pictures" }, map, scroll)];
    },
    true,
  );
}

function showDiagram() {
  const box = $("diagram");
  const at = ([name, text]) => {
    const button = radio(text, name === chosen.place, () => {
      chosen.place = name;
      mark(box, button);
      showVector();
    });
    return button;
  };
  const stage = (title, ...children) =>
    element("div", { class: "play-stage" }, ...(title ? [element("b", {}, title)] : []), ...children);
  const named = (name) => at([name, NAMES.get(name)]);
  const sign = (text) => element("span", { "aria-hidden": "true" }, text);
  const [words, positions, segments] = INPUT.map(at),
    [query, key, value, context, attended] = ATTENTION.map(at),
    [inner, narrow] = FEED.map(at);
  box.replaceChildren(
    stage("Input", words, sign("+"), positions, sign("+"), segments, sign("→"), named("embeddings")),
    element(
      "div",
      { class: "play-path" },
      stage(
        `Layer ${chosen.layer}, attention`,
        query,
        sign("·"),
        key,
        sign("→ weights, times"),
        value,
        sign("→"),
        context,
        sign("→"),
        attended,
      ),
      stage("", sign("→"), named("layer#.middle")),
    ),
    element(
      "div",
      { class: "play-path" },
      stage(`Layer ${chosen.layer}, feed-forward`, inner, sign("→"), narrow),
      stage("", sign("→"), named("layer#.output")),
    ),
    stage("Heads", named("mlm.norm"), named("pooled")),
  );
  radios(box);
}

/** The chosen place's vector of the chosen piece on a side; null where there is none. */
function vectorOf(side) {
  const values = side.outputs[place()],
    from = placeOf(side);
  let rows = T(side),
    row = from;
  if (chosen.place === "pooled") [rows, row] = [1, from === 0 ? 0 : -1];
  if (chosen.place === "mlm.norm") [rows, row] = [Math.max(1, side.masks.length), side.masks.indexOf(from)];
  if (row < 0) return null;
  const D = values.length / rows;
  return values.subarray(row * D, (row + 1) * D);
}

const length = (vector) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));

function showVector() {
  if (!answer.sides[0].outputs[place()]) return ask(); // it comes at once
  const all = answer.sides.map(vectorOf),
    [before, after] = all;
  const limit =
    Math.max(
      ...all.map((vector) => (vector ? vector.reduce((high, value) => Math.max(high, Math.abs(value)), 0) : 0)),
    ) || 1;
  const piece = answer.sides[0].pieces[Math.min(chosen.piece, T(answer.sides[0]) - 1)];
  const where = /#/.test(chosen.place) ? `layer ${chosen.layer}, ` : "";
  let cosine = "";
  if (before && after) {
    const lengths = length(before) * length(after);
    cosine = lengths
      ? `; cosine of before and after ${number(before.reduce((sum, value, i) => sum + value * after[i], 0) / lengths)}`
      : "; one of the two is 0 throughout";
  }
  $("vector-name").textContent = `“${piece}”: ${where}${NAMES.get(chosen.place)}${cosine}`;
  return sides(
    "vector",
    (side) => {
      const vector = vectorOf(side);
      if (!vector)
        return [
          element(
            "p",
            {},
            chosen.place === "pooled"
              ? "The pooler reads [CLS] alone: choose that piece above."
              : "The MLM head is computed for [MASK] alone: choose one above.",
          ),
        ];
      const first = [...vector.subarray(0, 4)].map(number).join(", ");
      const told = `${vector.length} numbers, length ${number(length(vector))}, the first ${first} …`;
      return [
        bars(vector, limit, `Bars from ${number(-limit)} to ${number(limit)}: ${told}`),
        element("p", {}, `${told} The picture reaches from ${number(-limit)} to ${number(limit)}.`),
      ];
    },
    true,
  );
}

function showChosen() {
  showHead();
  showDiagram();
  showVector();
}

function show() {
  const [before] = answer.sides;
  chosen.piece = Math.min(chosen.piece, T(before) - 1);
  $("results").hidden = false;
  $("notes").replaceChildren(...notes(JSON.parse(question)).map((text) => element("li", {}, text)));
  sides("masks", bestOf);
  sides("nsp", before.segments.includes(1) ? nspOf : () => ["Needs a second text."]);
  sides("all-heads", allHeads);
  showPieces();
  showChosen();
}

// ------------------------------------------------------------------------------------------------ the form

$("examples").append(
  element("option", { value: "" }, "choose one"),
  ...EXAMPLES.map(([name], at) => element("option", { value: at }, name)),
);
$("examples").addEventListener("change", ({ target }) => {
  if (!target.value) return;
  [, $("first").value, $("second").value] = EXAMPLES[target.value];
  ask();
});
for (let layer = 0; layer < LAYERS; layer++) {
  $("gates").append(element("span", {}, `Layer ${layer}`));
  for (let head = 0; head < HEADS; head++) {
    const box = element("input", {
      type: "checkbox",
      value: `${layer},${head}`,
      "aria-label": `Layer ${layer}, head ${head} off`,
    });
    $("gates").append(element("label", {}, box, ` ${head}`));
  }
}
$("mask").addEventListener("click", () => {
  const text = $("first");
  text.setRangeText("[MASK]", text.selectionStart, text.selectionEnd, "end");
  text.focus();
  ask();
});
$("again").addEventListener("click", () => {
  seed++;
  ask();
});
$("form").addEventListener("submit", (event) => event.preventDefault());
$("form").addEventListener("input", ({ target }) => {
  $("again").hidden = !$("form").elements.wordsShuffled.checked;
  if (target.tagName === "TEXTAREA") askSoon();
  else if (target !== $("examples")) ask();
});

// Pictures are drawn in the theme's colours, and again when the reader changes that.
const redraw = () => answer && show();
new MutationObserver(redraw).observe(document.body, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
ask();
