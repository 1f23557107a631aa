const machine = {
  start: (data) => ({ size: data.start, together: 0, all: false }),

  compute(data, { size, together, all }) {
    const batch = data.sizes[size], pool = data.pools[together] ? batch * data.pools[together] : data.lengths.length;
    const batches = [];
    for (let from = 0; from < data.lengths.length; from += pool) {
      const lengths = data.lengths.slice(from, from + pool).sort((a, b) => a - b);
      for (let at = 0; at < lengths.length; at += batch) batches.push(lengths.slice(at, at + batch));
    }
    const longest = batches.map((lengths) => (all ? data.longest : Math.max(...lengths)));
    const slots = batches.reduce((sum, lengths, i) => sum + lengths.length * longest[i], 0);
    const tokens = data.lengths.reduce((a, b) => a + b, 0);
    return { batches, longest, slots, padding: 1 - tokens / slots };
  },

  answered(data, state, { padding }) {
    if (state.all || state.size !== data.sizes.length - 1 || padding >= data.padded) return null;
    const share = (change) => machine.compute(data, { ...state, ...change }).padding;
    const fewer = share({ together: state.together - 1 });
    if (fewer < data.padded) return null;
    const pools = data.pools[state.together], batch = data.sizes[state.size], rows = data.lengths.length;
    if (!pools) return `All ${thousands(rows)} rows have to be sorted: ${percent(padding, 1)}.`;
    const eight = share({ size: data.sizes.indexOf(8) });
    return `${pools} batches of ${batch} sorted together, ${pools * batch} rows: ${percent(padding, 1)}, with half as many still ` +
      `${percent(fewer, 1)}. ` + (Math.abs(padding - eight) < Math.abs(padding - fewer)
        ? `Batches of 8, also ${pools} at a time, have ${percent(eight, 1)}: into how many batches sorted rows are cut matters more than ` +
          "how many rows a batch has. " : "") +
      `Nobody has to sort all ${thousands(rows)} rows for it.`;
  },

  build(kit, data) {
    const size = kit.slider("Rows in a batch", "size", { min: 0, max: data.sizes.length - 1, show: (at) => String(data.sizes[at]) });
    const together = kit.slider("Batches sorted together", "together", { min: 0, max: data.pools.length - 1,
      show: (at) => (data.pools[at] === 1 ? "1: random order" : String(data.pools[at] || "all")) });
    const all = kit.toggle(`Pad all to ${data.longest}`, "all");
    kit.row(size.node, together.node);
    kit.row(all.node);
    const bars = kit.bars({ names: ["padding"], tones: ["orange"], most: 0.3 });
    kit.add(bars.node);
    const told = kit.add(kit.text());
    const rows = 128, high = 2.5, wide = 560, svg = kit.add(kit.element("svg", { role: "img" }));
    return (state, values) => {
      size.set(state.size), together.set(state.together), all.set(state.all);
      bars.set([values.padding], [kit.percent(values.padding, 1)]);
      const batch = data.sizes[state.size], count = Math.max(1, Math.min(values.batches.length, rows / batch));
      let y = 0, tokens = "", padding = "";
      for (let i = 0; i < count; i++) {
        const at = Math.floor(((i + 0.5) * values.batches.length) / count), end = (values.longest[at] / data.longest) * wide;
        const inOrder = data.pools[state.together] === 1; // as they come, where nothing is sorted
        for (const length of inOrder ? data.lengths.slice(at * batch, (at + 1) * batch) : values.batches[at]) {
          const x = ((length / data.longest) * wide).toFixed(1);
          tokens += `M0 ${y}H${x}v${high}H0z`;
          padding += `M${x} ${y}H${end.toFixed(1)}v${high}H${x}z`;
          y += high;
        }
        y += batch > 1 ? 4 : 0;
      }
      svg.setAttribute("viewBox", `0 0 ${wide} ${y}`);
      svg.setAttribute("aria-label", `${count} of the batches as lines of tokens and padding`);
      svg.replaceChildren(kit.element("path", { d: tokens, fill: kit.TONES.blue[1] }), kit.element("path", { d: padding, fill: "#d5a68a" }));
      told.textContent = `${kit.thousands(data.lengths.length)} rows in ${kit.thousands(values.batches.length)} batches, ` +
        `${kit.thousands(values.slots)} slots. Below: ${count === 1 ? "one batch" : `${count} batches, from first to last`}; ` +
        "a line is a row, blue its tokens, brown its padding.";
    };
  },
};
