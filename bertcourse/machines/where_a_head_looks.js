const machine = {
  start: (data) => ({ layer: (data.maps.length - 1) >> 1, head: (data.maps[0].length - 1) >> 1, said: null }), // said: "layer.head"

  compute(data, { layer, head }) {
    const count = data.tokens.length, weights = data.maps[layer][head].map((one) => one / 1000);
    const share = (place) => { // mean weight on the token there, over the tokens that have one
      const found = data.tokens.flatMap((_, query) => (place(query) >= 0 && place(query) < count ? [weights[query * count + place(query)]] : []));
      return found.reduce((sum, one) => sum + one, 0) / found.length;
    };
    return { weights, before: share((query) => query - 1), after: share((query) => query + 1), itself: share((query) => query),
      cls: share(() => 0), even: 1 / count };
  },

  /** The share of the token before, of every head. */
  back: (data) => data.maps.map((row, layer) => row.map((_, head) => machine.compute(data, { layer, head }).before)),

  answered(data, state, { before, even }) {
    const all = machine.back(data).flat();
    if (state.said !== `${state.layer}.${state.head}` || before < Math.max(...all)) return null;
    const others = (all.reduce((sum, one) => sum + one, 0) - before) / (all.length - 1);
    return `Head ${state.layer}.${state.head} gives ${percent(before)} of its attention to the token before: ${decimals(before / even, 1)} times the even share, 1/${data.tokens.length}. ` +
      `The control: the other ${all.length - 1} heads give it ${percent(others)} on average. Its line lies one place left of the diagonal, since a row looks and a column is looked at. ` +
      "That is one sentence; only many can tell whether it is the head's habit.";
  },

  build(kit, data) {
    const layers = data.maps.length, heads = data.maps[0].length, count = data.tokens.length;
    const move = { layer: kit.slider("Layer", "layer", { min: 0, max: layers - 1 }), head: kit.slider("Head", "head", { min: 0, max: heads - 1 }) };
    const say = kit.button("This head looks back most", () => kit.set(({ layer, head }) => ({ said: `${layer}.${head}` })));
    const verdict = kit.element("span", { role: "status" });
    kit.row(move.layer.node, move.head.node, kit.element("span", {}, say.node, " ", verdict));
    const names = ["token before", "token after", "itself", "[CLS]", `even share, 1/${data.tokens.length}`];
    const bars = kit.bars({ names, tones: ["orange", "blue", "blue", "blue", "grey"] });
    kit.add(bars.node, kit.text("Places overlap: for the first word, [CLS] is the token before."));
    const left = 104, top = 96, side = (560 - left - 4) / count, high = Math.min(side, 22);
    const cells = Array.from({ length: count * count }, (_, i) => kit.element("rect", { x: left + side * (i % count), y: top + high * Math.floor(i / count),
      width: side - 1, height: high - 1 }));
    const shorter = (token) => (token.length > 8 ? `${token.slice(0, 7)}…` : token);
    const picture = kit.add(kit.element("svg", { viewBox: `0 0 560 ${top + high * count + 4}`, role: "img" },
      ...data.tokens.map((token, i) => kit.element("text", { x: left - 6, y: top + high * (i + 0.5) + 5, "text-anchor": "end" }, shorter(token))),
      ...data.tokens.map((token, i) => kit.element("text", { x: 0, y: 0, transform: `translate(${left + side * (i + 0.5) + 5} ${top - 6}) rotate(-90)` }, shorter(token))),
      ...cells));
    kit.add(kit.text("A row looks, a column is looked at. A darker field has more of the row's weight."));
    return (state, values) => {
      move.layer.set(state.layer);
      move.head.set(state.head);
      const shares = [values.before, values.after, values.itself, values.cls, values.even];
      bars.set(shares, shares.map((share) => kit.percent(share, 1)));
      cells.forEach((cell, i) => cell.setAttribute("fill", kit.shade(values.weights[i]).background));
      picture.setAttribute("aria-label", `Map of head ${state.layer}.${state.head}: a row looks, a column is looked at; ` +
        names.slice(0, 4).map((name, i) => `${name} ${kit.percent(shares[i])}`).join(", "));
      const said = state.said === `${state.layer}.${state.head}`;
      verdict.textContent = said && !machine.answered(data, state, values) ? `${kit.percent(values.before, 1)}: another head gives more.` : "";
      say.set(null, !said);
    };
  },
};
