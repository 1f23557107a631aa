const machine = {
  start: (data) => ({ step: data.temperatures.indexOf(1), still: null, opened: false }),

  /** All that is shown of a split at a temperature. */
  measured({ logits, gold }, temperature, bins) {
    const found = Array.from({ length: bins }, () => ({ count: 0, sure: 0, right: 0 }));
    let loss = 0, right = 0, sure = 0;
    logits.forEach((row, i) => {
      const scores = row.map((one) => one / 1000 / temperature), most = Math.max(...scores), weights = scores.map((one) => Math.exp(one - most));
      const sum = weights.reduce((all, one) => all + one, 0), shares = weights.map((one) => one / sum), best = Math.max(...shares);
      const good = Number(shares.indexOf(best) === gold[i]);
      loss -= Math.log(Math.max(shares[gold[i]], 1.1754943508222875e-38)); // a share of 0 has no logarithm
      let place = 0; // in bin k what is over k / bins, up to (k + 1) / bins
      while (place < bins - 1 && best > (place + 1) / bins) place += 1;
      found[place].count += 1, found[place].sure += best, found[place].right += good;
      right += good, sure += best;
    });
    const rows = logits.length;
    return { loss: loss / rows, accuracy: right / rows, confidence: sure / rows,
      ece: found.reduce((sum, bin) => sum + Math.abs(bin.right - bin.sure), 0) / rows,
      bins: found.map(({ count, sure: all, right: good }) => ({ count, confidence: count ? all / count : null, accuracy: count ? good / count : null })) };
  },

  compute(data, { step }) {
    const [low, high] = data.ranges[step];
    return { validation: machine.measured(data.validation, data.temperatures[step], data.bins),
      test: { ...machine.measured(data.test, data.temperatures[step], data.bins), low, high } };
  },

  /** The validation split at every temperature. */
  all: (data) => data.temperatures.map((one) => machine.measured(data.validation, one, data.bins)),

  /** Whether a validation loss is the least there is, as it is shown. */
  isLeast: (data, { loss }) => loss.toFixed(3) === Math.min(...machine.all(data).map((one) => one.loss)).toFixed(3),

  answered(data, state, { validation, test }) {
    if (!state.opened || state.still !== "accuracy" || !machine.isLeast(data, validation)) return null;
    const all = machine.all(data), one = data.temperatures.indexOf(1), before = machine.compute(data, { step: one }), T = decimals(data.temperatures[state.step]);
    const eces = all.map((each) => each.ece), other = eces.indexOf(Math.min(...eces));
    return `T = ${T}: a validation loss of ${decimals(validation.loss, 3)}` + (state.step === one ? ", the least there is: the model needed none. " : `, the least there is (${decimals(before.validation.loss, 3)} at 1). `) +
      `Accuracy is ${percent(validation.accuracy, 1)} at every T: the logits of a row keep their order, so a temperature changes how sure an answer is and never the answer. ` +
      (other !== state.step ? `The validation ECE is least at ${decimals(data.temperatures[other])}, but it jumps where rows pass from bin to bin; the loss does not. ` : "") +
      `On the test split ECE is ${percent(test.ece, 1)}` + (state.step === one ? "" : ` (${percent(before.test.ece, 1)} at 1)`) + `; of models whose probabilities are right, 95 in 100 would have ${percent(test.low, 1)} to ${percent(test.high, 1)} on these ` +
      `${data.test.gold.length} rows: ` + (test.ece > test.high ? "this model's are still not quite right." : test.ece < test.low ? "less than that is luck." : "nothing here speaks against this model's.");
  },

  hint(data, state, { validation }) {
    if (!state.opened) return null;
    if (!machine.isLeast(data, validation)) return "At another temperature the validation loss is lower: start again.";
    return state.still && state.still !== "accuracy" ? "Look at the table once more: what is the same at every temperature?" : null;
  },

  build(kit, data) {
    const last = data.temperatures.length - 1, names = ["loss", "accuracy", "ECE", "confidence"];
    const step = kit.slider("Temperature", "step", { min: 0, max: last, show: (one) => kit.decimals(data.temperatures[one]) });
    const moves = [-1, 1].map((by) => kit.button(by < 0 ? "lower" : "higher", () => kit.set(({ step: now }) => ({ step: Math.min(last, Math.max(0, now + by)) }))));
    kit.row(step.node, ...moves.map((one) => one.node));
    const table = kit.table({ caption: "Texts", rows: ["validation", "test"], columns: names });
    kit.add(table.node);
    const note = kit.add(kit.text());
    const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1], plot = kit.plot({ x: [0, 1], y: [0, 1], xTicks: ticks, yTicks: ticks, xLabel: "mean confidence of a bin",
      yLabel: "share right", height: 300, show: (one) => kit.decimals(one, 1) });
    kit.add(plot.node, kit.text(`The validation split in ${data.bins} bins of one width: a larger circle has more texts, an orange line is the gap to the diagonal, where confidence is accuracy. Confidence: the highest probability of a text, here their mean.`));
    const still = kit.choice("What did not move at all?", "still", [[null, "choose"], ["loss", names[0]], ["accuracy", names[1]], ["ECE", names[2]], ["confidence", names[3]]]);
    const open = kit.button("Open the test split", () => kit.set({ opened: true }));
    kit.row(still.node, open.node);
    const scale = kit.add(kit.element("svg", { viewBox: "0 0 560 74", role: "img" }));
    let seen = new Map(), closed = true; // seen: step -> loss of what was tried
    return (state, values) => {
      if (!closed && !state.opened) seen = new Map(); // started again
      closed = !state.opened;
      step.set(state.step);
      still.set(state.still);
      step.node.querySelector("input").disabled = state.opened;
      moves[0].set(null, !state.opened && state.step > 0);
      moves[1].set(null, !state.opened && state.step < last);
      open.set(null, !state.opened);
      const { validation, test } = values;
      [validation, test].forEach((own, i) => [kit.decimals(own.loss, 3), kit.percent(own.accuracy, 1), kit.percent(own.ece, 1), kit.percent(own.confidence, 1)]
        .forEach((text, j) => table.set(i, j, { text: i === 0 || state.opened ? text : "closed" })));
      seen.set(state.step, validation.loss);
      const [best, least] = [...seen].reduce((one, two) => (two[1] < one[1] ? two : one));
      note.textContent = state.opened ? "The test split is open: from here on no temperature may be chosen. To choose anew, start again."
        : `The least validation loss that you have tried: ${kit.decimals(least, 3)}, at ${kit.decimals(data.temperatures[best])}.`;
      plot.set([{ points: [[0, 0], [1, 1]], tone: "grey", dashed: true }], `Reliability at temperature ${kit.decimals(data.temperatures[state.step])}: ` +
        validation.bins.filter(({ count }) => count).map(({ count, confidence, accuracy }) => `${count} texts, confidence ${kit.percent(confidence)}, right ${kit.percent(accuracy)}`).join("; "));
      const rows = data.validation.gold.length;
      plot.curves.append(...validation.bins.filter(({ count }) => count).flatMap(({ count, confidence, accuracy }) => [
        kit.element("line", { x1: plot.X(confidence), x2: plot.X(confidence), y1: plot.Y(accuracy), y2: plot.Y(confidence), stroke: kit.TONES.orange[1], "stroke-width": 3 }),
        kit.element("circle", { cx: plot.X(confidence), cy: plot.Y(accuracy), r: 3 + 18 * Math.sqrt(count / rows), fill: kit.TONES.blue[0], "fill-opacity": 0.8, stroke: kit.TONES.blue[1], "stroke-width": 2 })]));
      scale.style.display = state.opened ? "" : "none";
      const most = Math.ceil(Math.max(0.1, test.ece, test.high) * 10) / 10, X = (share) => 20 + (520 * share) / most;
      scale.setAttribute("aria-label", `Test ECE ${kit.percent(test.ece, 1)}; calibrated models ${kit.percent(test.low, 1)} to ${kit.percent(test.high, 1)}`);
      scale.replaceChildren(kit.element("line", { x1: X(0), x2: X(most), y1: 38, y2: 38, stroke: "#7b8794" }),
        kit.element("line", { x1: X(test.low), x2: X(test.high), y1: 38, y2: 38, stroke: kit.TONES.green[1], "stroke-width": 10 }),
        kit.element("circle", { cx: X(test.ece), cy: 38, r: 7, fill: kit.TONES.orange[1] }),
        kit.element("text", { x: 20, y: 18 }, "test ECE, and in green where it lies by chance"),
        kit.element("text", { x: X(0), y: 66 }, "0 %"), kit.element("text", { x: X(most), y: 66, "text-anchor": "end" }, kit.percent(most)));
    };
  },
};
