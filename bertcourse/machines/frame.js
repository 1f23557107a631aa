// What machines are built from. Everything that can be moved is a button, a slider, a field or a list of the browser's own:
// keyboards and screen readers know them.

const TONES = {
  plain: ["#ffffff", "#7b8794"], grey: ["#e9edf1", "#7b8794"], blue: ["#cfe5f5", "#0072b2"], orange: ["#fbdcc5", "#c04e00"],
  green: ["#cdeadd", "#00805d"], pink: ["#f3d9e8", "#b0568f"], yellow: ["#fbeab5", "#8a6508"],
};

/** An element with attributes and children; an attribute that is a function is a listener. */
function element(tag, attributes = {}, ...children) {
  const space = ["svg", "line", "rect", "circle", "polyline", "polygon", "text", "g", "path"].includes(tag);
  const made = space ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** A number with so many decimals; a proper minus sign. */
const decimals = (value, places = 2) =>
  (Number(value.toFixed(places)) === 0 ? (0).toFixed(places) : value.toFixed(places)).replace("-", "−");
/** 1234567 as 1,234,567. */
const thousands = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
const percent = (share, places = 0) => decimals(100 * share, places) + " %";

/** White for 0, the full blue for 1, and letters that can be read on it. */
function shade(share, tone = "blue") {
  const at = Math.min(1, Math.max(0, share)), full = TONES[tone][1];
  const mixed = [1, 3, 5].map((i) => Math.round(255 + at * (parseInt(full.slice(i, i + 2), 16) - 255)));
  const light = mixed.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  const bright = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2];
  return { background: `rgb(${mixed})`, color: 1.05 / (bright + 0.05) > (bright + 0.05) / 0.05 ? "#fff" : "#000" };
}

