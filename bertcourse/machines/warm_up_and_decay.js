const machine = {
  start: (data) => ({ peak: data.start[0], warmup: data.start[1], zero: 0 }),

  compute(data, { peak, warmup, zero }) {
    const total = data.at[data.at.length - 1], up = data.warmups[warmup], end = data.zeros[zero], last = data.zeros.length - 1;
    const updates = Array.from({ length: total }, (_, step) => step);
    const ratesOf = (top, up, down) => updates.map((step) => top *
      (step < up ? step / up : Math.max(0, down - step) / Math.max(1, down - up)));
    const rates = ratesOf(data.peaks[peak], up, end), constant = ratesOf(data.peaks[peak], up, data.zeros[last]);
    const sum = (values) => values.reduce((a, b) => a + b, 0), ending = (values) => values[values.length - 1];
    const curve = data.losses[peak][warmup][zero], other = data.losses[peak][warmup][last];
    // the sums of all settings whose way down costs something
    const costly = data.peaks.flatMap((top, i) => data.warmups.flatMap((up, j) => data.zeros.flatMap((down, k) =>
      ending(data.losses[i][j][k]) - ending(data.losses[i][j][last]) > data.clearly ? [sum(ratesOf(top, up, down))] : [])));
    return {
      rates, constant, curve, other,
      sum: sum(rates), sumConstant: sum(constant),
      loss: ending(curve), lossConstant: ending(other), largest: Math.max(...costly),
    };
  },

  hint(data, state, { sum, loss, lossConstant, largest }) {
    if (loss - lossConstant <= data.clearly || sum >= largest - 1e-9) return null;
    return `Here it costs ${decimals(loss - lossConstant)} nats, with rates that sum to ${decimals(sum, 1)}. But it does so with a larger sum too.`;
  },

  answered(data, state, { sum, sumConstant, loss, lossConstant, largest }) {
    const peak = data.peaks[state.peak], zero = data.zeros[state.zero];
    if (loss - lossConstant <= data.clearly || sum < largest - 1e-9) return null;
    const way = zero > data.at[data.at.length - 1] ? `on a way down that would reach 0 at update ${zero}` : "with the way down to 0";
    return `Peak ${peak}: ${decimals(loss)} nats ${way}, ${decimals(lossConstant)} without. Its rates sum to ${decimals(sum, 1)} ` +
      `instead of ${decimals(sumConstant, 1)}, and that is about as far as Adam can move a weight in all. But the weights that fit the ` +
      `frequencies differ by up to ${decimals(data.span, 1)}: from 0, at least one has to move ${decimals(data.span / 2, 1)}. A rate that falls ` +
      `settles weights that are near their goal. ${2 * sum >= data.span ? "Here the sum would do for all, and does not say why it costs."
        : 2 * sumConstant >= data.span ? "Here it stopped on the way what had farthest to go."
          : "Here the farthest would not have arrived without the way down either; with it, they stopped sooner still."}`;
  },

  build(kit, data) {
    const total = data.at[data.at.length - 1], last = data.zeros.length - 1;
    const peak = kit.slider("Peak", "peak", { min: 0, max: data.peaks.length - 1, show: (at) => String(data.peaks[at]) });
    const warmup = kit.slider("Warm-up", "warmup", { min: 0, max: data.warmups.length - 1, show: (at) => `${data.warmups[at]} updates` });
    const zero = kit.slider("Reaches 0", "zero", { min: 0, max: last, show: (at) => (at === last ? "never" : `at update ${data.zeros[at]}${data.zeros[at] > total ? ", after the end" : ""}`) });
    kit.row(warmup.node, peak.node, zero.node);
    const ticks = [0, total / 4, total / 2, (3 * total) / 4, total], x = [0, total];
    const rates = kit.plot({ x, y: [0, 1.05], xTicks: ticks, yTicks: [0, 1], xLabel: "update", yLabel: "rate", height: 170 });
    const [low, high] = data.shown, yTicks = Array.from({ length: Math.round(2 * (high - low)) + 1 }, (_, i) => low + i / 2);
    const losses = kit.plot({ x, y: [low, high], xTicks: ticks, yTicks, xLabel: "update", yLabel: "held-out loss", height: 250 });
    kit.add(rates.node);
    const told = kit.add(kit.text());
    kit.add(losses.node);
    const ends = kit.add(kit.text());
    const capped = (curve) => curve.map((loss, i) => [data.at[i], Math.min(loss, high)]);
    return (state, values) => {
      peak.set(state.peak), warmup.set(state.warmup), zero.set(state.zero);
      const p = data.peaks[state.peak];
      rates.yMarks.forEach((mark, i) => { mark.textContent = String(p * i); }); // its height is the peak
      rates.set([{ points: values.constant.map((rate, at) => [at, rate / p]), tone: "grey", dashed: true },
        { points: values.rates.map((rate, at) => [at, rate / p]), tone: "blue" }], `the rate of each update, at most ${p}, at the end ${Number(values.rates[total - 1].toPrecision(2))}; dashed, one that stays at its peak`);
      losses.set([{ points: [[0, data.goal], [total, data.goal]], tone: "green" },
        { points: capped(values.other), tone: "grey", dashed: true }, { points: capped(values.curve), tone: "blue" }],
      `the loss, after update ${total} ${kit.decimals(values.loss)}; dashed, at a rate that stays at its peak, ${kit.decimals(values.lossConstant)}; ` +
        `the loss of the frequencies, ${kit.decimals(data.goal)}`);
      told.textContent = `Peak ${p}. Sum of all rates: blue, as set above, ${kit.decimals(values.sum, 1)}; dashed, staying at the peak, ` +
        `${kit.decimals(values.sumConstant, 1)}.`;
      ends.textContent = `Last loss: blue ${kit.decimals(values.loss, 3)} nats; dashed ${kit.decimals(values.lossConstant, 3)}; ` +
        `green, the frequencies counted, ${kit.decimals(data.goal, 2)}.`;
      kit.tell(`${told.textContent} ${ends.textContent}`);
    };
  },
};
