const machine = {
  start: (data) => ({ ...data.base }),

  compute(data, state) {
    const sizes = (places) => Object.fromEntries(Object.keys(data.choices).map((key) => [key, data.choices[key][places[key]]]));
    const count = ({ layers, width, vocabulary, inner }) => ({
      "tables": (vocabulary + data.positions + data.segments) * width,
      "tables' LayerNorm": 2 * width,
      "attention": layers * 4 * (width * width + width),
      "feed-forward": layers * (width * inner + inner + inner * width + width),
      "layers' LayerNorms": layers * 4 * width,
      "pooler": width * width + width,
    });
    const sum = (parts) => Object.values(parts).reduce((a, b) => a + b, 0);
    const parts = count(sizes(state));
    // what is left with only this one moved, as low as it goes
    const alone = Object.fromEntries(Object.keys(data.choices).map((key) => [key, sum(count(sizes({ ...data.base, [key]: 0 })))]));
    return { sizes: sizes(state), parts, total: sum(parts), alone };
  },

  answered(data, state, { sizes, total, alone }) {
    const moved = Object.keys(data.base).filter((key) => state[key] !== data.base[key]);
    if (moved.length !== 1 || total >= data.goal) return null;
    const millions = (count) => `${decimals(count / 1e6, 1)} million`;
    return `The width: with D = ${sizes.width} alone it has ${thousands(total)}. A single layer leaves ${millions(alone.layers)}, an inner width of ` +
      `${data.choices.inner[0]} leaves ${millions(alone.inner)}, a vocabulary of ${thousands(data.choices.vocabulary[0])} leaves ${millions(alone.vocabulary)}: whole ` +
      "parts stay as they were. Only D stands in every line of the count, in attention and pooler even squared.";
  },

  hint(data, state, { total }) {
    const moved = Object.keys(data.base).filter((key) => state[key] !== data.base[key]);
    return total < data.goal && moved.length > 1 ? `Below it, but with ${moved.length} sliders moved: put back all but one.` : null;
  },

  build(kit, data) {
    const names = { layers: "Layers L", width: "Width D", vocabulary: "Vocabulary V", inner: "Inner width I" };
    const sliders = Object.entries(names).map(([key, words]) => [key, kit.slider(words, key, { min: 0, max: data.choices[key].length - 1,
      show: (place) => kit.thousands(data.choices[key][place]) + (place === data.base[key] ? "" : `, was ${kit.thousands(data.choices[key][data.base[key]])}`) })]);
    kit.row(...sliders.slice(0, 2).map(([, slider]) => slider.node));
    kit.row(...sliders.slice(2).map(([, slider]) => slider.node));
    const total = kit.add(kit.text());
    const first = machine.compute(data, data.base), parts = Object.keys(first.parts);
    const bars = kit.bars({ names: ["this encoder", data.name, ...parts], tones: ["grey", "grey", "green", "green", "blue", "orange", "yellow", "pink"] });
    kit.add(bars.node);
    const short = (count) => (count < 1e5 ? kit.thousands(count) : `${kit.decimals(count / 1e6, 1)} M`);
    return (state, values) => {
      for (const [key, slider] of sliders) slider.set(state[key]);
      const longest = Math.max(first.total, values.total); // what fills a bar: the encoder as it was, or one that has grown beyond it
      total.replaceChildren(kit.element("strong", {}, `${kit.thousands(values.total)} parameters`), `; ${data.name} has ` +
        `${kit.thousands(data.goal)}. Of this encoder, its parts:`);
      const counts = [values.total, data.goal, ...parts.map((part) => values.parts[part])];
      bars.set(counts.map((count) => count / longest), counts.map((count, i) => {
        const share = count / values.total;
        return i < 2 ? short(count) : `${short(count)} · ${kit.percent(share, share < 0.01 ? 2 : 0)}`;
      }));
      kit.tell(`${kit.thousands(values.total)} parameters; ${data.name} has ${kit.thousands(data.goal)}`);
    };
  },
};
