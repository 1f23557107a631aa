const machine = {
  start: () => ({ at: 0, marked: [false, false, false] }), // of the three counts: said to depend on the heads

  compute(data, { at }) {
    const heads = data.heads[at], each = data.width / heads;
    return {
      heads,
      each,
      head: Array.from({ length: data.width }, (_, column) => Math.floor(column / each)),
      parameters: 4 * (data.width * data.width + data.width), // query, key, value, output; each with a bias
      products: 2 * data.tokens * data.tokens * each * heads, // scores, and the average of the values
      maps: heads * data.tokens * data.tokens,
    };
  },

  counts: ({ parameters, products, maps }) => [parameters, products, maps],

  /** Whether the marks are right: which counts differ between the first number of heads and any other. */
  right(data, { marked }) {
    const all = data.heads.map((_, at) => machine.counts(machine.compute(data, { at })));
    return marked.every((mark, i) => mark === all.some((counts) => counts[i] !== all[0][i]));
  },

  answered(data, state, { heads, each, maps, parameters }) {
    if (each !== data.wanted || !machine.right(data, state)) return null;
    return `${heads} heads of ${each}. The parameters stayed ${thousands(parameters)} and the multiplications stayed as well; only the ` +
      `maps grew, to ${thousands(maps)} weights: more averages, each from a narrower comparison.`;
  },

  hint(data, state, { heads, each }) {
    if (machine.right(data, state)) return `The marks are right. A head compares ${each} numbers here: find where it compares ${data.wanted}.`;
    if (each !== data.wanted) return null;
    return state.marked.some(Boolean) ? `${heads} heads fit, the marks do not: move H, and watch the three counts.`
      : `${heads} heads fit. Now mark the counts that depend on H.`;
  },

  build(kit, data) {
    const heads = kit.slider("Heads H", "at", { min: 0, max: data.heads.length - 1, show: (at) => String(data.heads[at]) });
    kit.row(heads.node);
    const strip = kit.add(kit.element("div", { style: "display:flex;gap:2px;height:44px;margin:6px 0", role: "img" }));
    const told = kit.add(kit.text());
    const names = ["parameters of the four matrices and their biases", "multiplications of scores and averages", "weights in the maps"];
    const counts = names.map(() => kit.element("td"));
    const marks = names.map((name, i) => kit.element("button", { type: "button", class: "key", "aria-label": `${name}: depends on H`,
      click: () => kit.set((state) => ({ marked: state.marked.map((one, j) => (j === i ? !one : one)) })) }, "depends on H"));
    kit.add(kit.element("div", { class: "scroll" }, kit.element("table", {}, kit.element("caption", {}, `For ${data.tokens} tokens`),
      kit.element("tbody", {}, ...names.map((name, i) => kit.element("tr", {}, kit.element("th", { scope: "row" }, name), counts[i],
        kit.element("td", {}, marks[i])))))));
    return (state, values) => {
      heads.set(state.at);
      strip.setAttribute("aria-label", `${values.heads} blocks of ${values.each} numbers`);
      const tones = ["blue", "orange", "green", "pink"];
      strip.replaceChildren(...Array.from({ length: values.heads }, (_, h) => kit.element("div", {
        style: `flex:1;min-width:2px;background:${kit.TONES[tones[h % 4]][0]};border:1px solid ${kit.TONES[tones[h % 4]][1]};` +
          "display:flex;align-items:center;justify-content:center;overflow:hidden;font-size:13px" }, values.heads <= 6 ? `head ${h}` : values.heads <= 16 ? String(h) : "")));
      told.textContent = values.heads === 1 ? `One head compares all ${data.width} numbers of two tokens.`
        : `Head 0 reads columns 0 to ${values.each - 1} (${values.each} numbers), head 1 columns ${values.each} to ${2 * values.each - 1}${values.heads > 2 ? ", and so on" : ""}.`;
      machine.counts(values).forEach((count, i) => { counts[i].textContent = kit.thousands(count); });
      marks.forEach((mark, i) => {
        mark.setAttribute("aria-pressed", String(state.marked[i]));
        mark.style.background = kit.TONES[state.marked[i] ? "blue" : "grey"][0];
      });
    };
  },
};
