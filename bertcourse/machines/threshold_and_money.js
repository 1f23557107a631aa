const machine = {
  start: (data) => ({ at: 0, wrong: data.asked.wrong, check: data.asked.check, opened: false }),

  compute(data, { at, wrong, check }) {
    const measured = (split) => {
      const answered = (all) => all.filter((confidence) => confidence >= 100 * at).length; // ten-thousandths, percent
      const texts = split.right.length + split.wrong.length;
      const good = answered(split.right), bad = answered(split.wrong), hand = texts - good - bad;
      return { good, bad, hand, precision: good + bad ? good / (good + bad) : 0, recall: good / texts,
        cost: (100 * (bad * wrong + hand * check)) / texts };
    };
    return { validation: measured(data.validation), test: measured(data.test) };
  },

  /** What the split costs at each threshold, 0.00 to 1.00. */
  costs: (data, state, split) => Array.from({ length: 101 }, (_, at) => machine.compute(data, { ...state, at })[split].cost),

  answered(data, state, { validation, test }) {
    if (!state.opened || state.wrong !== data.asked.wrong || state.check !== data.asked.check) return null;
    const costs = machine.costs(data, state, "validation"), later = machine.costs(data, state, "test");
    if (validation.cost > Math.min(...costs) + 1e-9) return null;
    const best = Math.min(...later), texts = data.validation.right.length + data.validation.wrong.length;
    return `Threshold ${decimals(state.at / 100)}: ${decimals(validation.cost, 1)} cents per 100 validation texts, the least there is ` +
      `(${decimals(costs[0], 1)} without a threshold, ${decimals(costs[100], 1)} with all by hand). On the test split the same threshold costs ` +
      `${decimals(test.cost, 1)}` + (test.cost > best + 1e-9 ? `; the cheapest there is ${decimals(best, 1)}, but whoever chooses by it reports luck. ` : ", and no other is cheaper there. ") +
      (state.wrong > state.check ? `If confidences were right on average, one would check below 1 − ${state.check}/${state.wrong} = ${decimals(1 - state.check / state.wrong)}, where ` +
        `the risk is dearer than the check; ${texts} texts find that place only roughly.` : "A check that costs more than a wrong answer never pays.");
  },

  build(kit, data) {
    const at = kit.slider("Threshold", "at", { min: 0, max: 100, show: (one) => kit.decimals(one / 100) });
    const wrong = kit.slider("A wrong answer", "wrong", { min: 5, max: data.dearest[0], step: 5, show: (one) => `${one} cents` });
    const check = kit.slider("A check by hand", "check", { min: 1, max: data.dearest[1], show: (one) => `${one} cents` });
    kit.row(at.node);
    kit.row(wrong.node, check.node);
    const bars = kit.bars({ names: ["right", "wrong", "by hand"], tones: ["green", "orange", "grey"] });
    kit.add(kit.text("The validation texts:"), bars.node);
    const place = kit.add(kit.element("div"));
    kit.add(kit.text("Precision: right of all that are answered. Recall: right of all texts. Cents: for 100 texts."));
    const table = kit.table({ caption: "Texts", rows: ["validation", "test"],
      columns: ["right", "wrong", "by hand", "precision", "recall", "cents"] });
    kit.add(table.node);
    const open = kit.button("Open the test split", () => kit.set({ opened: true }));
    kit.row(open.node);
    const note = kit.add(kit.text());
    let seen = new Map(), prices = "", plot = null, closed = true; // seen: thresholds that were tried at these prices
    return (state, values) => {
      at.set(state.at);
      wrong.set(state.wrong);
      check.set(state.check);
      for (const part of [at, wrong, check]) part.node.querySelector("input").disabled = state.opened;
      const { good, bad, hand, cost } = values.validation, texts = good + bad + hand;
      bars.set([good / texts, bad / texts, hand / texts], [good, bad, hand].map(String));
      ["validation", "test"].forEach((split, i) => {
        const own = values[split], shown = i === 0 || state.opened;
        [String(own.good), String(own.bad), String(own.hand), own.good + own.bad ? kit.percent(own.precision, 1) : "–",
          kit.percent(own.recall, 1), kit.decimals(own.cost, 1)].forEach((text, j) => table.set(i, j, { text: shown ? text : "closed" }));
      });
      if (prices !== `${state.wrong} ${state.check}`) {
        prices = `${state.wrong} ${state.check}`;
        const top = Math.ceil((1.1 * Math.max(...machine.costs(data, state, "validation"))) / 50) * 50;
        seen = new Map();
        plot = kit.plot({ x: [0, 1], y: [0, top], xLabel: "threshold", yLabel: "cents", height: 200,
          xTicks: [0, 0.2, 0.4, 0.6, 0.8, 1], yTicks: [0, top] });
        place.replaceChildren(plot.node);
      }
      if (!closed && !state.opened) seen = new Map(); // started again
      closed = !state.opened;
      seen.set(state.at, cost);
      const points = [...seen].sort((a, b) => a[0] - b[0]).map(([one, money]) => [one / 100, money]);
      plot.set([{ points, tone: "blue", dots: false }, { points: [[state.at / 100, cost]], tone: "orange", dots: true }],
        `Cost of the validation texts at the ${seen.size} thresholds that you tried; now ${kit.decimals(cost, 1)} cents per 100 texts`);
      open.set(null, !state.opened);
      const least = Math.min(...seen.values());
      note.textContent = state.opened ? "The test split is open: from here on nothing may be chosen. To choose anew, start again."
        : `The cheapest that you have tried at these prices: ${kit.decimals(least, 1)} cents per 100 validation texts.`;
    };
  },
};
