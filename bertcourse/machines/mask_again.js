const machine = {
  start: () => ({ texts: 1, judged: null }),

  compute(data, { texts, judged }) {
    const ordinary = data.pieces.length - data.specials;
    const functions = [0, 1].map((number) => {
      const random = generator(number + 1), counts = { tokens: 0, selected: 0, mask: 0, random: 0, same: 0 };
      let shown, asked;
      for (let text = 0; text < texts; text++) {
        asked = data.text.map(() => false);
        shown = data.text.map((id, place) => {
          const [draw, fate, second, pick] = [random(), random(), random(), random()];
          if (id < data.specials) return id; // never selected
          counts.tokens++;
          if (draw >= data.share) return id;
          asked[place] = true;
          // right: one draw says how it is shown; wrong: where it is not [MASK], a second one is to be below a tenth
          const another = number === data.faulty ? fate >= 0.8 && second < 0.1 : fate >= 0.9;
          const seen = fate < 0.8 ? data.mask : another ? data.specials + Math.floor(pick * ordinary) : id;
          counts.selected++;
          counts[seen === data.mask ? "mask" : seen === id ? "same" : "random"]++;
          return seen;
        });
      }
      const whole = { selected: counts.tokens, mask: counts.selected, random: counts.selected, same: counts.selected };
      const expected = { selected: data.share, mask: 0.8, random: 0.1, same: 0.1 };
      const rates = Object.fromEntries(Object.keys(whole).map((name) => [name, counts[name] / Math.max(1, whole[name])]));
      const bands = Object.fromEntries(Object.keys(whole).map((name) =>
        [name, 5 * Math.sqrt((expected[name] * (1 - expected[name])) / Math.max(1, whole[name]))]));
      const beyond = Object.keys(whole).filter((name) => counts.selected > 0 && Math.abs(rates[name] - expected[name]) > bands[name]);
      return { shown, asked, counts, rates, bands, beyond };
    });
    return { functions, judged };
  },

  answered(data, { texts, judged }, { functions }) {
    if (judged !== data.faulty || !functions[judged].beyond.length) return null;
    const { counts, rates, bands, beyond } = functions[judged], name = beyond[0];
    return `Function ${"AB"[judged]}: after ${thousands(texts)} texts, of ${thousands(counts.selected)} selected tokens ${percent(rates[name], 1)} ` +
      `${name === "random" ? "show a random one" : "are shown as they were"}, where 10 % are due and five σ are ${decimals(100 * bands[name], 1)} points. It draws a second ` +
      "time where [MASK] is not shown: 20 % · 10 % = 2 % random ones, and 18 % as they were. [MASK] has its 80 % all the same, and no single text shows what is wrong.";
  },

  build(kit, data) {
    const parts = [0, 1].map((number) => {
      kit.add(kit.element("p", {}, kit.element("strong", {}, `Function ${"AB"[number]}`), ", its newest text (what was selected is coloured):"));
      const chips = kit.chips(`text masked by function ${"AB"[number]}`);
      kit.add(chips.node);
      return chips;
    });
    kit.row(...[1, 100, 1000].map((more) => kit.button(more === 1 ? "Mask again" : `${kit.thousands(more)} more texts`,
      () => kit.set((state) => ({ texts: Math.min(data.most, state.texts + more), judged: null }))).node));
    const rows = ["selected, of all: 15 %", "of these [MASK]: 80 %", "random: 10 %", "as it was: 10 %"], names = ["selected", "mask", "random", "same"];
    const table = kit.table({ caption: "Rates so far, ± five σ of chance", rows, columns: ["A", "B"] });
    const told = kit.text(), verdict = kit.text();
    kit.add(told, table.node);
    kit.row(...[0, 1].map((number) => kit.button(`Function ${"AB"[number]} is wrong`, () => kit.set({ judged: number })).node));
    kit.add(verdict);
    return (state, { functions }) => {
      functions.forEach(({ shown, asked, rates, bands }, number) => {
        parts[number].set(shown.map((id, i) => ({ text: data.pieces[id],
          tone: !asked[i] ? "plain" : id === data.mask ? "orange" : id === data.text[i] ? "green" : "pink",
          ...(asked[i] ? { small: `label: ${data.pieces[data.text[i]]}` } : {}) })));
        names.forEach((name, i) => table.set(i, number, { text: `${kit.decimals(100 * rates[name], 1)} ± ${kit.decimals(100 * bands[name], 1)}` }));
      });
      told.textContent = `${kit.thousands(state.texts)} ${state.texts === 1 ? "text" : "texts"}; tokens selected: A ${kit.thousands(functions[0].counts.selected)}, ` +
        `B ${kit.thousands(functions[1].counts.selected)}. Random tokens are drawn from ${kit.thousands(data.pieces.length - data.specials)} pieces here.`;
      verdict.textContent = state.judged == null || functions[state.judged].beyond.length ? ""
        : `All rates of function ${"AB"[state.judged]} still lie within five σ: chance may have made them. Mask on, or look at the other one.`;
    };
  },
};
