const machine = {
  start: (data) => ({ chosen: data.sentences.map(() => 0) }),

  counts(words) {
    const found = new Map();
    for (const word of words) found.set(word, (found.get(word) || 0) + 1);
    return found;
  },

  compute(data, { chosen }) {
    const words = data.words.flatMap((own, i) => (chosen[i] ? own : []));
    const mine = machine.counts(words), gold = machine.counts(data.reference);
    let both = 0;
    for (const [word, times] of mine) both += Math.min(times, gold.get(word) || 0);
    const precision = words.length ? both / words.length : 0, recall = both / data.reference.length;
    return { precision, recall, f1: both ? (2 * precision * recall) / (precision + recall) : 0, words: words.length };
  },

  answered(data, { chosen }, { f1, precision, recall }) {
    const count = chosen.reduce((sum, one) => sum + one, 0);
    if (count !== 1 || f1 < data.best - 1e-6) return null;
    return `Sentence ${chosen.indexOf(1) + 1} has the highest ROUGE-1 of all single ones, ${decimals(f1, 3)}: ` +
      `${decimals(100 * precision, 0)} % of its words are the reference's, and it has ${decimals(100 * recall, 0)} % of them. More sentences raise recall and lower precision, so F1 soon falls.`;
  },

  build(kit, data) {
    const buttons = data.sentences.map((sentence, i) =>
      kit.button(sentence, () => kit.set(({ chosen }) => ({ chosen: chosen.map((one, j) => (i === j ? 1 - one : one)) }))));
    buttons.forEach(({ node }) => kit.row(node));
    const all = kit.button("all of them", () => kit.set({ chosen: data.sentences.map(() => 1) }));
    const none = kit.button("none", () => kit.set({ chosen: data.sentences.map(() => 0) }));
    kit.row(all.node, none.node);
    const bars = kit.bars({ names: ["precision", "recall", "ROUGE-1 (F1)"], tones: ["blue", "orange", "green"] });
    kit.add(bars.node);
    return ({ chosen }, { precision, recall, f1, words }) => {
      buttons.forEach((button, i) => button.set(`${chosen[i] ? "✓ " : ""}${i + 1}. ${data.sentences[i]} …`));
      bars.set([precision, recall, f1], [precision, recall, f1].map((one) => decimals(one, 3)));
      kit.tell(`${chosen.reduce((sum, one) => sum + one, 0)} sentences, ${words} words: ROUGE-1 ${decimals(f1, 3)}`);
    };
  },
};
