const machine = {
  start: (data) => ({ dots: [...data.dots], width: 1, allowed: data.words.map(() => true) }),

  compute(data, { dots, width, allowed }) {
    const scores = dots.map((dot, j) => (allowed[j] ? dot / Math.sqrt(width) : -Infinity));
    const largest = Math.max(...scores);
    const raised = scores.map((score) => (largest === -Infinity ? 0 : Math.exp(score - largest)));
    const sum = raised.reduce((a, b) => a + b, 0);
    const weights = raised.map((one) => (sum > 0 ? one / sum : 0)); // a row that may look at nothing gets zeros
    const mixed = data.values[0].map((_, c) => weights.reduce((total, w, j) => total + w * data.values[j][c], 0));
    return { weights, mixed };
  },

  answered(data, state, { weights }) {
    const untouched = state.allowed.every(Boolean) && state.dots.every((dot, j) => dot === data.dots[j]);
    const before = machine.compute(data, { ...state, width: state.width - 1 }).weights[data.target];
    if (!untouched || state.width < 2 || weights[data.target] >= 0.5 || before < 0.5) return null;
    return `From d_k = ${state.width} on: ${decimals(weights[data.target], 3)}, at ${state.width - 1} still ${decimals(before, 3)}. ` +
      "The same dot product counts for less in a wider space: the root divides the score, and the softmax flattens.";
  },

  build(kit, data) {
    const width = kit.slider("Width d_k", "width", { min: 1, max: data.widest });
    kit.row(width.node);
    const sliders = data.words.map((word, j) => {
      const input = kit.element("input", { type: "range", min: -8, max: 8, step: 0.5, "aria-label": `dot product with ${word}`,
        input: () => kit.set((state) => ({ dots: state.dots.map((dot, k) => (k === j ? Number(input.value) : dot)) })) });
      return input;
    });
    const masks = data.words.map((word, j) => kit.element("button", { type: "button", class: "key",
      click: () => kit.set((state) => ({ allowed: state.allowed.map((one, k) => (k === j ? !one : one)) })) }));
    const dots = data.words.map(() => kit.element("td")), weights = data.words.map(() => kit.element("td"));
    const rows = data.words.map((word, j) => kit.element("tr", {}, kit.element("th", { scope: "row" }, word), dots[j],
      kit.element("td", {}, sliders[j]), kit.element("td", {}, masks[j]), weights[j]));
    kit.add(kit.element("div", { class: "scroll" }, kit.element("table", {},
      kit.element("caption", {}, `${data.words[data.looking]} looks at`),
      kit.element("thead", {}, kit.element("tr", {}, ...["", "dot", "move it", "mask", "weight"].map((words) => kit.element("th", { scope: "col" }, words)))),
      kit.element("tbody", {}, ...rows))));
    const mixed = kit.add(kit.text());
    return (state, values) => {
      width.set(state.width);
      data.words.forEach((word, j) => {
        sliders[j].value = state.dots[j];
        dots[j].textContent = kit.decimals(state.dots[j], 1);
        masks[j].textContent = state.allowed[j] ? "may look" : "masked";
        masks[j].setAttribute("aria-label", `${word}: ${masks[j].textContent}`);
        const { background, color } = kit.shade(values.weights[j]);
        weights[j].textContent = kit.decimals(values.weights[j]);
        Object.assign(weights[j].style, { background, color });
      });
      mixed.textContent = `What ${data.words[data.looking]} takes: (${values.mixed.map((one) => kit.decimals(one)).join(", ")}), ` +
        `the values weighted with the last column, which sums to ${kit.decimals(values.weights.reduce((a, b) => a + b, 0))}.`;
    };
  },
};
