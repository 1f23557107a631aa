const machine = {
  start: () => ({ at: 50, scaled: false, opened: false }), // the weight in hundredths

  /** Stored whole numbers as scores, as they are or with 0 for the lowest of the question and 1 for the highest. */
  scores(stored, unit, scaled) {
    const low = Math.min(...stored), range = Math.max(...stored) - low;
    return stored.map((one) => (scaled ? (range ? (one - low) / range : 0) : one / unit));
  },

  /** Place of the right candidate, from 1; null if it is not there. Equal scores stay in their order. */
  place([bm25, cosine, right], { at, scaled }) {
    if (right < 0) return null;
    const one = machine.scores(bm25, 1000, scaled), two = machine.scores(cosine, 10000, scaled), weight = at / 100;
    const sums = one.map((score, i) => (1 - weight) * score + weight * two[i]), own = sums[right];
    return 1 + sums.filter((sum, i) => sum > own + 1e-9 || (sum > own - 1e-9 && i < right)).length;
  },

  measured(questions, state) {
    const places = questions.map((question) => machine.place(question, state));
    const mean = (gain) => places.reduce((sum, place) => sum + (place === null ? 0 : gain(place)), 0) / places.length;
    return { places, recall: mean((place) => (place === 1 ? 1 : 0)), mrr: mean((place) => 1 / place) };
  },

  compute: (data, state) => ({ validation: machine.measured(data.validation, state), test: machine.measured(data.test, state) }),

  /** What a split gives at each weight. */
  all: (data, split, scaled) => Array.from({ length: 101 }, (_, at) => machine.measured(data[split], { at, scaled })),

  cache: new Map(),
  curve(data, split, scaled) {
    const key = `${split} ${scaled}`;
    if (!machine.cache.has(key)) machine.cache.set(key, machine.all(data, split, scaled));
    return machine.cache.get(key);
  },

  shown: (mrr) => decimals(mrr, 3),
  best: (data, split) => Math.max(...[false, true].flatMap((scaled) => machine.curve(data, split, scaled).map(({ mrr }) => mrr))),

  /** The first weight at which more than a tenth of the right passages stand elsewhere than by BM25 alone. */
  moves(data, scaled) {
    const all = machine.curve(data, "validation", scaled), { places } = all[0];
    return all.findIndex((one) => one.places.filter((place, i) => place !== places[i]).length > places.length / 10);
  },

  /** How far the scores of a question's candidates lie apart, on average. */
  range(data, which, unit) {
    const all = data.validation.map((question) => Math.max(...question[which]) - Math.min(...question[which]));
    return all.reduce((sum, one) => sum + one, 0) / all.length / unit;
  },

  answered(data, state, { validation, test }) {
    const show = machine.shown, most = machine.best(data, "validation");
    if (!state.opened || show(validation.mrr) !== show(most)) return null;
    const own = machine.curve(data, "validation", state.scaled), other = machine.curve(data, "validation", !state.scaled), raw = machine.curve(data, "validation", false);
    const rest = Math.max(...other.map(({ mrr }) => mrr)), where = other.findIndex(({ mrr }) => mrr === rest), best = machine.best(data, "test");
    const spans = [machine.range(data, 0, 1000), machine.range(data, 1, 10000)];
    const from = [false, true].map((scaled) => machine.moves(data, scaled)), told = from.map((at) => (at < 0 ? "at no weight" : `from weight ${decimals(at / 100)} on`));
    return `${state.scaled ? "Scaled" : "Raw"} scores, weight ${decimals(state.at / 100)}: MRR ${show(validation.mrr)} on validation, the most there is (BM25 alone ${show(own[0].mrr)}, cosine alone ${show(own[100].mrr)}; ` +
      `${state.scaled ? "raw" : "scaled"} scores at best ${show(rest)}, at ${decimals(where / 100)}). In one question BM25 scores span ${decimals(spans[0], 1)} on average, cosines ${decimals(spans[1])}` +
      (spans[0] > 5 * spans[1] ? `: added raw with equal weights, the cosine hardly counts (MRR ${show(raw[50].mrr)}). ` : ". ") +
      `More than a tenth of the right passages leave their BM25 place ${told[0]} with raw scores, ${told[1]} with scaled ones. ` +
      `On the test split your choice gives ${show(test.mrr)}` + (show(best) !== show(test.mrr) ? `; the best there is ${show(best)}, but whoever chooses by it reports luck.` : ", and no other gives more there.");
  },

  hint(data, state, { validation }) {
    return state.opened && machine.shown(validation.mrr) !== machine.shown(machine.best(data, "validation")) ? "With another choice the validation MRR is higher: start again." : null;
  },

  build(kit, data) {
    const kinds = [[false, "raw"], [true, "scaled to 0 … 1"]];
    const scaled = kit.choice("Scores", "scaled", kinds), at = kit.slider("Weight of the cosine", "at", { min: 0, max: 100, show: (one) => kit.decimals(one / 100) });
    const moves = [-1, 1].map((by) => kit.button(by < 0 ? "less" : "more", () => kit.set(({ at: now }) => ({ at: Math.min(100, Math.max(0, now + by)) }))));
    kit.row(scaled.node);
    kit.row(at.node, ...moves.map(({ node }) => node));
    kit.add(kit.text("0 is BM25 alone, 1 is the cosine alone."));
    const count = data.validation.length, bins = [["place 1", 1, 1], ["place 2", 2, 2], ["place 3", 3, 3], ["4 or 5", 4, 5], ["6 to 10", 6, 10], ["later, or not there", 11, Infinity]];
    const bars = kit.bars({ names: bins.map(([name]) => name), tones: ["green"] });
    kit.add(kit.text(`Where the right passages of the ${count} validation questions stand:`), bars.node);
    const table = kit.table({ caption: "MRR: mean of 1 / place", rows: ["validation", "test"], columns: ["recall@1", "MRR"] });
    table.node.style.marginTop = "10px";
    kit.add(table.node);
    const all = kinds.flatMap(([kind]) => machine.curve(data, "validation", kind).map(({ mrr }) => mrr));
    const bottom = Math.floor(20 * Math.min(...all)) / 20, top = Math.max(bottom + 0.05, Math.ceil(20 * Math.max(...all)) / 20);
    const square = (tone) => kit.element("span", { style: `display:inline-block;width:10px;height:14px;background:${kit.TONES[tone][1]}` });
    kit.add(kit.element("p", {}, "MRR of the validation questions at the weights that you tried: ", square("orange"), " raw, ", square("blue"), " scaled."));
    const plot = kit.plot({ x: [0, 1], y: [bottom, top], xTicks: [0, 0.25, 0.5, 0.75, 1], yTicks: [bottom, top], xLabel: "weight of the cosine", yLabel: "MRR", height: 200 });
    kit.add(plot.node);
    const note = kit.add(kit.text()), open = kit.button("Open the test split", () => kit.set({ opened: true }));
    kit.row(open.node);
    let seen = [new Map(), new Map()], closed = true; // of raw and of scaled scores: weight -> MRR of what was tried
    return (state, { validation, test }) => {
      if (!closed && !state.opened) seen = [new Map(), new Map()]; // started again
      closed = !state.opened;
      at.set(state.at);
      scaled.set(state.scaled);
      at.node.querySelector("input").disabled = scaled.node.querySelector("select").disabled = state.opened;
      moves[0].set(null, !state.opened && state.at > 0);
      moves[1].set(null, !state.opened && state.at < 100);
      open.set(null, !state.opened);
      const found = bins.map(([, low, high]) => validation.places.filter((place) => (place ?? Infinity) >= low && (place ?? Infinity) <= high).length);
      bars.set(found.map((one) => one / count), found.map(String));
      [validation, test].forEach((own, i) => [kit.percent(own.recall, 1), machine.shown(own.mrr)].forEach((text, j) => table.set(i, j, { text: i === 0 || state.opened ? text : "closed" })));
      seen[Number(state.scaled)].set(state.at, validation.mrr);
      const tried = seen.flatMap((own, kind) => [...own].map(([weight, mrr]) => ({ weight, mrr, kind }))), best = tried.reduce((one, two) => (two.mrr > one.mrr ? two : one));
      note.textContent = state.opened ? "The test split is open: from here on nothing may be chosen. To choose anew, start again."
        : `The highest validation MRR that you have tried: ${machine.shown(best.mrr)}, ${kinds[best.kind][1]}, at ${kit.decimals(best.weight / 100)}.`;
      const points = (own) => [...own].sort((a, b) => a[0] - b[0]).map(([weight, mrr]) => [weight / 100, mrr]), tones = ["orange", "blue"];
      plot.set([...seen.map((own, kind) => ({ points: points(own), tone: tones[kind] })), { points: [[state.at / 100, validation.mrr]], tone: tones[Number(state.scaled)], dots: true }],
        `Validation MRR at the ${tried.length} choices that you tried; now ${machine.shown(validation.mrr)}`);
      kit.tell(`Validation: recall at 1 ${kit.percent(validation.recall, 1)}, MRR ${machine.shown(validation.mrr)}`);
    };
  },
};
