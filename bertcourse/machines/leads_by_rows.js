const machine = {
  start(data) {
    const from = machine.from(data);
    return { rows: from === data.least ? data.right[0].length : data.least, other: 1 };
  },

  compute(data, { rows, other }) {
    const [one, two] = [data.right[0], data.right[other]].map((marks) => marks.slice(0, rows));
    const share = (marks) => {
      const part = marks.split("1").length - 1, mean = part / rows, error = 1.96 * Math.sqrt((mean * (1 - mean)) / rows);
      return { right: part, share: mean, low: mean - error, high: mean + error };
    };
    let first = 0, second = 0; // rows on which one alone is right
    for (let row = 0; row < rows; row++) {
      if (one[row] > two[row]) first += 1;
      if (one[row] < two[row]) second += 1;
    }
    const lead = (first - second) / rows;
    const error = 1.96 * Math.sqrt(Math.max(0, (first + second) / rows - lead * lead) / rows);
    // Sign test: how often first + second throws of a coin fall so unevenly, or more.
    const flips = first + second;
    let log = -flips * Math.log(2), chance = 0; // log of a binomial over 2 to the flips, which is too small a number itself
    for (let k = 0; k <= Math.min(first, second); k++) {
      chance += 2 * Math.exp(log);
      log += Math.log(flips - k) - Math.log(k + 1);
    }
    return { first: share(one), second: share(two), only: [first, second], lead, low: lead - error, high: lead + error,
      chance: Math.min(1, chance) };
  },

  /** The first number of rows from which on, up to the last, the interval leaves 0 out; null if it never does. */
  from(data) {
    let found = null;
    for (let rows = data.right[0].length; rows >= data.least; rows--) {
      const { low, high } = machine.compute(data, { rows, other: 1 });
      if (low <= 0 && high >= 0) break;
      found = rows;
    }
    return found;
  },

  answered(data, state, values) {
    const last = data.right[0].length, from = machine.from(data), [first, second] = values.only;
    if (state.other !== 1 || state.rows !== (from ?? last)) return null;
    const told = `${decimals(100 * values.lead, 1)} points, ${decimals(100 * values.low, 1)} to ${decimals(100 * values.high, 1)}`;
    const apart = values.first.low > values.second.high || values.second.low > values.first.high;
    return (from === null ? `All ${last} rows are too few: ${told}, which holds 0. ` : `From ${from} rows on, in this order of the rows: ${told}. `) +
      `What tells them apart are the ${first + second} rows on which one alone is right, ${first} and ${second}; the others say nothing about that. ` +
      (apart ? "Their single intervals do not even overlap." : "The two single intervals overlap: they do not know that both had the same rows.");
  },

  build(kit, data) {
    const last = data.right[0].length;
    const rows = kit.slider("Rows looked at", "rows", { min: data.least, max: last });
    const other = kit.choice(`${data.names[0]} against`, "other", data.names.slice(1).map((name, i) => [i + 1, name]));
    const steps = [-10, -1, 1, 10].map((by) => kit.button(`${by > 0 ? "+" : "−"}${Math.abs(by)}`, () =>
      kit.set(({ rows: now }) => ({ rows: Math.min(last, Math.max(data.least, now + by)) }))));
    kit.row(rows.node, ...steps.map((step) => step.node));
    kit.row(other.node);
    const lines = [0, 1, 2].map(() => kit.element("g"));
    const words = [0, 1, 2].map((i) => kit.element("text", { x: 4, y: [22, 84, 156][i] }));
    const shares = data.names.map((_, i) => (data.right[i].split("1").length - 1) / last);
    const left = Math.max(0, Math.floor(10 * Math.min(...shares) - 2) / 10); // what the two scales show; beyond, a bar is cut
    const reach = Math.ceil(10 * Math.max(...shares.map((share) => Math.abs(share - shares[0]))) + 1.5) / 10;
    const within = (value, low, high) => Math.max(low, Math.min(high, value));
    const X = (share) => 14 + (532 * (within(share, left, 1) - left)) / (1 - left), Lead = (lead) => 280 + (266 * within(lead, -reach, reach)) / reach;
    const picture = kit.add(kit.element("svg", { viewBox: "0 0 560 204", role: "img" },
      ...[0, 1].map((i) => kit.element("line", { x1: X(left), x2: X(1), y1: 40 + 62 * i, y2: 40 + 62 * i, stroke: "#d5dbe1" })),
      kit.element("line", { x1: X(left), x2: X(1), y1: 174, y2: 174, stroke: "#d5dbe1" }),
      kit.element("line", { x1: 280, x2: 280, y1: 162, y2: 186, stroke: "#1f2933", "stroke-dasharray": "3 3" }),
      kit.element("text", { x: 280, y: 201, "text-anchor": "middle" }, "0"),
      ...[-reach, reach].map((end) => kit.element("text", { x: Lead(end), y: 201, "text-anchor": end < 0 ? "start" : "end" }, `${kit.decimals(100 * end, 0)} points`)),
      ...[left, 1].map((end) => kit.element("text", { x: X(end), y: 132, "text-anchor": end < 1 ? "start" : "end" }, kit.percent(end))), ...words, ...lines));
    const table = kit.table({ caption: "Rows", rows: ["both are right", "first alone", "second alone", "neither is right"], columns: [""] });
    const scroll = kit.add(table.node), heads = scroll.querySelectorAll("th[scope=row]");
    const told = kit.add(kit.text());
    return (state, values) => {
      rows.set(state.rows);
      other.set(state.other);
      steps[0].set(null, state.rows > data.least);
      steps[1].set(null, state.rows > data.least);
      steps[2].set(null, state.rows < last);
      steps[3].set(null, state.rows < last);
      const second = data.names[state.other], clear = values.low > 0 || values.high < 0, [ours, theirs] = values.only;
      const shown = ({ share, low, high }) => `${kit.percent(share, 1)}, ${kit.decimals(100 * low, 1)} to ${kit.decimals(100 * high, 1)}`;
      words[0].textContent = `${data.names[0]}: ${shown(values.first)}`;
      words[1].textContent = `${second}: ${shown(values.second)}`;
      words[2].textContent = `difference: ${kit.decimals(100 * values.lead, 1)} points, ${kit.decimals(100 * values.low, 1)} to ${kit.decimals(100 * values.high, 1)}`;
      const draw = (group, y, place, { low, high }, mean, tone) => group.replaceChildren(
        kit.element("line", { x1: place(low), x2: place(high), y1: y, y2: y, stroke: kit.TONES[tone][1], "stroke-width": 6 }),
        kit.element("circle", { cx: place(mean), cy: y, r: 6, fill: kit.TONES[tone][1] }));
      draw(lines[0], 40, X, values.first, values.first.share, "blue");
      draw(lines[1], 102, X, values.second, values.second.share, "grey");
      draw(lines[2], 174, Lead, values, values.lead, clear ? "green" : "orange");
      picture.setAttribute("aria-label", words.map((one) => one.textContent).join("; "));
      heads[1].textContent = `${data.names[0]} alone is right`;
      heads[2].textContent = `${second} alone is right`;
      const both = values.first.right - ours;
      [both, ours, theirs, state.rows - both - ours - theirs].forEach((count, i) => table.set(i, 0, { text: String(count) }));
      told.textContent = (clear ? "The interval of the difference leaves 0 out. " : "The interval of the difference holds 0. ") +
        `A coin thrown ${ours + theirs} times falls as unevenly as ${ours} to ${theirs}, or more, in ${kit.percent(values.chance, 1)} of the cases.` +
        (Math.max(values.first.high, values.second.high) > 1 ? " An interval passes 100 %: with so few rows or errors the formula is rough." : "");
    };
  },
};
