const machine = {
  start: (data) => ({ length: data.length, width: data.width, layers: data.layers, batch: 1 }),

  compute(data, { length, width, layers, batch }) {
    const tokens = batch * length, inner = data.times * width;
    const parts = {
      projections: layers * 8 * tokens * width * width, // query, key, value, output
      attention: layers * 4 * tokens * length * width, // scores, and the weighted sum
      "feed-forward": layers * 4 * tokens * width * inner,
    };
    const total = parts.projections + parts.attention + parts["feed-forward"];
    return { parts, total, share: parts.attention / total, half: 2 * width + inner };
  },

  answered(data, state, { share, half }) {
    const wider = machine.compute(data, { ...state, length: data.positions, width: state.width + data.sliders.step });
    if (share < 0.5 || wider.share >= 0.5) return null;
    const { width, times } = data.base;
    return `D = ${state.width}, T = ${state.length}: ${percent(share, 1)}. Attention costs 4·T·D a token and layer, all else ` +
      `${8 + 4 * data.times}·D²: half is at T = ${2 + data.times}·D, here ${thousands(half)}, whatever the layers and the batch. This ` +
      `model's D = ${data.width} would need ${thousands((2 + data.times) * data.width)} tokens, and BERT-base's D = ${width} needs ` +
      `${thousands((2 + times) * width)}: within their positions most operations are products with weights.`;
  },

  build(kit, data) {
    const { step, widest, deepest, batch: most, lengths } = data.sliders;
    const length = kit.slider("Tokens T", "length", { min: lengths, max: data.positions, step: lengths });
    const width = kit.slider("Width D", "width", { min: step, max: widest, step });
    const layers = kit.slider("Layers", "layers", { min: 1, max: deepest });
    const batch = kit.slider("Rows in the batch", "batch", { min: 1, max: most });
    kit.row(length.node, width.node, layers.node, batch.node);
    const names = ["projections", "attention", "feed-forward"];
    const bars = kit.bars({ names, tones: ["blue", "orange", "green"] });
    kit.add(bars.node);
    const told = kit.add(kit.text());
    return (state, values) => {
      length.set(state.length), width.set(state.width), layers.set(state.layers), batch.set(state.batch);
      const shares = names.map((name) => values.parts[name] / values.total);
      bars.set(shares, shares.map((share) => kit.percent(share, 1)));
      told.textContent = `A forward pass through the layers: ${kit.decimals(values.total / 1e9, values.total < 1e10 ? 3 : 0)} billion operations.`;
    };
  },
};
