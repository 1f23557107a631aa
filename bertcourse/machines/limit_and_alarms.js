const machine = {
  start: () => ({ at: 0, opened: false }),

  compute: (data, { at, opened }) => ({ limit: data.limits[at], fitted: data.fitted[at], delay: data.delay[at],
    other: opened ? data.other[at] : -1 }),

  answered(data, state, { fitted, other, limit, delay }) {
    const lowest = data.fitted.findIndex((alarms) => alarms <= data.promised);
    if (!state.opened || state.at !== lowest) return null;
    const off = Math.abs(other - fitted) / data.error[state.at];
    return `Limit ${decimals(limit, 1)}: ${decimals(fitted)} false alarms a month in the half that it was fitted on, ${decimals(other)} in the other ` +
      `(standard error ${decimals(data.error[state.at])}, so ${decimals(off, 1)} of them apart). ` +
      `A fall of ${data.shift} standard errors a day is called after ${delay} days, in the median. With the limit ${decimals(data.limits[data.limits.length - 1], 1)} ` +
      `it would take ${data.delay[data.delay.length - 1]}: whoever wants fewer false alarms waits longer for the true ones.`;
  },

  build(kit, data) {
    const at = kit.slider("Limit", "at", { min: 0, max: data.limits.length - 1, show: (one) => kit.decimals(data.limits[one], 1) });
    kit.row(at.node);
    const table = kit.table({ caption: "False alarms a month", rows: ["half that is fitted on", "other half"], columns: ["all topics together"] });
    kit.add(table.node);
    const plot = kit.plot({ x: [data.limits[0], data.limits[data.limits.length - 1]], y: [0, Math.ceil(Math.max(...data.delay))], xLabel: "limit",
      yLabel: "days", height: 200, xTicks: [data.limits[0], data.limits[data.limits.length - 1]], yTicks: [0, Math.ceil(Math.max(...data.delay))] });
    kit.add(kit.text(`Days until a topic that falls by ${data.shift} standard errors a day is called (median), at the limits that you tried:`), plot.node);
    const open = kit.button("Open the other half", () => kit.set({ opened: true }));
    kit.row(open.node);
    let seen = new Map(), closed = true;
    return (state, { limit, fitted, other, delay }) => {
      if (!closed && !state.opened) seen = new Map(); // started again
      closed = !state.opened;
      at.set(state.at);
      at.node.querySelector("input").disabled = state.opened;
      table.set(0, 0, { text: kit.decimals(fitted) });
      table.set(1, 0, { text: state.opened ? `${kit.decimals(other)} ± ${kit.decimals(data.error[state.at])}` : "closed" });
      seen.set(limit, delay);
      const points = [...seen].sort((a, b) => a[0] - b[0]);
      plot.set([{ points, tone: "blue" }, { points: [[limit, delay]], tone: "orange", dots: true }],
        `Days until a true fall is called, at ${seen.size} limits; now ${delay}`);
      open.set(null, !state.opened);
      kit.tell(`${kit.decimals(fitted)} false alarms a month, ${delay} days`);
    };
  },
};
