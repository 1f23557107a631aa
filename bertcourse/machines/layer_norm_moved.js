const machine = {
  start: (data) => ({ numbers: [...data.numbers], power: 0 }),

  compute(data, { numbers, power }) {
    const vector = numbers.map((number) => number * 10 ** power), width = vector.length;
    const mean = vector.reduce((a, b) => a + b, 0) / width;
    const centred = vector.map((number) => number - mean);
    const variance = centred.reduce((total, number) => total + number * number, 0) / width; // by D, not by D − 1
    const root = Math.sqrt(variance + data.eps);
    return { vector, mean, variance, root, centred, normed: centred.map((number) => number / root) };
  },

  answered(data, state, { mean, root, centred, normed }) {
    const first = machine.compute(data, machine.start(data));
    const same = normed.every((number, i) => Math.abs(number - first.normed[i]) < 5e-4);
    const factor = root / first.root;
    if (state.power !== 0 || !same || Math.abs(factor - 1) < 1e-6) return null;
    const plus = Math.round(1e6 * (mean - factor * first.mean)) / 1e6, round = (number) => decimals(number, 3).replace(/\.?0+$/, "");
    return `(${state.numbers.map(round).join(", ")}) is ${round(factor)} times the first vector${plus === 0 ? "" : `, ${plus < 0 ? "minus" : "plus"} ${round(Math.abs(plus))}`}. ` +
      `LayerNorm subtracts the mean, ${round(mean)}, and divides by the root of the variance, ${round(root)}: both are gone from the ` +
      "result, and the proportions of the differences are all that stays. Now pull the last slider: where does that stop being true, and which number of the formula stops it?";
  },

  /** What the last slider shows, once it is moved as the answer says. */
  after(data, state, { variance, normed }) {
    if (state.power === 0 || variance === 0) return null;
    const before = machine.compute(data, { ...state, power: 0 }).normed, times = `Times ${machine.power(state.power)}`;
    if (normed.every((number, i) => Math.abs(number - before[i]) < 5e-4)) return `${times} it is still true, to three decimals.`;
    return `${times} it is true no longer: σ² is ${machine.small(variance)}, and ε is ${machine.small(data.eps)}. Beside so small a variance ε ` +
      "is not next to nothing: the root measures ε too, and the result shrinks.";
  },

  power: (exponent) => `10${String(exponent).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])}`,
  /** Three digits at least, so that the numbers shown fit each other. */
  small(number) {
    if (number === 0 || Math.abs(number) >= 0.1) return decimals(number, 3);
    const [digits, exponent] = number.toExponential(2).split("e");
    return `${digits === "1.00" ? "" : `${digits.replace("-", "−")}·`}${machine.power(Number(exponent))}`;
  },

  build(kit, data) {
    const small = machine.small;
    const sliders = data.numbers.map((_, i) => {
      const input = kit.element("input", { type: "range", min: -data.largest, max: data.largest, step: data.step, "aria-label": `x${"₀₁₂₃₄₅₆₇₈₉"[i + 1]}`,
        input: () => kit.set((state) => ({ numbers: state.numbers.map((one, k) => (k === i ? Number(input.value) : one)) })) });
      return input;
    });
    const cells = data.numbers.map(() => [0, 1, 2].map(() => kit.element("td")));
    const heads = ["", "move it", "x", "x − μ", "LN(x)"];
    kit.add(kit.element("div", { class: "scroll" }, kit.element("table", {}, kit.element("caption", {}, "One vector, from top to bottom"),
      kit.element("thead", {}, kit.element("tr", {}, ...heads.map((words) => kit.element("th", { scope: "col" }, words)))),
      kit.element("tbody", {}, ...cells.map((row, i) => kit.element("tr", {}, kit.element("th", { scope: "row" }, `x${"₀₁₂₃₄₅₆₇₈₉"[i + 1]}`), kit.element("td", {}, sliders[i]), ...row))))));
    const powers = kit.slider("All of it times", "power", { min: data.smallest, max: 0, show: (power) => (power === 0 ? "1" : machine.power(power)) });
    kit.row(powers.node);
    const told = kit.add(kit.text());
    return (state, values) => {
      powers.set(state.power);
      cells.forEach(([number, centred, normed], i) => {
        sliders[i].value = state.numbers[i];
        sliders[i].setAttribute("aria-valuetext", String(state.numbers[i]));
        number.textContent = small(values.vector[i]);
        centred.textContent = small(values.centred[i]);
        normed.textContent = kit.decimals(values.normed[i], 3);
        Object.assign(normed.style, kit.shade(Math.abs(values.normed[i]) / 2.5, values.normed[i] < 0 ? "orange" : "blue"));
      });
      told.textContent = `μ = ${small(values.mean)}, σ² = ${small(values.variance)}, ε = ${small(data.eps)}, ` +
        `√(σ² + ε) = ${small(values.root)}`;
      kit.tell(`behind LayerNorm: ${values.normed.map((number) => kit.decimals(number, 3)).join(", ")}; ${told.textContent}`);
    };
  },
};
