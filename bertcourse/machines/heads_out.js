const machine = {
  start: (data) => ({ out: Array(data.layers * data.heads).fill(false), layer: 0, said: -1 }),

  compute(data, { out }) {
    const loss = (heads) => data.measured[heads.map(Number).join("")] ?? null; // null: this was not measured
    const whole = loss(out.map(() => false)), alone = out.map((_, i) => loss(out.map((__, j) => i === j)) - whole);
    const added = alone.reduce((sum, rise, i) => sum + (out[i] ? rise : 0), 0), now = loss(out);
    return { whole, alone, added, count: out.filter(Boolean).length, loss: now, rise: now === null ? null : now - whole };
  },

  /** A layer's rise, all of its heads out, and the sum of the single ones. */
  layer(data, layer) {
    const out = Array.from({ length: data.layers * data.heads }, (_, i) => Math.floor(i / data.heads) === layer);
    return machine.compute(data, { out });
  },

  answered(data, state) {
    const all = Array.from({ length: data.layers }, (_, l) => machine.layer(data, l)), beyond = all.map(({ rise, added }) => rise - added);
    const best = beyond.indexOf(Math.max(...beyond));
    if (state.said !== best) return null;
    return `Layer ${best}: ${decimals(all[best].rise, 3)} nats together, ${decimals(all[best].added, 3)} added up. ` +
      `The others, together and added up: ${all.map(({ rise, added }, l) => (l === best ? null : `layer ${l} ${decimals(rise, 3)} and ${decimals(added, 3)}`)).filter(Boolean).join(", ")}. ` +
      (beyond[best] > 0 ? "Taken alone, a head costs less than its part of that, as if the others stood in for it." : "Here no layer costs more than the sum of its heads.");
  },

  build(kit, data) {
    const rows = Array.from({ length: data.layers }, (_, l) => `layer ${l}`), columns = Array.from({ length: data.heads }, (_, h) => `head ${h}`);
    const flip = (l, h) => kit.set((state) => ({ out: state.out.map((one, i) => (i === l * data.heads + h ? !one : one)) }));
    const table = kit.table({ caption: "Nats", rows, columns, click: flip,
      name: (l, h) => `head ${l}.${h}` });
    kit.add(kit.text("The numbers: what each head costs alone, in nats. Click a head to take it out, or put it back."), table.node);
    kit.row(kit.element("span", {}, "Out:"), ...rows.map((name, l) => kit.element("button", { type: "button",
      click: () => kit.set((state) => ({ out: state.out.map((_, i) => Math.floor(i / data.heads) === l) })) }, name)),
      kit.element("button", { type: "button", click: () => kit.set((state) => ({ out: state.out.map(() => false) })) }, "none"));
    const most = Math.max(...rows.map((_, l) => Math.max(machine.layer(data, l).rise, machine.layer(data, l).added)));
    const bars = kit.bars({ names: ["each alone, added up", "measured together"], most, tones: ["blue", "orange"] });
    kit.add(bars.node);
    const told = kit.add(kit.text());
    const layer = kit.choice("It is", "layer", rows.map((name, l) => [l, name]));
    const say = kit.button("Say so", () => kit.set((state) => ({ said: state.layer })));
    kit.row(layer.node, say.node);
    return (state, { alone, added, count, loss, rise, whole }) => {
      rows.forEach((_, l) => columns.forEach((__, h) => {
        const i = l * data.heads + h, out = state.out[i];
        table.set(l, h, { text: `${kit.decimals(alone[i], 3)}${out ? " out" : ""}`, pressed: out });
      }));
      bars.set([added, rise ?? 0], [kit.decimals(added, 3), rise === null ? "?" : kit.decimals(rise, 3)]);
      told.textContent = count === 0 ? `All heads are in: the loss is ${kit.decimals(whole, 3)} nats.`
        : rise === null ? "These heads together were not measured in this lesson, only single heads and whole layers. A sum is no measurement."
          : `Measured: the loss is ${kit.decimals(loss, 3)} nats, ${kit.decimals(rise, 3)} more than with all heads.`;
      layer.set(state.layer);
      const wrong = state.said === state.layer && !machine.answered(data, state);
      say.set(wrong ? "No: another layer costs more beyond its sum" : "Say so", state.said !== state.layer);
    };
  },
};
