const machine = {
  start: (data) => ({ counts: [...data.counts], step: 0 }),

  compute(data, { counts, step }) {
    let split = data.words.map((word) => [...word].map((letter, i) => (i ? "##" : "") + letter));
    const known = new Set(split.flat()), learned = [], joined = [], splits = [split];
    while (learned.length < data.steps) {
      const pairs = new Map();
      split.forEach((pieces, w) => pieces.slice(1).forEach((right, i) => {
        const pair = `${pieces[i]} ${right}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + counts[w]);
      }));
      const order = ([a, m], [b, n]) => n - m || (a < b ? -1 : 1); // the commonest; ties by the alphabet
      const sorted = [...pairs].sort(order), [best, count] = sorted[0] ?? ["", 0];
      const tied = sorted.slice(1).filter(([, n]) => n === count).map(([pair]) => pair.replace(" ", " and "));
      if (count < data.least) break;
      const [left, right] = best.split(" "), piece = left + right.replace(/^##/, "");
      split = split.map((pieces) => pieces.reduce((merged, one) => {
        // joined from the left; what was joined just now does not join again
        if (one === right && merged.open === left) { merged.list[merged.list.length - 1] = piece; merged.open = null; }
        else { merged.list.push(one); merged.open = one; }
        return merged;
      }, { list: [], open: null }).list);
      if (known.has(piece)) splits[splits.length - 1] = split;
      else {
        known.add(piece);
        learned.push(piece);
        joined.push({ left, right, count, piece, tied });
        splits.push(split);
      }
    }
    const shown = Math.min(step, learned.length);
    return { learned, joined, shown, split: splits[shown] };
  },

  /** Places of the words whose count is another than at first. */
  moved: (data, { counts }) => data.counts.map((_, w) => w).filter((w) => counts[w] !== data.counts[w]),

  answered(data, state, { learned, joined, shown }) {
    const moved = machine.moved(data, state);
    const at = learned.indexOf(data.wanted);
    if (moved.length !== 1 || at < 0 || learned.includes(data.instead) || shown <= at) return null;
    const { left, right, count, tied } = joined[at], [w] = moved;
    return `With ${data.words[w]} ${state.counts[w]} instead of ${data.counts[w]} times, ${left} and ${right} stand side by side ${count} times, and merge ` +
      `${at + 1} joins them${tied.length ? ` (as often as ${tied.join(", ")}: ties go by the alphabet)` : ""}; ${data.instead} is not among the ${data.steps} any more. Nobody told the trainer what an ending is: ` +
      "it joins what is common in the text that it was given, and another text gives another vocabulary.";
  },

  hint(data, state, { learned }) {
    const moved = machine.moved(data, state), [w] = moved, letters = data.wanted.replace("##", "");
    if (moved.length === 2) return "Two counts differ; put one back.";
    if (moved.length > 2) return `${moved.length} counts differ; put all but one back.`;
    if (!moved.length) return null;
    if (learned.includes(data.wanted)) return learned.includes(data.instead) ? `${data.wanted} is learned, but ${data.instead} still is, too.` : "Go forward to see the merges.";
    // Has a longer piece swallowed it, and would the same word with another count not?
    const longer = learned.find((piece) => piece.length > data.wanted.length && piece.endsWith(letters));
    if (!longer) return null;
    const right = Array.from({ length: data.most + 1 }, (_, n) => n).filter((n) => {
      const other = { counts: state.counts.map((one, k) => (k === w ? n : one)), step: data.steps };
      return machine.answered(data, other, machine.compute(data, other));
    });
    const way = !right.length ? "" : Math.max(...right) < state.counts[w] ? ` ${data.words[w]} is too common now: try fewer.`
      : Math.min(...right) > state.counts[w] ? ` ${data.words[w]} is too rare now: try more.` : "";
    return `Now ${longer} is joined, and ${data.wanted} is not.${way}`;
  },

  build(kit, data) {
    let shown = 0;
    const step = kit.slider("Merges done", "step", { min: 0, max: data.steps });
    const back = kit.button("Back", () => kit.set({ step: shown - 1 })), on = kit.button("Forward", () => kit.set({ step: shown + 1 }));
    kit.row(step.node, back.node, on.node);
    const list = kit.chips("merges"), told = kit.text();
    kit.add(told, list.node);
    const sliders = data.words.map((word, w) => {
      const input = kit.element("input", { type: "range", min: 0, max: data.most, "aria-label": `count of ${word}`,
        input: () => kit.set((state) => ({ counts: state.counts.map((one, k) => (k === w ? Number(input.value) : one)), step: data.steps })) });
      return input;
    });
    const cells = data.words.map(() => [kit.element("td"), kit.element("td", { class: "mono", style: "text-align:left" })]);
    const rows = data.words.map((word, w) => kit.element("tr", {}, kit.element("th", { scope: "row" }, word), cells[w][0],
      kit.element("td", {}, sliders[w]), cells[w][1]));
    kit.add(kit.element("div", { class: "scroll" }, kit.element("table", {},
      kit.element("caption", {}, "Every word, as it is cut now (## left out)"),
      kit.element("thead", {}, kit.element("tr", {}, ...["", "count", "move it", "pieces"].map((words) => kit.element("th", { scope: "col" }, words)))),
      kit.element("tbody", {}, ...rows))));
    return (state, values) => {
      step.set((shown = values.shown));
      back.set(null, values.shown > 0);
      on.set(null, values.shown < values.learned.length);
      const now = values.joined[values.shown - 1];
      told.textContent = !now ? "Before the first merge: single letters."
        : `Merge ${values.shown}: ${now.left} and ${now.right}, side by side ${now.count} times, become ${now.piece}.` +
          (now.tied.length ? ` As often: ${now.tied.join(", ")}; ties go by the alphabet.` : "") +
          (values.learned.length < data.steps && values.shown === values.learned.length ? " No other pair stands side by side twice." : "");
      list.set(values.joined.slice(0, values.shown).map(({ piece, count }, i) => ({ text: piece, small: `${i + 1}: ${count} ×`,
        tone: i === values.shown - 1 ? "orange" : "plain" })));
      data.words.forEach((word, w) => {
        sliders[w].value = state.counts[w];
        cells[w][0].textContent = String(state.counts[w]);
        for (const cell of cells[w]) cell.style.color = state.counts[w] ? "" : "#4a5763";
        rows[w].style.background = state.counts[w] ? "" : kit.TONES.grey[0];
        cells[w][0].style.fontWeight = state.counts[w] === data.counts[w] ? "normal" : "bold";
        cells[w][1].textContent = values.split[w].map((piece) => piece.replace(/^##/, "")).join(" · ");
        cells[w][1].style.background = now && values.split[w].includes(now.piece) ? kit.TONES.orange[0] : "";
      });
    };
  },
};
