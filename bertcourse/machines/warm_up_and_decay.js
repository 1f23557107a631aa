const machine = {
  start: (data) => ({ peak: data.start[0], warmup: data.start[1], zero: 0 }),

  compute(data, { peak, warmup, zero }) {
    const total = data.at[data.at.length - 1], up = data.warmups[warmup], end = data.zeros[zero], last = data.zeros.length - 1;
    const rate = (step, down) => data.peaks[peak] *
      (step < up ? step / up : Math.max(0, down - step) / Math.max(1, down - up));
    const updates = Array.from({ length: total }, (_, step) => step);
    const rates = updates.map((step) => rate(step, end)), constant = updates.map((step) => rate(step, data.zeros[last]));
    const sum = (values) => values.reduce((a, b) => a + b, 0);
    const curve = data.losses[peak][warmup][zero], other = data.losses[peak][warmup][last];
    return {
      rates, constant, curve, other,
      sum: sum(rates), sumConstant: sum(constant),
      loss: curve[curve.length - 1], lossConstant: other[other.length - 1],
    };
  },

  answered(data, state, { sum, sumConstant, loss, lossConstant }) {
    const peak = data.peaks[state.peak];
    if (loss - lossConstant <= data.clearly || 2 * sum >= data.span) return null;
    return `Peak ${peak}: ${decimals(loss)} nats with the way down, ${decimals(lossConstant)} without. Its rates sum to ${decimals(sum, 1)} ` +
      `instead of ${decimals(sumConstant, 1)}, and that is about as far as Adam can move a weight in all. But the weights that fit the ` +
      `frequencies differ by up to ${decimals(data.span, 1)}: from 0, some have to move ${decimals(data.span / 2, 1)}. A rate that falls ` +
      "settles weights that are near their goal. Here it stopped them on the way.";
  },

  build(kit, data) {
    const total = data.at[data.at.length - 1], last = data.zeros.length - 1;
    const peak = kit.slider("Peak", "peak", { min: 0, max: data.peaks.length - 1, show: (at) => String(data.peaks[at]) });
    const warmup = kit.slider("Warm-up", "warmup", { min: 0, max: data.warmups.length - 1, show: (at) => `${data.warmups[at]} updates` });
    const zero = kit.slider("Reaches 0", "zero", { min: 0, max: last, show: (at) => (at === last ? "never" : `at update ${data.zeros[at]}`) });
    kit.row(warmup.node, peak.node, zero.node);
    const ticks = [0, total / 4, total / 2, (3 * total) / 4], x = [0, total];
    const rates = kit.plot({ x, y: [0, 1.05], xTicks: ticks, yTicks: [0, 0.5, 1], xLabel: "update", yLabel: "rate ÷ peak", height: 170 });
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
      rates.set([{ points: values.constant.map((rate, at) => [at, rate / p]), tone: "grey", dashed: true },
        { points: values.rates.map((rate, at) => [at, rate / p]), tone: "blue" }], "the rate of each update, and the rate that stays at its peak");
      losses.set([{ points: [[0, data.goal], [total, data.goal]], tone: "green" },
        { points: capped(values.other), tone: "grey", dashed: true }, { points: capped(values.curve), tone: "blue" }],
      "the loss after each update, that of the rate that stays at its peak, and the loss of the frequencies");
      told.textContent = `Sum of all rates: ${kit.decimals(values.sum, 1)}; dashed, the rate that stays at its peak: ` +
        `${kit.decimals(values.sumConstant, 1)}.`;
      ends.textContent = `Last loss: ${kit.decimals(values.loss, 3)} nats; dashed ${kit.decimals(values.lossConstant, 3)}; ` +
        `green, the frequencies counted: ${kit.decimals(data.goal, 2)}.`;
    };
  },
};
