const machine = {
  start: () => ({ slack: 10, limit: 20 }),

  compute(data, { slack, limit }) {
    const less = slack / 20, most = 1 + limit / 10, sums = [], alarms = [];
    let total = 0;
    data.values.forEach((value, day) => {
      if (value !== null) total = Math.max(0, total + value - less); // nothing seen: the sum stays
      sums.push(total);
      if (total > most) {
        alarms.push(day);
        total = 0;
      }
    });
    const right = alarms.filter((day) => day >= data.first);
    return { sums, alarms, wrong: alarms.length - right.length, delay: right.length ? right[0] - data.first : -1 };
  },

  answered(data, state, { wrong, delay }) {
    if (wrong || delay !== data.best) return null;
    return `Slack ${decimals(state.slack / 20)}, limit ${decimals(1 + state.limit / 10, 1)}: no alarm before ${data.days[data.first]}, the first ` +
      `${delay === 0 ? "on the very first day with a page" : `${delay} days with a page behind it`}. But you have chosen both on the days that they are judged by, ` +
      "event included: on another series these settings promise nothing. A limit is fitted on the past alone.";
  },

  build(kit, data) {
    const slack = kit.slider("Slack", "slack", { min: 0, max: 30, show: (one) => kit.decimals(one / 20) });
    const limit = kit.slider("Limit", "limit", { min: 0, max: 90, show: (one) => kit.decimals(1 + one / 10, 1) });
    kit.row(slack.node, limit.node);
    const place = kit.add(kit.element("div"));
    const table = kit.table({ caption: "Alarms", rows: ["days"], columns: [`before ${data.days[data.first]}: false`, "from then on", "days until the first"] });
    kit.add(table.node);
    kit.add(kit.text(`The line is the sum of each day with a page; blue: from ${data.days[data.first]} on; dots: alarms; dashed: the limit.`));
    return (state, { sums, alarms, wrong, delay }) => {
      slack.set(state.slack);
      limit.set(state.limit);
      const most = 1 + state.limit / 10, top = Math.ceil(1.1 * Math.max(most, ...sums)), last = sums.length - 1;
      const plot = kit.plot({ x: [0, last], y: [0, top], xLabel: "day with a page", yLabel: "sum", height: 220,
        xTicks: [0, data.first, last], yTicks: [0, top] });
      place.replaceChildren(plot.node);
      const points = sums.map((sum, day) => [day, sum]);
      plot.set([{ points: points.slice(0, data.first + 1), tone: "grey" }, { points: points.slice(data.first), tone: "blue" },
        { points: [[0, most], [last, most]], tone: "orange", dashed: true },
        ...alarms.map((day) => ({ points: [[day, sums[day]]], tone: "orange", dots: true }))],
      `Sums of ${sums.length} days, the highest ${kit.decimals(Math.max(...sums), 1)}; alarms: ${wrong} before ${data.days[data.first]}, ${alarms.length - wrong} from then on`);
      [String(wrong), String(alarms.length - wrong), delay < 0 ? "none" : String(delay)].forEach((text, j) => table.set(0, j, { text }));
      kit.tell(`${wrong} false alarms, ${alarms.length - wrong} others`);
    };
  },
};
