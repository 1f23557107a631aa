const machine = {
  // alpha and size are places in the lists; so many calibration sets are drawn.
  start: (data) => ({ alpha: data.asked[0], size: 0, draws: 1 }),

  cache: { orders: [], found: new Map() },

  /** Draw number d shuffles the questions by the seed d: its first ones calibrate, as many as n. */
  order(data, draw) {
    const { orders } = machine.cache, all = data.confidence.length, most = data.sizes[data.sizes.length - 1];
    for (let number = orders.length + 1; number <= draw; number++) {
      const random = generator(number), order = data.confidence.map((_, i) => i);
      for (let place = 0; place < most; place++) {
        const other = place + Math.floor(random() * (all - place));
        [order[place], order[other]] = [order[other], order[place]];
      }
      orders.push(order.slice(0, most));
    }
    return orders[draw - 1];
  },

  /** What one draw leads to. Questions are stored with the highest confidence first. */
  once(data, alpha, n, draw) {
    const all = data.confidence.length, chosen = new Uint8Array(all), thousandths = data.alphas[alpha];
    for (const i of machine.order(data, draw).slice(0, n)) chosen[i] = 1;
    let wrong = 0, kept = null, end = 0; // wrong: of the chosen ones that are answered; end: so many questions reach the threshold
    for (let i = 0, seen = 0; i < all; ) {
      const value = data.confidence[i];
      let here = 0;
      for (; i < all && data.confidence[i] === value; i++) if (chosen[i]) { here += 1; seen += data.right[i] === "0"; }
      if (1000 * (seen + 1) > thousandths * (n + 1)) break;
      if (here) [wrong, kept, end] = [seen, value, i];
    }
    let answered = 0, false_ = 0;
    for (let i = 0; i < end; i++) if (!chosen[i]) { answered += 1; false_ += data.right[i] === "0"; }
    return { risk: false_ / (all - n), coverage: answered / (all - n), threshold: kept === null ? null : kept / 1e6, wrong, answered, false_ };
  },

  /** All draws so far of a promise and a size; what was computed once is kept. */
  all(data, alpha, size, draws) {
    const key = `${alpha} ${size}`, { found } = machine.cache;
    if (!found.has(key)) found.set(key, []);
    const own = found.get(key);
    while (own.length < draws) own.push(machine.once(data, alpha, data.sizes[size], own.length + 1));
    return own.slice(0, draws);
  },

  mean: (list, name) => list.reduce((sum, one) => sum + one[name], 0) / list.length,

  compute(data, { alpha, size, draws }) {
    const all = machine.all(data, alpha, size, draws), promise = data.alphas[alpha] / 1000, n = data.sizes[size], last = all[draws - 1];
    return { promise, n, risks: all.map((one) => one.risk), last, broken: all.filter((one) => one.risk > promise + 1e-9).length,
      risk: machine.mean(all, "risk"), coverage: machine.mean(all, "coverage"), allowed: Math.floor((data.alphas[alpha] * (n + 1)) / 1000 - 1 + 1e-9) };
  },

  shown: (share) => percent(share, 1),
  words: (thousandths) => `${thousandths / 10} %`,

  /** Whether so large a share is answered, as it is shown. */
  enough: (data, coverage) => Number((100 * coverage).toFixed(1)) >= data.asked[1],

  /** The first size at which enough is answered in these draws. */
  first: (data, draws) => data.sizes.findIndex((_, size) => machine.enough(data, machine.mean(machine.all(data, data.asked[0], size, draws), "coverage"))),

  answered(data, state, values) {
    if (state.alpha !== data.asked[0] || state.draws < data.draws[0] || state.size !== machine.first(data, state.draws)) return null;
    const { n, risk, coverage, broken, promise, risks } = values, { draws } = state, show = machine.shown, before = data.sizes[state.size - 1];
    const less = machine.mean(machine.all(data, state.alpha, state.size - 1, draws), "coverage");
    const spread = Math.sqrt(risks.reduce((sum, one) => sum + (one - risk) ** 2, 0) / (draws - 1) / draws), over = risk - promise;
    const least = Math.ceil(1000 / data.alphas[state.alpha]) - 1, told = machine.words(data.alphas[state.alpha]);
    return `With n = ${n} it answers ${show(coverage)} on average over ${draws} draws, with ${before} only ${show(less)}. ` +
      `${broken} of ${draws} draws broke the promise; their mean, ${show(risk)}, ` +
      (over <= 0 ? "keeps it. " : over <= 2 * spread ? `lies above it by less than two standard errors (${show(2 * spread)}): it keeps it as far as ${draws} draws can tell. ` : "breaks it too. ") +
      `So ${told} is no promise about the one set that a desk was calibrated on, but about the average over all that it might have been given. ` +
      `(Some of the scatter comes from the measuring: ${thousands(data.confidence.length - n)} questions do it.) ` +
      `Few questions can promise little, for the 1 that is added weighs more: (0 + 1) / (n + 1) is at most ${told} only from n = ${least} on; with fewer, nothing can be answered.`;
  },

  hint(data, state, values) {
    const told = machine.words(data.alphas[data.asked[0]]);
    if (state.draws < data.draws[0]) return state.draws > 1 ? `Draw ${data.draws[0]}: a few draws say little about the mean.` : null;
    if (state.alpha !== data.asked[0]) return `The question is about a promise of ${told}.`;
    return machine.enough(data, values.coverage) && state.size > machine.first(data, state.draws) ? "That is enough; but a smaller n is, too." : null;
  },

  build(kit, data) {
    const all = data.confidence.length, [many, most] = data.draws;
    const alpha = kit.slider("Promise", "alpha", { min: 0, max: data.alphas.length - 1, show: (i) => `at most ${machine.words(data.alphas[i])} wrong` });
    const size = kit.slider("Calibration questions", "size", { min: 0, max: data.sizes.length - 1, show: (i) => `n = ${data.sizes[i]}` });
    const draw = (more) => () => kit.set(({ draws }) => ({ draws: Math.min(most, draws < many && more > 1 ? many : draws + more) }));
    const buttons = [kit.button("Draw one more", draw(1)), kit.button(`Draw ${many}`, draw(many))], clear = kit.button("Back to one", () => kit.set({ draws: 1 }));
    kit.row(alpha.node, size.node);
    kit.row(...buttons.map(({ node }) => node), clear.node);
    const told = kit.add(kit.text("", { style: "min-height:4.4em" }));
    const table = kit.table({ caption: "All other questions", rows: ["this draw", "mean"], columns: ["wrong answers", "answered"] });
    kit.add(table.node);
    const heads = table.node.querySelectorAll("th[scope=row]");
    // Dots at their risk, from 0 to three promises; the promise is the dashed line, the mean a triangle below the axis.
    const left = 20, right = 540, base = 170, top = 34, bins = 48, dots = kit.element("g");
    const tick = (at, words) => kit.element("text", { x: left + ((right - left) * at) / 3, y: 205, "text-anchor": at === 0 ? "start" : at === 3 ? "end" : "middle" }, words);
    const marks = [0, 1, 2, 3].map((at) => tick(at, "")), promise = left + (right - left) / 3;
    const mean = kit.element("polygon", { fill: "#1f2933" });
    const picture = kit.add(kit.element("svg", { viewBox: "0 0 560 212", role: "img", style: "margin-top:10px" }, kit.element("line", { x1: left, x2: right, y1: base, y2: base, stroke: "#7b8794" }),
      kit.element("line", { x1: promise, x2: promise, y1: 8, y2: base, stroke: "#1f2933", "stroke-width": 2, "stroke-dasharray": "6 4" }),
      kit.element("text", { x: promise + 8, y: 20 }, "the promise"), dots, mean, ...marks));
    const note = kit.add(kit.text());
    return (state, values) => {
      alpha.set(state.alpha);
      size.set(state.size);
      for (const button of buttons) button.set(null, state.draws < most);
      clear.set(null, state.draws > 1);
      const { n, last, risks, broken, allowed } = values, word = machine.words(data.alphas[state.alpha]), rest = all - n;
      const sum = (wrong) => `(${wrong} + 1) / (${n} + 1) = ${machine.shown((wrong + 1) / (n + 1))}`;
      told.textContent = last.threshold === null
        ? `Draw ${state.draws}: no threshold keeps the promise` + (allowed < 0 ? `, since ${sum(0)} is more than ${word}: nothing is answered.` : ": the surest of the calibration answers is wrong. Nothing is answered.")
        : `Draw ${state.draws}: from a confidence of ${kit.decimals(last.threshold, 3)} on, ${last.wrong} of the ${n} would get a wrong answer: ${sum(last.wrong)}, at most ${word}. ` +
          `Of the other ${kit.thousands(rest)} questions ${last.answered} are answered, ${last.false_} wrongly: ${machine.shown(last.risk)}, ${last.risk > values.promise + 1e-9 ? "more than promised" : "as promised"}.`;
      heads[1].textContent = `mean of ${state.draws}`;
      [last, values].forEach((own, i) => [own.risk, own.coverage].forEach((share, j) => table.set(i, j, { text: machine.shown(share) })));
      marks.forEach((mark, at) => { mark.textContent = machine.words(at * data.alphas[state.alpha]); });
      const far = 3 * values.promise, X = (risk) => left + ((right - left) * Math.min(risk, far)) / far, stacks = new Map();
      const placed = risks.map((risk) => {
        const bin = Math.min(bins - 1, Math.max(0, Math.ceil((bins * risk) / far - 1e-9) - 1)), height = stacks.get(bin) ?? 0;
        stacks.set(bin, height + 1);
        return { bin, height, risk };
      });
      const up = Math.min(9, (base - top - 8) / Math.max(...stacks.values()));
      dots.replaceChildren(...placed.map(({ bin, height, risk }, i) => {
        const over = risk > values.promise + 1e-9, tone = kit.TONES[over ? "orange" : "blue"][1], now = i === risks.length - 1;
        return kit.element("circle", { cx: left + ((right - left) * (bin + 0.5)) / bins, cy: base - 6 - up * height, r: now ? 6 : 4.5, fill: over ? "#fff" : tone, stroke: now ? "#1f2933" : tone, "stroke-width": 2 });
      }));
      const x = X(values.risk), beyond = risks.filter((risk) => risk > far).length;
      mean.setAttribute("points", `${x},${base + 3} ${x - 9},${base + 18} ${x + 9},${base + 18}`);
      const summary = `${broken} of ${state.draws} ${state.draws === 1 ? "draw" : "draws"} broke the promise of ${word}; mean ${machine.shown(values.risk)} wrong, ${machine.shown(values.coverage)} answered`;
      picture.setAttribute("aria-label", `Share of wrong answers, a dot for each draw, and their mean: ${summary}`);
      note.textContent = `Each dot is a draw, at its share of wrong answers: ring over the promise, filled within it, a dark edge for the last; ▲ their mean. ${broken} of ${state.draws} broke the promise` +
        (beyond ? `; ${beyond} ${beyond === 1 ? "lies" : "lie"} further right than drawn.` : ".");
      kit.tell(`n = ${n}: ${summary}`);
    };
  },
};
