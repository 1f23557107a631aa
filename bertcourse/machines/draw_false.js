const machine = {
  start: () => ({ documents: 2, drawn: 1, other: false, next: false, opening: false, few: false, many: false }),

  compute(data, { documents, drawn, other, next, opening }) {
    const some = data.documents.slice(0, documents), random = generator(1), whole = (n) => Math.floor(random() * n);
    const counts = { own: 0, follows: 0, opens: 0 };
    let last;
    for (let number = 0; number < drawn; number++) {
      const a = whole(some.length), place = whole(some[a].length - 1), follower = some[a][place + 1];
      for (let turn = 0; turn < 100; turn++) {
        const b = whole(some.length);
        if (other && b === a) continue;
        const start = opening ? 1 + whole(some[b].length - 1) : whole(some[b].length);
        if (next && some[b][start] === follower) continue;
        last = { a: [a, place], b: [b, start] };
        break;
      }
      const { b: [b, start] } = last;
      counts.own += b === a;
      counts.follows += some[b][start] === follower;
      counts.opens += start === 0;
    }
    return { last, counts };
  },

  rules: (state) => ["other", "next", "opening"].filter((rule) => state[rule]),

  answered(data, state, { counts }) {
    if (!state.few || !state.many || machine.rules(state).length !== 2 || state.drawn < data.fewest || Object.values(counts).some(Boolean)) return null;
    const length = decimals(data.documents.slice(0, state.documents).reduce((total, one) => total + one.length, 0) / state.documents, 0);
    return `Another document, and never its first sentence: of ${thousands(state.drawn)} false B's from ${state.documents} documents none is from A's own, so none follows A, ` +
      `and none opens a document. More documents make the first two faults rare, but not the third: a document has about ${length} sentences, ` +
      `so without its rule about one B in ${length} is a first sentence, however many documents there are. ` +
      "(The rule about the true next sentence is for corpora in which two documents share a passage.)";
  },

  hint(data, state, { counts }) {
    const on = machine.rules(state).length, none = !Object.values(counts).some(Boolean);
    if (!on) return null;
    if (!state.few || !state.many) return `First look without any rule: ${thousands(data.fewest)} drawn from 2 documents, and from ${data.documents.length}.`;
    if (state.drawn < data.fewest) return `Draw ${thousands(data.fewest)}.`;
    return on === 3 && none ? "No fault is left, but two of these rules are enough." : null;
  },

  build(kit, data) {
    const number = kit.slider("Documents", "documents", { min: 2, max: data.documents.length });
    const draws = [["Draw one", 1], [`Draw ${kit.thousands(data.fewest)}`, data.fewest]].map(([words, more]) =>
      kit.button(words, () => kit.set((state) => ({ drawn: Math.min(data.most, state.drawn + more) }))));
    kit.row(number.node, ...draws.map((one) => one.node));
    const rules = [["other", "from another document"], ["next", "not what truly follows"], ["opening", "not a first sentence"]].map(([key, words]) =>
      [key, kit.toggle(words, key)]);
    kit.add(kit.text("Rules (none: d2l; the first: nearly Google's; all three: ours)"));
    kit.row(...rules.map(([, toggle]) => toggle.node));
    // remembered: whether enough have been drawn without a rule from the fewest documents, and from the most
    const remember = () => kit.set((state) => {
      const free = !machine.rules(state).length && state.drawn >= data.fewest;
      return { few: state.few || (free && state.documents === 2), many: state.many || (free && state.documents === data.documents.length) };
    });
    for (const { node } of [number, ...draws, ...rules.map(([, toggle]) => toggle)]) node.addEventListener(node.tagName === "BUTTON" ? "click" : "input", remember);
    const bars = kit.bars({ names: ["A's own document", "does follow A", "opens a document"], most: 0.55, tones: ["orange", "orange", "orange"] });
    kit.add(bars.node);
    const told = kit.add(kit.text("", { style: "min-height:4.4em" })), map = kit.add(kit.element("div", { role: "img" }));
    return (state, { last, counts }) => {
      number.set(state.documents);
      for (const button of draws) button.set(null, state.drawn < data.most);
      for (const [key, toggle] of rules) toggle.set(state[key]);
      const { a: [a, place], b: [b, start] } = last;
      told.textContent = `${kit.thousands(state.drawn)} drawn. The last: A is sentence ${place} of document ${a} (green: what follows it), the false B sentence ${start} of document ${b}` +
        `${a === b ? (start === place + 1 ? ", which does follow" : ", A's own") : ""}${start === 0 ? ", an opening" : ""}.`;
      map.setAttribute("aria-label", told.textContent);
      map.replaceChildren(...data.documents.map((document, d) =>
        kit.element("div", { style: "display:flex;gap:2px;align-items:center;margin:2px 0" }, kit.element("span", { style: "width:1.7em;font-size:13px" }, String(d)),
          ...document.map((_, s) => {
            const [fill, line] = d >= state.documents ? ["#fff", "#dde2e7"] : kit.TONES[d === b && s === start ? "orange" : d === a && s === place ? "blue" : "grey"];
            const mark = d === b && s === start ? "B" : d === a && s === place ? "A" : "";
            return kit.element("span", { style: `flex:0 1 22px;height:20px;background:${fill};border:1.5px solid ${line};text-align:center;font-size:12px;line-height:17px;` +
              (d === a && s === place + 1 ? "border-color:#00805d;border-width:2.5px" : "") }, mark);
          }))));
      const kinds = [counts.own, counts.follows, counts.opens];
      bars.set(kinds.map((count) => count / state.drawn), kinds.map((count) => `${kit.thousands(count)}: ${kit.percent(count / state.drawn, 1)}`));
    };
  },
};
