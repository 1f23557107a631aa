const machine = {
  start(data) {
    const off = ([number]) => Math.abs(Math.abs(data.ratings[number].reduce((sum, one) => sum + one, 0)) - data.ratings[0].length / 2);
    const look = data.texts.reduce((one, two) => (off(two) < off(one) ? two : one))[0]; // the text whose mean is next to a border
    return { asked: 1, first: 0, look, said: null }; // said: for how many raters the button was pressed
  },

  /** The class of a mean of `count` ratings with this sum; in whole numbers, so that a border is met exactly. */
  classOf: (sum, count) => Number(2 * sum >= -count) + Number(2 * sum > count),

  /** Pearson's r. */
  r(one, two) {
    const mean = (list) => list.reduce((sum, x) => sum + x, 0) / list.length, [a, b] = [mean(one), mean(two)];
    let both = 0, first = 0, second = 0;
    one.forEach((x, i) => { both += (x - a) * (two[i] - b); first += (x - a) ** 2; second += (two[i] - b) ** 2; });
    return both / Math.sqrt(first * second);
  },

  /** One way to ask: from rater `first` on, in a circle. */
  once(data, asked, first) {
    const raters = data.ratings[0].length, others = raters - asked;
    const rows = data.ratings.map((row) => {
      let mine = 0, all = 0;
      row.forEach((rating, i) => { all += rating; if ((i - first + raters) % raters < asked) mine += rating; });
      const classes = [machine.classOf(mine, asked), machine.classOf(all - mine, others), machine.classOf(all, raters)];
      // Near a border: the mean of all at most a quarter from it.
      return { mine: mine / asked, other: (all - mine) / others, all: all / raters, classes, near: Math.abs(Math.abs(all) - raters / 2) <= raters / 4 };
    });
    const [mine, other, all] = ["mine", "other", "all"].map((name) => rows.map((row) => row[name]));
    const moved = rows.filter((row) => row.classes[0] !== row.classes[1]);
    return { mine, other, all, classes: rows.map((row) => row.classes), near: rows.filter((row) => row.near).length,
      rAll: machine.r(mine, all), rOthers: machine.r(mine, other), movedAll: rows.filter((row) => row.classes[0] !== row.classes[2]).length,
      movedOthers: moved.length, movedNear: moved.filter((row) => row.near).length };
  },

  compute(data, { asked, first }) {
    const ways = data.ratings[0].map((_, way) => machine.once(data, asked, way));
    const mean = (name) => ways.reduce((sum, way) => sum + way[name], 0) / ways.length;
    return { ...ways[first], mean: Object.fromEntries(["rAll", "rOthers", "movedAll", "movedOthers", "movedNear"].map((name) => [name, mean(name)])) };
  },

  /** For 1, 2, … raters asked the r with the others, a mean over all ways. */
  agreement: (data) => data.ratings[0].slice(1).map((_, i) => machine.compute(data, { asked: i + 1, first: 0 }).mean.rOthers),

  answered(data, state, { mean, near }) {
    const all = machine.agreement(data), raters = data.ratings[0].length, last = raters - 1, count = data.ratings.length;
    if (state.said !== state.asked || mean.rOthers.toFixed(3) !== Math.max(...all).toFixed(3)) return null; // as it is shown
    const ends = machine.compute(data, { ...state, asked: last }).mean, half = all[raters / 2 - 1];
    return `${state.asked} against the other ${raters - state.asked}: r = ${decimals(mean.rOthers, 3)}. A mean of few is noisy on whichever side it stands: with ${last} asked one other is left, ` +
      `and r is ${decimals(ends.rOthers, 3)}, as with 1 asked. That ${last} agree with all ${raters} (r = ${decimals(ends.rAll, 3)}) says nothing: they are ${last} of the ${raters}. ` +
      `So one compares halves (${decimals(half, 3)}) and computes from them what the mean of all ${raters} would correlate with, ${raters} others: 2r / (1 + r) = ${decimals((2 * half) / (1 + half), 3)}. ` +
      `Even here ${decimals(mean.movedOthers, 1)} of ${count} sentences get another class from the others` +
      (mean.movedOthers > 0 ? `. ${percent(mean.movedNear / mean.movedOthers)} of these lie at a border (the mean of all is at most 0.25 from −0.5 or 0.5), of all sentences ${percent(near / count)}.` : ".");
  },

  build(kit, data) {
    const raters = data.ratings[0].length, last = raters - 1, count = data.ratings.length;
    const asked = kit.slider("Raters asked", "asked", { min: 1, max: last, show: (one) => `${one} of ${raters}` });
    const again = kit.button("Ask other people", () => kit.set(({ first }) => ({ first: (first + 1) % raters })));
    const say = kit.button("They agree best here", () => kit.set(({ asked: now }) => ({ said: now })));
    const verdict = kit.element("span", { role: "status" });
    kit.row(asked.node, again.node);
    kit.row(say.node, verdict);
    const table = kit.table({ caption: `Means over ${raters} ways to ask`, rows: [`the asked and all ${raters}`, "the asked and the others"],
      columns: ["r", `another class, of ${count}`] });
    const heads = kit.add(table.node).querySelectorAll("th[scope=row]");
    const ticks = [-4, -2, 0, 2, 4], plot = kit.plot({ x: [-4, 4], y: [-4, 4], xTicks: ticks, yTicks: ticks, xLabel: "mean of the others", yLabel: "mean of the asked",
      height: 330, show: (one) => kit.decimals(one, 0) });
    kit.add(plot.node);
    const told = kit.add(kit.text());
    const pick = kit.choice("One sentence", "look", data.texts.map(([number, text]) => [number, text.length > 40 ? `${text.slice(0, 39)}…` : text]));
    pick.node.style.minWidth = pick.node.querySelector("select").style.minWidth = 0; // a long text may not push it out of the frame
    kit.row(pick.node);
    const words = kit.add(kit.text()), chips = kit.chips("its ratings");
    kit.add(chips.node);
    return (state, values) => {
      asked.set(state.asked);
      pick.set(state.look);
      const { mean } = values, others = raters - state.asked;
      heads[1].textContent = `the asked and the other ${others}`;
      [[mean.rAll, mean.movedAll], [mean.rOthers, mean.movedOthers]].forEach(([r, moved], i) => {
        table.set(i, 0, { text: kit.decimals(r, 3) });
        table.set(i, 1, { text: kit.decimals(moved, 1) });
      });
      const borders = [-0.5, 0.5].flatMap((one) => [{ points: [[one, -4], [one, 4]], tone: "grey", dashed: true }, { points: [[-4, one], [4, one]], tone: "grey", dashed: true }]);
      plot.set(borders, `${count} sentences, mean of the asked against mean of the others; ${values.movedOthers} have another class`);
      plot.curves.append(...values.mine.flatMap((one, i) => {
        const moved = values.classes[i][0] !== values.classes[i][1], [cx, cy, tone] = [plot.X(values.other[i]), plot.Y(one), kit.TONES[moved ? "orange" : "blue"][1]];
        return [...(i === state.look ? [kit.element("circle", { cx, cy, r: 10, fill: "none", stroke: "#1f2933", "stroke-width": 2 })] : []),
          kit.element("circle", { cx, cy, r: 5, fill: moved ? "#fff" : tone, stroke: tone, "stroke-width": 2 })];
      }));
      told.textContent = `With ${state.asked === 1 ? "this one" : `these ${state.asked}`} asked, ${values.movedOthers} of ${count} sentences get another class from the others (orange rings). Dashed: the borders of the classes.`;
      const at = state.look, name = (i) => data.classes[values.classes[at][i]];
      words.textContent = `“${data.texts.find(([number]) => number === at)[1]}” Asked: ${kit.decimals(values.mine[at])}, ${name(0)}. The others: ${kit.decimals(values.other[at])}, ${name(1)}. All: ${kit.decimals(values.all[at])}, ${name(2)}.`;
      chips.set(data.ratings[at].map((rating, i) => ({ text: kit.decimals(rating, 0), tone: (i - state.first + raters) % raters < state.asked ? "blue" : "grey" })));
      const said = state.said === state.asked;
      say.set(null, !said);
      verdict.textContent = said && !machine.answered(data, state, values) ? `r = ${kit.decimals(mean.rOthers, 3)}: with another number they agree better.` : "";
    };
  },
};
