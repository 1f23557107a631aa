const machine = {
  start: (data) => ({ out: Array(data.layers * data.heads).fill(false), layer: 0, said: -1,
    tried: Array(data.layers).fill(false) }), // layers that were out as a whole

  compute(data, { out }) {
    const loss = (heads) => data.measured[heads.map(Number).join("")] ?? null; // null: this was not measured
    const whole = loss(out.map(() => false)), alone = out.map((_, i) => loss(out.map((__, j) => i === j)) - whole);
    const added = alone.reduce((sum, rise, i) => sum + (out[i] ? rise : 0), 0), now = loss(out);
    return { whole, alone, added, count: out.filter(Boolean).length, loss: now, rise: now === null ? null : now - whole,
      beyond: now === null ? null : now - whole - added };
  },

  /** A layer's rise, all of its heads out, and the sum of the single ones. */
  layer(data, layer) {
    const out = Array.from({ length: data.layers * data.heads }, (_, i) => Math.floor(i / data.heads) === layer);
    return machine.compute(data, { out });
  },

  answered(data, state) {
    const all = Array.from({ length: data.layers }, (_, l) => machine.layer(data, l)), beyond = all.map((one) => one.beyond);
    const best = beyond.indexOf(Math.max(...beyond));
    if (state.said !== best || !state.tried.every(Boolean)) return null;
    const layers = (numbers) => (numbers.length === 1 ? `layer ${numbers[0]}` : `layers ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`);
    const more = [...beyond.keys()].filter((l) => beyond[l] > 0), rest = [...beyond.keys()].filter((l) => beyond[l] <= 0);
    return `Layer ${best}: ${decimals(all[best].rise, 3)} nats together, ${decimals(all[best].added, 3)} added up. ` +
      `The others, together and added up: ${all.map(({ rise, added }, l) => (l === best ? null : `layer ${l} ${decimals(rise, 3)} and ${decimals(added, 3)}`)).filter(Boolean).join(", ")}. ` +
      (more.length === 0 ? "Here no layer costs more than the sum of its heads."
        : `In ${rest.length === 0 ? "every layer" : layers(more)} the heads cost more together than one by one, as if each stood in for part of another` +
          (rest.length === 0 ? "." : `; not so in ${layers(rest)}.`));
  },

  hint(data, state) {
    const tried = state.tried.filter(Boolean).length;
    if (tried < data.layers) return tried > 0 || state.said !== -1 ? `Take them all out first: ${tried} of ${data.layers}.` : null;
    if (state.said === -1) return null;
    return `No: layer ${state.said} costs ${decimals(machine.layer(data, state.said).beyond, 3)} nats beyond its sum, and another layer more.`;
  },

  /** The state's change where these heads are out. What was said before a layer was tried is no longer said. */
  put(data, { tried, said }, out) {
    const now = tried.map((one, l) => one || (out.filter(Boolean).length === data.heads && out.slice(l * data.heads, (l + 1) * data.heads).every(Boolean)));
    return { out, tried: now, said: now.every((one, l) => one === tried[l]) ? said : -1 };
  },

  build(kit, data) {
    const rows = Array.from({ length: data.layers }, (_, l) => `layer ${l}`), columns = Array.from({ length: data.heads }, (_, h) => `head ${h}`);
    const flip = (l, h) => kit.set((state) => machine.put(data, state, state.out.map((one, i) => (i === l * data.heads + h ? !one : one))));
    const table = kit.table({ caption: "MLM loss added by one head, in nats", rows, columns, click: flip,
      name: (l, h) => `head ${l}.${h}` });
    for (const button of table.node.querySelectorAll("td > button")) button.style.whiteSpace = "pre"; // "out" has a line of its own
    kit.add(kit.text("Click a head to take it out, or put it back."), table.node);
    kit.row(kit.element("span", {}, "Out:"), ...rows.map((name, l) => kit.element("button", { type: "button",
      click: () => kit.set((state) => machine.put(data, state, state.out.map((_, i) => Math.floor(i / data.heads) === l))) }, name)),
      kit.element("button", { type: "button", click: () => kit.set((state) => ({ out: state.out.map(() => false) })) }, "none"));
    const most = Math.max(...rows.map((_, l) => Math.max(machine.layer(data, l).rise, machine.layer(data, l).added)));
    const bars = kit.bars({ names: ["each alone, added up", "measured together", "beyond the sum"], most, tones: ["blue", "orange", "pink"] });
    kit.add(bars.node);
    const told = kit.add(kit.text());
    const layer = kit.choice("Most beyond its sum, in nats:", "layer", rows.map((name, l) => [l, name]));
    const say = kit.button("Say so", () => kit.set((state) => ({ said: state.layer })));
    kit.row(layer.node, say.node);
    return (state, { alone, added, beyond, count, loss, rise, whole }) => {
      rows.forEach((_, l) => columns.forEach((__, h) => {
        const i = l * data.heads + h, out = state.out[i];
        table.set(l, h, { text: `${kit.decimals(alone[i], 3)}\n${out ? "out" : "\u00a0"}`, pressed: out });
      }));
      bars.set([added, rise ?? 0, beyond ?? 0], [kit.decimals(added, 3), ...[rise, beyond].map((one) => (one === null ? "?" : kit.decimals(one, 3)))]);
      told.textContent = count === 0 ? `All heads are in: the loss is ${kit.decimals(whole, 3)} nats.`
        : rise === null ? "These heads together were not measured in this lesson, only single heads and whole layers. A sum is no measurement."
          : `Measured: the loss is ${kit.decimals(loss, 3)} nats, ${kit.decimals(rise, 3)} more than with all heads.`;
      layer.set(state.layer);
      say.set(null, state.said !== state.layer);
    };
  },
};
