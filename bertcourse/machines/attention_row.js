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

  /** Nothing moved but the width. */
  untouched: (data, { allowed, dots }) => allowed.every(Boolean) && dots.every((dot, j) => dot === data.dots[j]),

  /** The largest weight where the vectors are one number narrower. */
  narrower: (data, state) => machine.compute(data, { ...state, width: state.width - 1 }).weights[data.target],

  answered(data, state, { weights }) {
    if (!machine.untouched(data, state) || state.width < 2 || weights[data.target] >= 0.5) return null;
    const before = machine.narrower(data, state);
    if (before < 0.5) return null;
    return `From dₖ = ${state.width} on: ${decimals(weights[data.target], 3)}, at ${state.width - 1} still ${decimals(before, 3)}. ` +
      "The same dot product counts for less in a wider space: the root divides the score, and the softmax flattens. " +
      "(A typical dot product grows by the same root, so typical scores keep their spread.)";
  },

  hint(data, state, { weights }) {
    const weight = weights[data.target];
    if (!machine.untouched(data, state)) return "A dot product or the mask is moved; the question is about the width alone.";
    if (weight >= 0.5) return decimals(weight) === "0.50" ? `${decimals(weight, 3)} is not less than a half.` : null;
    return `${decimals(weight, 3)} is less than a half. Is it so at one narrower, too?`;
  },

  build(kit, data) {
    const width = kit.slider("Width dₖ", "width", { min: 1, max: data.widest });
    width.node.querySelector("input").style.width = "320px"; // a mouse can stop at each width
    const by = (step) => kit.button(step < 0 ? "−1" : "+1", () => kit.set((state) => ({ width: Math.min(data.widest, Math.max(1, state.width + step)) }))).node;
    const steps = [by(-1), by(1)];
    ["one narrower", "one wider"].forEach((words, i) => steps[i].setAttribute("aria-label", `${steps[i].textContent}, ${words}`));
    kit.row(width.node, kit.element("span", {}, steps[0], " ", steps[1]));
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
      const parts = values.mixed.map((one, c) => (data.features ? `${data.features[c]} ${kit.decimals(one)}` : kit.decimals(one))).join(", ");
      const taken = `What ${data.words[data.looking]} takes: ${data.features ? parts : `(${parts})`}`;
      mixed.textContent = state.allowed.some(Boolean)
        ? `${taken}: the values weighted with the last column, which sums to 1 before it is rounded.`
        : `${taken}. A row that may look at nothing gets zeros, as in the library.`;
    };
  },
};
