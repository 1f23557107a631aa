const machine = {
  start: () => ({ at: 0 }),

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

  answered(data, state, { heads, each, maps, parameters }) {
    if (each !== data.wanted) return null;
    return `${heads} heads of ${each}. The parameters stayed ${thousands(parameters)} and the multiplications stayed as well; only the ` +
      `maps grew, to ${thousands(maps)} weights: more averages, each from a narrower comparison.`;
  },

  build(kit, data) {
    const heads = kit.slider("Heads H", "at", { min: 0, max: data.heads.length - 1, show: (at) => String(data.heads[at]) });
    kit.row(heads.node);
    const strip = kit.add(kit.element("div", { style: "display:flex;gap:2px;height:44px;margin:6px 0", role: "img" }));
    const told = kit.add(kit.text());
    const counts = ["parameters of the four matrices", "multiplications of scores and averages", "weights in the maps"];
    const table = kit.table({ caption: `For ${data.tokens} tokens`, rows: counts, columns: [""] });
    kit.add(table.node);
    return (state, values) => {
      heads.set(state.at);
      strip.setAttribute("aria-label", `${values.heads} blocks of ${values.each} numbers`);
      const tones = ["blue", "orange", "green", "pink"];
      strip.replaceChildren(...Array.from({ length: values.heads }, (_, h) => kit.element("div", {
        style: `flex:1;min-width:2px;background:${kit.TONES[tones[h % 4]][0]};border:1px solid ${kit.TONES[tones[h % 4]][1]};` +
          "display:flex;align-items:center;justify-content:center;overflow:hidden;font-size:13px" }, values.heads <= 16 ? String(h) : "")));
      told.textContent = values.heads === 1 ? `One head compares all ${data.width} numbers of two tokens.`
        : `Head 0 reads columns 0 to ${values.each - 1}, head 1 columns ${values.each} to ${2 * values.each - 1}, and so on.`;
      [values.parameters, values.products, values.maps].forEach((count, i) => table.set(i, 0, { text: kit.thousands(count) }));
    };
  },
};