/** Random numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
function generator(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Parts that follow the state: each comes with a `set` where it shows something, and calls `set` where it moves something. */
function kitFor(stage, set, say) {
  const kit = { element, decimals, thousands, percent, shade, generator, TONES, set };
  kit.add = (...nodes) => (stage.append(...nodes), nodes[0]);
  kit.row = (...nodes) => kit.add(element("div", { class: "row" }, ...nodes));
  kit.text = (words = "", attributes = {}) => element("p", attributes, words);
  /** Tells a screen reader what a movement has led to, half a second after the last one. */
  kit.tell = (words) => say(words);

  /** Moves state[key] from min to max; show(value) says it in words. */
  kit.slider = (words, key, { min, max, step = 1, show = String }) => {
    const input = element("input", { type: "range", min, max, step, input: () => set({ [key]: Number(input.value) }) });
    const shown = element("output");
    return {
      node: element("label", {}, words, input, shown),
      set(value) {
        if (Number(input.value) !== value) input.value = value;
        input.setAttribute("aria-valuetext", (shown.textContent = show(value)));
      },
    };
  };
  /** A list of [value, words], or of values, to choose state[key] from. */
  kit.choice = (words, key, options) => {
    const pairs = options.map((option) => (Array.isArray(option) ? option : [option, String(option)]));
    const list = element("select", { change: () => set({ [key]: pairs[list.selectedIndex][0] }) },
      ...pairs.map(([, name]) => element("option", {}, name)));
    return { node: element("label", {}, words, list),
      set: (value) => { list.selectedIndex = pairs.findIndex(([one]) => one === value); } };
  };
  /** A field for state[key], a text. */
  kit.field = (words, key, { rows = 1, ...attributes } = {}) => {
    const input = element(rows > 1 ? "textarea" : "input", { ...(rows > 1 ? { rows } : { type: "text" }),
      spellcheck: "false", autocomplete: "off", ...attributes, input: () => set({ [key]: input.value }) });
    return { node: element("label", rows > 1 ? { style: "display:block" } : {}, words, input),
      set: (value) => { if (input.value !== value) input.value = value; } };
  };
  /** A button that does something. Its set(words, enabled) is optional. */
  kit.button = (words, act) => {
    const node = element("button", { type: "button", click: act }, words);
    return { node, set(words, enabled = true) { if (words != null) node.textContent = words; node.disabled = !enabled; } };
  };
  /** A button that is in or out: state[key] is true or false. */
  kit.toggle = (words, key) => {
    const node = element("button", { type: "button", "aria-pressed": "false",
      click: () => set((state) => ({ [key]: !state[key] })) }, words);
    return { node, set: (value) => node.setAttribute("aria-pressed", String(Boolean(value))) };
  };
  /** A table; set(i, j, {text, fill: share or [background, colour], pressed, disabled}). With click(i, j), cells are buttons. */
  kit.table = ({ caption, rows, columns, click, name = (i, j) => `${rows[i]}, ${columns[j]}` }) => {
    const cells = rows.map((_, i) => columns.map((_, j) => {
      const inner = click ? element("button", { type: "button", "aria-label": name(i, j), click: () => click(i, j) }) : null;
      return { cell: element("td", {}, ...(inner ? [inner] : [])), inner };
    }));
    const body = rows.map((words, i) => element("tr", {}, element("th", { scope: "row" }, words), ...cells[i].map((c) => c.cell)));
    const head = columns.some((words) => words !== "")
      ? [element("thead", {}, element("tr", {}, element("th"), ...columns.map((words) => element("th", { scope: "col" }, words))))] : [];
    const node = element("div", { class: "scroll" },
      element("table", {}, element("caption", {}, caption), ...head, element("tbody", {}, ...body)));
    return { node, set(i, j, { text, fill, pressed, disabled }) {
      const { cell, inner } = cells[i][j];
      (inner ?? cell).textContent = text;
      if (fill != null) {
        const { background, color } = Array.isArray(fill) ? { background: fill[0], color: fill[1] } : shade(fill);
        cell.style.background = background;
        (inner ?? cell).style.color = color;
      }
      if (inner) {
        inner.setAttribute("aria-label", `${name(i, j)}: ${text}`);
        if (pressed != null) inner.setAttribute("aria-pressed", String(pressed));
        inner.disabled = Boolean(disabled);
      }
    } };
  };
  /** Bars from 0 to `most`; set(shares, texts). */
  kit.bars = ({ names, most = 1, tones = [] }) => {
    const parts = names.map((words, i) => {
      const fill = element("div", { class: "fill", style: `background:${TONES[tones[i] ?? "blue"][1]}` });
      const name = element("span", { class: "name" }, words), value = element("span", { class: "value" });
      return { name, fill, value, track: element("div", { class: "track", "aria-hidden": "true" }, fill) };
    });
    const node = element("div", { class: "bars" }, ...parts.flatMap((part) => [part.name, part.value, part.track]));
    return { node, set(values, texts) {
      parts.forEach(({ fill, value }, i) => {
        fill.style.width = `${Math.min(100, Math.max(0, (100 * values[i]) / most))}%`;
        value.textContent = texts[i];
      });
    } };
  };
  /** Boxes with a word in each and, if there is one, a small word below; set([{text, small, tone}]). */
  kit.chips = (words) => {
    const node = element("div", { class: "chips", role: "group", "aria-label": words });
    return { node, set: (parts) => node.replaceChildren(...parts.map(({ text, small, tone = "plain" }) =>
      element("span", { class: "chip mono", style: `background:${TONES[tone][0]};border-color:${TONES[tone][1]}` }, text,
        ...(small != null ? [element("small", {}, small)] : [])))) };
  };
  /** Curves; set([{points: [[x, y], …], tone, dashed, dots, words}], {words: of the picture}). Axes are fixed. */
  kit.plot = ({ x, y, xLabel, yLabel, height = 260, xTicks, yTicks, show = String }) => {
    const width = 560, left = 58, right = 18, top = 12, bottom = 46;
    const X = (v) => left + ((v - x[0]) / (x[1] - x[0])) * (width - left - right);
    const Y = (v) => height - bottom - ((v - y[0]) / (y[1] - y[0])) * (height - top - bottom);
    const curves = element("g"), axis = { stroke: "#7b8794" };
    const yMarks = yTicks.map((v) => element("text", { x: left - 6, y: Y(v) + 5, "text-anchor": "end" }, show(v)));
    const node = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" },
      element("line", { x1: left, x2: width - right, y1: Y(y[0]), y2: Y(y[0]), ...axis }),
      element("line", { x1: left, x2: left, y1: top, y2: Y(y[0]), ...axis }),
      ...xTicks.map((v) => element("text", { x: X(v), y: height - bottom + 18, "text-anchor": "middle" }, show(v))),
      ...yMarks,
      element("text", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, xLabel),
      element("text", { x: 14, y: (top + height - bottom) / 2, "text-anchor": "middle",
        transform: `rotate(-90 14 ${(top + height - bottom) / 2})` }, yLabel), curves);
    return { node, X, Y, curves, yMarks, set(series, words) {
      node.setAttribute("aria-label", words);
      curves.replaceChildren(...series.flatMap(({ points, tone = "blue", dashed, dots }) => [
        element("polyline", { points: points.map(([a, b]) => `${X(a).toFixed(1)},${Y(b).toFixed(1)}`).join(" "), fill: "none",
          stroke: TONES[tone][1], "stroke-width": 2.2, ...(dashed ? { "stroke-dasharray": "5 4" } : {}) }),
        ...(dots ? points.map(([a, b]) => element("circle", { cx: X(a), cy: Y(b), r: 4.5, fill: TONES[tone][1] })) : [])]));
    } };
  };
  return kit;
}

