const machine = {
  start: (data) => ({ at: data.start, opened: false }),

  compute(data, { at }) {
    const threshold = data.low + data.step * at; // in thousandths, as leads are
    const measured = ({ leads, answered, silent }) => {
      const found = leads.map((lead, i) => (lead > threshold ? silent[i] : answered[i]));
      const mean = (kind) => {
        const own = found.filter((_, i) => kind === null || silent[i] === kind);
        return own.reduce((sum, one) => sum + one, 0) / own.length;
      };
      return { f1: mean(null), answerable: mean(0), none: mean(1), nothing: leads.filter((lead) => lead > threshold).length };
    };
    return { threshold: threshold / 1000, validation: measured(data.validation), test: measured(data.test) };
  },

  /** What is shown of a split at each place of the slider. */
  all: (data, split) => Array.from({ length: data.places + 1 }, (_, at) => machine.compute(data, { at })[split]),

  shown: (share) => percent(share, 1),

  answered(data, state, { threshold, validation, test }) {
    const all = machine.all(data, "validation"), show = machine.shown;
    if (!state.opened || show(validation.f1) !== show(Math.max(...all.map(({ f1 }) => f1)))) return null;
    const zero = all[data.start], count = data.validation.leads.length, without = data.validation.silent.filter(Boolean).length;
    const best = Math.max(...machine.all(data, "test").map(({ f1 }) => f1));
    return `Threshold ${decimals(threshold)}: a mean F1 of ${show(validation.f1)} on the validation questions, the most on this slider (${show(all[data.places].f1)} if the model always answers, ${show(all[0].f1)} if it never does). ` +
      (state.at === data.start ? "Here 0 happens to be best. " : show(zero.f1) === show(validation.f1) ? "At 0 it is the same. " : `At 0 it is ${show(zero.f1)}: ${count - without} questions with an answer get ${show(zero.answerable)} there instead of ${show(validation.answerable)}, ` +
        `and of ${without} without one ${show(zero.none)} are right instead of ${show(validation.none)}. `) +
      "A higher threshold never harms the questions with an answer and never helps the others; the mean weighs them by their numbers, so another share of questions without an answer may want another threshold. " +
      `On the test split this one gives ${show(test.f1)}` + (show(best) !== show(test.f1) ? `; the best there is ${show(best)}, but whoever chooses by it reports luck.` : ", and no other gives more there.");
  },

  hint(data, state, { validation }) {
    const most = Math.max(...machine.all(data, "validation").map(({ f1 }) => f1));
    return state.opened && machine.shown(validation.f1) !== machine.shown(most) ? "At another threshold the validation F1 is higher: start again." : null;
  },

  build(kit, data) {
    const show = (at) => kit.decimals((data.low + data.step * at) / 1000), last = data.places, low = data.low / 1000, high = (data.low + data.step * last) / 1000;
    const at = kit.slider("Threshold", "at", { min: 0, max: last, show });
    const moves = [-1, 1].map((by) => kit.button(by < 0 ? "lower" : "higher", () => kit.set(({ at: now }) => ({ at: Math.min(last, Math.max(0, now + by)) }))));
    kit.row(at.node, ...moves.map(({ node }) => node));
    const table = kit.table({ caption: "Questions with an answer and without one", rows: ["validation", "test"], columns: ["mean F1", "F1, with one", "right, without", "said nothing"] });
    table.node.querySelectorAll("td").forEach((cell) => { cell.style.whiteSpace = "nowrap"; });
    kit.add(table.node);
    const note = kit.add(kit.text());
    // Leads of the validation questions: with an answer above the line, without one below it.
    const X = (lead) => 12 + (536 * (lead - low)) / (high - low), [up, down] = data.columns, unit = 150 / (Math.max(...up) + Math.max(...down));
    const wide = 536 / up.length, middle = 30 + unit * Math.max(...up);
    const quiet = kit.element("rect", { y: 24, height: 162, fill: "#e9edf1" }), needle = kit.element("line", { y1: 24, y2: 186, stroke: "#1f2933", "stroke-width": 2 });
    const bars = [up, down].flatMap((counts, kind) => counts.map((count, i) => kit.element("rect", { x: 12 + wide * i + 1, width: wide - 2, y: kind ? middle : middle - unit * count, height: unit * count,
      fill: kit.TONES[kind ? "orange" : "blue"][1] })));
    const far = (high - low) / 6, ticks = [low, ...(-low > far && high > far ? [0] : []), high]; // 0 stands at an end, or far from both
    const picture = kit.add(kit.element("svg", { viewBox: "0 0 560 210", role: "img" }, quiet, kit.element("line", { x1: 12, x2: 548, y1: middle, y2: middle, stroke: "#7b8794" }), ...bars, needle,
      kit.element("text", { x: 12, y: 17 }, "answers"), kit.element("text", { x: 548, y: 17, "text-anchor": "end" }, "says nothing"),
      ...ticks.map((one) => kit.element("text", { x: X(one), y: 205, "text-anchor": one === low ? "start" : one === high ? "end" : "middle" }, kit.decimals(one, 1)))));
    const square = (tone) => kit.element("span", { style: `display:inline-block;width:10px;height:14px;background:${kit.TONES[tone][1]}` });
    kit.add(kit.element("p", {}, "Leads of the validation questions: ", square("blue"), " with an answer, ", square("orange"), " without one. The upright line is the threshold."));
    const scores = machine.all(data, "validation").map(({ f1 }) => f1), bottom = Math.floor(10 * Math.min(...scores)) / 10, top = Math.max(bottom + 0.1, Math.ceil(10 * Math.max(...scores)) / 10);
    const plot = kit.plot({ x: [low, high], y: [bottom, top], xTicks: ticks, yTicks: [bottom, top], xLabel: "threshold", yLabel: "mean F1", height: 190, show: (one) => kit.decimals(one, 1) });
    kit.add(plot.node);
    const open = kit.button("Open the test split", () => kit.set({ opened: true }));
    kit.row(open.node);
    let seen = new Map(), closed = true; // seen: place on the slider -> mean F1 of what was tried
    return (state, values) => {
      if (!closed && !state.opened) seen = new Map(); // started again
      closed = !state.opened;
      at.set(state.at);
      at.node.querySelector("input").disabled = state.opened;
      moves[0].set(null, !state.opened && state.at > 0);
      moves[1].set(null, !state.opened && state.at < last);
      open.set(null, !state.opened);
      const { threshold, validation, test } = values;
      [validation, test].forEach((own, i) => [...[own.f1, own.answerable, own.none].map(machine.shown), String(own.nothing)]
        .forEach((text, j) => table.set(i, j, { text: i === 0 || state.opened ? text : "closed" })));
      seen.set(state.at, validation.f1);
      const [best, most] = [...seen].reduce((one, two) => (two[1] > one[1] ? two : one));
      note.textContent = state.opened ? "The test split is open: from here on no threshold may be chosen. To choose anew, start again."
        : `The highest validation F1 that you have tried: ${machine.shown(most)}, at ${show(best)}.`;
      quiet.setAttribute("x", X(threshold));
      quiet.setAttribute("width", 548 - X(threshold));
      ["x1", "x2"].forEach((end) => needle.setAttribute(end, X(threshold)));
      picture.setAttribute("aria-label", `Leads of the validation questions; above ${show(state.at)} nothing is said: to ${validation.nothing} of ${data.validation.leads.length}`);
      const points = [...seen].sort((a, b) => a[0] - b[0]).map(([place, f1]) => [(data.low + data.step * place) / 1000, f1]);
      plot.set([{ points, tone: "blue" }, { points: [[threshold, validation.f1]], tone: "orange", dots: true }], `Mean F1 at the ${seen.size} thresholds that you tried; now ${machine.shown(validation.f1)}`);
      kit.tell(`Validation: mean F1 ${machine.shown(validation.f1)}; with an answer ${machine.shown(validation.answerable)}, without one ${machine.shown(validation.none)} right`);
    };
  },
};
