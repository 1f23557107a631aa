const machine = {
  start: () => ({ rate: 0, most: 1, alone: false }),

  compute(data, { rate, most }) {
    let sum = 0;
    const arrivals = data.gaps.map((gap) => (sum += gap) / data.rates[rate]), waits = [], last = arrivals.length;
    let clock = 0, done = 0, batches = 0;
    while (done < last) {
      clock = Math.max(clock, arrivals[done]); // a worker without work waits for the next request, and for no other
      let here = 1;
      while (here < most && done + here < last && arrivals[done + here] <= clock) here += 1;
      clock += data.base + data.each * here;
      for (let n = done; n < done + here; n += 1) waits.push(clock - arrivals[n]);
      batches += 1;
      done += here;
    }
    const sorted = [...waits].sort((a, b) => a - b);
    return { p50: sorted[Math.floor(last / 2)], p99: sorted[Math.floor(0.99 * last)], size: last / batches, waits };
  },

  answered(data, state) {
    if (!state.alone || state.most !== data.most || state.rate !== data.together) return null;
    const one = data.rates[data.alone], many = data.rates[data.together];
    return `${decimals(one, 0)} requests per second with one text per pass, ${decimals(many, 0)} with batches: ${decimals(many / one, 1)} times as many, on the same processor. ` +
      "Nobody waits for a batch to fill: when little is asked, batches hold one text, and grow as the queue does. Close to the highest rate p99 rises steeply: leave room below it.";
  },

  hint(data, state) {
    if (!state.alone && state.most === 1 && state.rate === data.alone) return "That is the highest rate with one text per pass: note it.";
    if (state.alone && state.most !== data.most) return `Noted. Now batches of up to ${data.most}.`;
    return null;
  },

  build(kit, data) {
    const rate = kit.slider("Requests per second", "rate", { min: 0, max: data.rates.length - 1, show: (one) => kit.decimals(data.rates[one], 0) });
    const most = kit.choice("Texts in a batch, at most", "most", [1, 2, 4, 8, 16, 32].filter((one) => one <= data.most));
    const note = kit.button("Note the highest rate of single texts", () => kit.set((state) => ({ alone: state.alone || (state.most === 1 && state.rate === data.alone) })));
    kit.row(rate.node, most.node, note.node);
    const table = kit.table({ caption: "From a request's arrival to its answer", rows: ["now"], columns: ["p50", "p99", "texts in a batch"] });
    kit.add(table.node);
    const place = kit.add(kit.element("div"));
    kit.add(kit.text(`Each request's time, in the order of their arrival; dashed: ${kit.decimals(1000 * data.late, 0)} ms. A batch of n takes ${kit.decimals(1000 * data.base, 1)} + ${kit.decimals(1000 * data.each, 1)} n ms.`));
    return (state, { p50, p99, size, waits }) => {
      rate.set(state.rate);
      most.set(state.most);
      note.set(null, !state.alone && state.most === 1);
      [p50, p99].forEach((one, j) => table.set(0, j, { text: `${kit.decimals(1000 * one, 0)} ms` }));
      table.set(0, 2, { text: kit.decimals(size, 1) });
      const top = Math.ceil(10 * Math.max(1.2 * data.late, ...waits)) / 10, last = waits.length - 1;
      const plot = kit.plot({ x: [0, last], y: [0, top], xLabel: "request", yLabel: "seconds", height: 220, xTicks: [0, last], yTicks: [0, data.late, top], show: (one) => (one % 1 ? kit.decimals(one, 1) : String(one)) });
      place.replaceChildren(plot.node);
      plot.set([{ points: waits.map((one, n) => [n, one]), tone: p99 <= data.late ? "blue" : "orange" }, { points: [[0, data.late], [last, data.late]], tone: "grey", dashed: true }],
        `At ${kit.decimals(data.rates[state.rate], 0)} requests per second p99 is ${kit.decimals(1000 * p99, 0)} ms`);
      kit.tell(`p99 ${kit.decimals(1000 * p99, 0)} ms, ${kit.decimals(size, 1)} texts in a batch`);
    };
  },
};
