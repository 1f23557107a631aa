const machine = {
  start: (data) => ({ from: 0, to: data.losses.length - 1 }),

  compute(data, { from, to }) {
    const before = Math.exp(data.losses[from]), after = Math.exp(data.losses[to]);
    return {
      fall: data.losses[from] - data.losses[to],
      before, after,
      ratio: after / before,
      updates: data.updates[to] - data.updates[from],
      minutes: data.minutes[to] - data.minutes[from],
    };
  },

  answered(data, { from, to }, { fall, before, after, updates, minutes, ratio }) {
    if (from >= to || from < data.late || Math.abs(ratio - 0.5) > data.nearly) return null;
    const earlier = data.early && machine.compute(data, { from: data.early[0], to: data.early[1] });
    return `From ${decimals(before, 0)} to ${decimals(after, 0)}, with ${decimals(fall)} nats less. A difference of losses is a ratio of ` +
      `perplexities: log 2 = ${decimals(Math.log(2))} nats halve it anywhere. What differs is the price: here ${thousands(updates)} updates, ` +
      `${decimals(minutes, 0)} minutes` + (earlier ? `; from update ${thousands(data.updates[data.early[0]])} on it was ` +
        `${thousands(earlier.updates)} updates, ${decimals(earlier.minutes, 0)} minutes.` : ".");
  },

  build(kit, data) {
    const last = data.losses.length - 1, show = (at) => kit.thousands(data.updates[at]);
    const from = kit.slider("From update", "from", { min: 0, max: last, show }), to = kit.slider("To update", "to", { min: 0, max: last, show });
    kit.row(from.node, to.node);
    const [low, high] = data.shown, total = data.updates[last];
    const plot = kit.plot({ x: [0, total], y: [low, high], xTicks: [0, total / 4, total / 2, (3 * total) / 4], show: (value) => String(value),
      yTicks: Array.from({ length: Math.round(2 * (high - low)) + 1 }, (_, i) => low + i / 2), xLabel: "update", yLabel: "held-out loss" });
    kit.add(plot.node);
    const table = kit.table({ caption: "At the two marks", rows: ["loss, nats", "perplexity"], columns: ["from", "to", "change"] });
    kit.add(table.node);
    const told = kit.add(kit.text());
    return (state, values) => {
      from.set(state.from), to.set(state.to);
      const mark = (at, tone) => ({ points: [[data.updates[at], data.losses[at]]], tone, dots: true });
      plot.set([{ points: data.losses.map((loss, at) => [data.updates[at], loss]), tone: "blue" }, mark(state.from, "orange"), mark(state.to, "green")],
        "the held-out loss over the run, with two marks");
      const signed = (value) => (value > 0 ? "+" : "") + kit.decimals(value);
      [data.losses[state.from], data.losses[state.to]].forEach((loss, j) => table.set(0, j, { text: kit.decimals(loss) }));
      [values.before, values.after].forEach((value, j) => table.set(1, j, { text: kit.decimals(value, 0) }));
      table.set(0, 2, { text: signed(-values.fall) }), table.set(1, 2, { text: `× ${kit.decimals(values.ratio)}` });
      told.textContent = state.from < state.to ? `Between them: ${kit.thousands(values.updates)} updates, ${kit.decimals(values.minutes, 0)} minutes.`
        : "The second mark has to be later than the first.";
    };
  },
};
