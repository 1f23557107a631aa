const machine = {
  // Places on the sliders: 0 is [CLS], 1 the first token of the window.
  start: (data) => ({ first: data.begin[0], last: data.begin[1] }),

  token: (data, place) => (place === 0 ? 0 : data.before + place - 1),

  inside: (data, token) => token < data.tokens.length && data.tokens[token].startsWith("##"),

  /** Why a pair of tokens is no span of the window; nothing if it is one. */
  fault(data, first, last) {
    if (first === 0 || last === 0) return "one of both is [CLS], which stands for “no answer” as first and as last token";
    if (last < first) return "it ends before it begins";
    if (last - first + 1 > data.longest) return `it has ${last - first + 1} pieces, more than ${data.longest}`;
    if (machine.inside(data, first)) return "it begins inside of a word";
    return machine.inside(data, last + 1) ? "it ends inside of a word" : null;
  },

  /** All spans that are allowed: [first, last, sum in hundredths]. */
  spans(data) {
    const found = [];
    for (let first = data.before; first < data.tokens.length - 1; first++)
      for (let last = first; last < data.tokens.length - 1; last++)
        if (!machine.fault(data, first, last)) found.push([first, last, data.starts[first] + data.ends[last]]);
    return found;
  },

  compute(data, state) {
    const first = machine.token(data, state.first), last = machine.token(data, state.last), all = machine.spans(data);
    const sum = data.starts[first] + data.ends[last], none = first === 0 && last === 0, fault = none ? null : machine.fault(data, first, last);
    const above = all.filter(([, , other]) => other > sum).length;
    return { first, last, start: data.starts[first] / 100, end: data.ends[last] / 100, sum: sum / 100, none, fault, allowed: !fault,
      rank: fault || none ? null : above + 1, above, count: all.length, best: Math.max(...all.map(([, , other]) => other)) / 100,
      nothing: (data.starts[0] + data.ends[0]) / 100 };
  },

  /** The tokens of the window with the highest start score and the highest end score, each by itself. */
  highest: (data) => [data.starts, data.ends].map((scores) => {
    const own = scores.slice(data.before, -1);
    return data.before + own.indexOf(Math.max(...own));
  }),

  words: (data, first, last) => `“${data.tokens.slice(first, last + 1).join(" ").replaceAll(" ##", "")}”`,

  added: (one, two) => `${decimals(one)} ${two < 0 ? "−" : "+"} ${decimals(Math.abs(two))} = ${decimals(one + two)}`,

  answered(data, state, { first, last, start, end, rank, count, nothing, sum }) {
    if (rank !== 1) return null;
    const [one, two] = machine.highest(data), kept = [first === one, last === two], [a, b] = data.gold, lead = nothing - sum;
    return `${machine.words(data, first, last)} is worth most: ${machine.added(start, end)}, the most of ${count} spans. The highest start score and the highest end score make ` +
      `${decimals((data.starts[one] + data.ends[two]) / 100)}, and no span: ${machine.fault(data, one, two)}. ` +
      (kept[0] ? "The best span keeps that start, with another end. " : kept[1] ? "The best span keeps that end, with another start. " : "The best span has neither of the two. ") +
      "So one adds up pairs, and looks through all that are allowed. " +
      (a === 0 ? "The text has no answer to this question" : first === a && last === b ? "It is the right answer" : `The right answer is ${machine.words(data, a, b)}` + (first <= b && a <= last ? ", which it overlaps" : ", elsewhere")) +
      `; “no answer” is worth ${decimals(nothing)}, ${decimals(Math.abs(lead))} ${lead > 0 ? "more" : "less"}.`;
  },

  hint(data, state, { first, last, none }) {
    const [one, two] = machine.highest(data);
    if (none) return "That is “no answer”. The question is about the spans of the text.";
    return first === one && last === two ? "These are the highest start score and the highest end score of the text, and no span." : null;
  },

  build(kit, data) {
    const most = data.tokens.length - 1 - data.before, names = ["first", "last"], scores = [data.starts, data.ends], tones = ["blue", "orange"];
    const lowest = Math.min(...data.starts, ...data.ends), range = Math.max(...data.starts, ...data.ends) - lowest;
    const marks = [], chips = data.tokens.map((token, i) => {
      const bars = scores.map((own, j) => kit.element("div", { style: `width:10px;height:${2 + (32 * (own[i] - lowest)) / range}px;background:${kit.TONES[tones[j]][1]}` }));
      marks.push(kit.element("small", { style: i > 0 && i < data.before ? "display:none" : "min-height:1.3em;font-weight:bold" })); // the question cannot be chosen
      return kit.element("span", { class: "chip", style: "min-width:46px;max-width:100%;white-space:normal;overflow-wrap:anywhere" },
        kit.element("div", { style: "display:flex;align-items:flex-end;gap:3px;height:34px" }, ...bars), token, marks[i]);
    });
    const square = (tone) => kit.element("span", { style: `display:inline-block;width:10px;height:14px;background:${kit.TONES[tone][1]}` });
    kit.add(kit.element("p", {}, square("blue"), " start score, ", square("orange"), ` end score; bars begin at the lowest, ${kit.decimals(lowest / 100, 1)}. Grey: the question, where no answer lies. [CLS], at the left end of the sliders, stands for “no answer”.`),
      kit.element("div", { class: "chips", role: "group", "aria-label": "what the model reads" }, ...chips));
    const told = kit.add(kit.text());
    const sliders = names.map((name, i) => {
      const show = (place) => `${data.tokens[machine.token(data, place)]} (${kit.decimals(scores[i][machine.token(data, place)] / 100)})`;
      const slider = kit.slider(i ? "Last token" : "First token", name, { min: 0, max: most, show });
      slider.node.querySelector("output").style.minWidth = "9em"; // so that it moves nothing beside it
      const moves = [-1, 1].map((by) => kit.button(by < 0 ? "←" : "→", () => kit.set((now) => ({ [name]: Math.min(most, Math.max(0, now[name] + by)) }))).node);
      moves.forEach((node, j) => node.setAttribute("aria-label", `${name} token: one to the ${j ? "right" : "left"}`));
      kit.row(kit.element("span", {}, moves[0], " ", moves[1]), slider.node);
      return slider;
    });
    return (state, values) => {
      const { first, last, start, end, rank, count, above, none, fault, nothing } = values;
      sliders.forEach((slider, i) => slider.set(state[names[i]]));
      chips.forEach((chip, i) => {
        const ends = [first === i && "first", last === i && "last"].filter(Boolean), within = first <= i && i <= last;
        const tone = within && !fault ? "green" : ends.length ? "pink" : i === 0 ? "yellow" : i >= data.before ? "plain" : "grey";
        chip.style.background = kit.TONES[tone][0];
        chip.style.borderColor = kit.TONES[tone][1];
        chip.style.boxShadow = ends.length ? `inset 0 0 0 1.5px ${kit.TONES[tone][1]}` : "none";
        marks[i].textContent = ends.length === 2 ? "both" : (ends[0] ?? "");
      });
      const sum = machine.added(start, end);
      told.textContent = fault ? `${sum}, but no span: ${fault}.`
        : none ? `“No answer”: ${sum}. Of the ${count} spans ${above} are worth more.`
        : `${machine.words(data, first, last)}: ${sum}. Rank ${rank} of ${count} spans; “no answer” is worth ${kit.decimals(nothing)}.`;
      kit.tell(told.textContent);
    };
  },
};
