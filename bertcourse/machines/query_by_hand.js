const machine = {
  // One entry for each word of the query; k1 in tenths, b in hundredths.
  start: (data) => ({ on: data.words.map(() => false), k1: 12, b: 75 }),

  idf: (data) => data.held.map((held) => Math.log(1 + (data.count - held + 0.5) / (held + 0.5))),

  /** What each word gives each text, a row for a text. */
  gains(data, { k1, b }) {
    const idf = machine.idf(data);
    return data.counts.map((counts, i) => counts.map((count, j) => {
      const slow = (k1 / 10) * (1 - b / 100 + ((b / 100) * data.lengths[i]) / data.average);
      return count ? (idf[j] * count) / (count + slow) : 0;
    }));
  },

  totals: (gains, on) => gains.map((row) => row.reduce((sum, gain, j) => sum + (on[j] ? gain : 0), 0)),

  /** Texts with the same score share a place. */
  ranks: (scores) => scores.map((score) => 1 + scores.filter((other) => other > score + 1e-9).length),

  lead: (data, scores) => scores[data.wanted] - Math.max(...scores.filter((_, i) => i !== data.wanted)),

  compute(data, state) {
    const gains = machine.gains(data, state), scores = machine.totals(gains, state.on), all = data.words.map(() => true);
    const only = (j) => all.map((_, other) => other === j), but = (j) => machine.totals(gains, only(j).map((one) => !one));
    const ranks = machine.ranks(machine.totals(gains, all));
    return { idf: machine.idf(data), parts: gains.map((row) => row.map((gain, j) => (state.on[j] ? gain : 0))), scores, ranks: machine.ranks(scores),
      lead: machine.lead(data, scores), alone: all.map((_, j) => machine.lead(data, machine.totals(gains, only(j)))),
      without: all.map((_, j) => machine.lead(data, but(j))), idle: all.map((_, j) => machine.ranks(but(j)).every((rank, i) => rank === ranks[i])),
      whole: ranks[data.wanted] };
  },

  /** The word that is on alone, or off alone; else −1. */
  single: (on, value) => (on.filter((one) => one === value).length === 1 ? on.indexOf(value) : -1),

  text: (data, i) => `“${data.titles[i]}”`,

  stands: (data, j) => `in ${thousands(data.held[j])} of ${thousands(data.count)} texts`,

  /** What is asked next, of the words of the whole query: which of them answer it, each by being off alone. */
  next: (data, { whole, without, idle }) => (whole > 1 ? without.map((lead) => lead > 1e-6) : idle),

  answered(data, state, values) {
    const { idf, alone, whole } = values, j = machine.single(state.on, true), most = Math.max(...alone);
    if (j < 0 || alone[j] < 1e-6 || decimals(alone[j]) !== decimals(most)) return null;
    const rarest = idf.indexOf(Math.max(...idf)), common = idf.indexOf(Math.min(...idf)), word = (i) => `“${data.words[i]}”`, held = thousands(data.held[j]);
    return `${word(j)} alone puts it ${decimals(alone[j])} ahead. It stands ${machine.stands(data, j)}: its idf is ln(1 + (${thousands(data.count)} − ${held} + 0.5) / (${held} + 0.5)) = ${decimals(idf[j])}` +
      (idf[j] > idf[rarest] - 1e-9 ? ", and no word of the query has a higher one. "
        : `. ${word(rarest)} has a higher one, ${decimals(idf[rarest])}, ${!data.counts[data.wanted][rarest] ? "but this text does not have it" : alone[rarest] > 1e-6 ? `but puts it only ${decimals(alone[rarest])} ahead` : "but does not put it in front"}. `) +
      (idf[common] < idf[j] / 4 ? `${word(common)}, ${machine.stands(data, common)}, has ${decimals(idf[common])}: the more texts have a word, the less it tells them apart. ` : "") +
      (!machine.next(data, values).some(Boolean) ? "" : `Now switch all words on, and ONE off so that ${whole > 1 ? `${machine.text(data, data.wanted)} comes to the front` : "every place stays as it is"}.`);
  },

  /** What the word that is off has done, once it is looked for as the answer says. */
  after(data, state, values) {
    const j = machine.single(state.on, false), gains = machine.gains(data, state), word = `Without “${data.words[j]}”, ${j < 0 ? "" : machine.stands(data, j)}, `;
    if (j < 0 || !machine.next(data, values)[j]) return null;
    if (values.whole === 1) return `${word}every place stays: it gives these texts at most ${decimals(Math.max(...gains.map((row) => row[j])))}.`;
    const scores = machine.totals(gains, data.words.map(() => true)), first = scores.indexOf(Math.max(...scores));
    return `${word}${machine.text(data, data.wanted)} is in front. The word gave ${machine.text(data, first)} ${decimals(gains[first][j])} and this text ${decimals(gains[data.wanted][j])}: ` +
      "BM25 weighs a word by how rare it is, whatever the question means.";
  },

  hint(data, state, { ranks, lead, alone }) {
    const count = state.on.filter(Boolean).length;
    if (lead < 1e-6 || ranks[data.wanted] !== 1) return null;
    if (count > 1) return count < data.words.length ? `In front, with ${count} words. The question is about one.` : null;
    return decimals(lead) !== decimals(Math.max(...alone)) ? `In front, by ${decimals(lead)}. Another word alone does more.` : null;
  },

  build(kit, data) {
    const tones = ["blue", "orange", "green", "pink", "yellow", "grey"].map((tone) => kit.TONES[tone]), tone = (j) => tones[j % tones.length];
    const buttons = data.words.map((word, j) => {
      const button = kit.button("", () => kit.set(({ on }) => ({ on: on.map((one, other) => (other === j ? !one : one)) })));
      button.node.append(word, kit.element("small", { style: "display:block" }, `in ${kit.thousands(data.held[j])}`));
      return button.node;
    });
    kit.add(kit.text(`Words of the query, each with the number of texts that have it, of ${kit.thousands(data.count)}:`));
    kit.row(...buttons);
    const every = (value) => kit.set({ on: data.words.map(() => value) });
    kit.row(kit.button("all on", () => every(true)).node, kit.button("all off", () => every(false)).node);
    const rows = data.titles.map((title, i) => {
      const name = kit.element("b", { style: i === data.wanted ? "" : "font-weight:normal" }), score = kit.element("b"), found = kit.element("small", { style: "display:block;min-height:1.4em" });
      const pieces = data.words.map((_, j) => kit.element("span", { style: "box-sizing:border-box;overflow:hidden;white-space:nowrap;height:22px;font-size:13px;text-align:center;" +
        `background:${tone(j)[0]};border:1.5px solid ${tone(j)[1]}` }));
      const node = kit.element("div", { style: `padding:3px 6px;border-left:4px solid ${i === data.wanted ? kit.TONES.green[1] : "transparent"};background:${i === data.wanted ? "#e4f4ed" : "#fff"}` },
        kit.element("div", { style: "display:flex;gap:8px;justify-content:space-between" }, kit.element("span", {}, name, kit.element("small", {}, ` ${data.lengths[i]} words`)), score),
        kit.element("div", { style: "display:flex;height:22px;background:#f3f5f7", "aria-hidden": "true" }, ...pieces), found);
      return { node, name, score, pieces, found };
    });
    const list = kit.add(kit.element("div", { role: "group", "aria-label": "texts, best first" }));
    const k1 = kit.slider("k1", "k1", { min: 0, max: 30, show: (one) => kit.decimals(one / 10, 1) });
    const b = kit.slider("b", "b", { min: 0, max: 100, step: 5, show: (one) => kit.decimals(one / 100) });
    kit.row(k1.node, b.node);
    kit.add(kit.text(`k1: the higher, the more it counts that a word is there again. b: the higher, the more a text loses that is longer than the mean, ${kit.decimals(data.average, 0)} words.`));
    return (state, values) => {
      k1.set(state.k1);
      b.set(state.b);
      buttons.forEach((node, j) => {
        node.setAttribute("aria-pressed", String(state.on[j]));
        Object.assign(node.style, state.on[j] ? { background: tone(j)[0], borderColor: tone(j)[1], boxShadow: `inset 0 0 0 1px ${tone(j)[1]}` } : { background: "#fff", borderColor: "#7b8794", boxShadow: "none" });
      });
      const most = Math.max(...machine.totals(machine.gains(data, state), data.words.map(() => true))) || 1;
      rows.forEach(({ name, score, pieces, found }, i) => {
        name.textContent = `${values.scores[i] > 0 ? `${values.ranks[i]}.` : "–"} ${data.titles[i]}`;
        score.textContent = kit.decimals(values.scores[i]);
        pieces.forEach((piece, j) => {
          const share = values.parts[i][j] / most;
          piece.style.display = share > 0 ? "block" : "none";
          piece.style.width = `${100 * share}%`;
          piece.textContent = share > 0.014 * (data.words[j].length + 2) ? data.words[j] : "";
        });
        found.textContent = data.words.map((word, j) => (state.on[j] && data.counts[i][j] ? `${word} ×${data.counts[i][j]}` : "")).filter(Boolean).join(", ") || (state.on.some(Boolean) ? "none of these words" : "");
      });
      const order = rows.map((_, i) => i).sort((x, y) => values.ranks[x] - values.ranks[y] || x - y);
      list.replaceChildren(...order.map((i) => rows[i].node));
      const on = data.words.filter((_, j) => state.on[j]);
      kit.tell(`${on.length ? on.join(" ") : "no word"}: ${machine.text(data, data.wanted)} in place ${values.ranks[data.wanted]} of ${data.titles.length}, score ${kit.decimals(values.scores[data.wanted])}`);
    };
  },
};