/** Puts the machine in the place of its picture, wherever this output stands in the page.
 *
 * machine.start(data) gives the first state, machine.compute(data, state) all that is shown of it, and is the arithmetic that
 * is tested; machine.answered(data, state, values) is a sentence in a state that answers the question, else nothing;
 * machine.hint(data, state, values), which it need not have, is a sentence on a state that only nearly does, and
 * machine.after(data, state, values), which it need not have either, one on a state that was moved to with the answer found;
 * machine.build(kit, data) makes the parts and gives a function of (state, values) that brings them up to date.
 */
function mount(mark, css, told, data, machine) {
  for (const host of document.querySelectorAll(`[data-machine="${mark}"]`)) {
    if (host.machine) continue;
    host.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab would take letters typed here for its own commands
    const root = host.attachShadow({ mode: "open" }), stage = element("div");
    const answer = element("p", { class: "answer", role: "status" }), live = element("div", { class: "live", "aria-live": "polite" });
    const write = (node, words) => { if (node.textContent !== words) node.textContent = words; }; // else it is read out again
    let moved = false, later;
    const say = (words) => {
      clearTimeout(later);
      if (moved) later = setTimeout(() => write(live, words), 500);
    };
    let state = machine.start(data), update = () => {}, done = null;
    const bring = () => {
      const values = machine.compute(data, state);
      update(state, values);
      const now = machine.answered(data, state, values) || null, hint = machine.hint?.(data, state, values);
      const after = now || !done ? null : machine.after?.(data, state, values);
      done = now ?? done;
      write(answer, now ? `✓ ${done}` : done ? `✓ ${done} ${after || "(You have moved on since.)"}`
        : `Not answered yet.${hint ? ` ${hint}` : ""}`);
      answer.classList.toggle("done", Boolean(now || after));
    };
    const set = (change) => {
      moved = true;
      state = { ...state, ...(typeof change === "function" ? change(state) : change) };
      bring();
    };
    const again = element("button", { type: "button", click: () => { done = null; set(machine.start(data)); } }, "Start again");
    root.append(element("style", {}, css), element("section", { class: "machine", "aria-label": `Machine: ${told.title}` },
      element("h4", {}, told.title), element("p", {}, told.question), stage, answer, live, element("div", { class: "end" }, again)));
    update = machine.build(kitFor(stage, set, say), data);
    bring();
    host.machine = { start: () => machine.start(data), compute: (one) => machine.compute(data, one), set, state: () => state };
  }
}
