const machine = {
  start: () => ({ beams: 1 }),

  compute: (data, { beams }) => ({ logs: data.logs[beams - 1], score: data.scores[beams - 1] }),

  answered(data, { beams }, { logs, score }) {
    if (logs <= data.logs[0] + 1e-6 || (beams > 1 && data.logs[beams - 2] > data.logs[0] + 1e-6)) return null;
    const nearer = score > data.scores[0] + 0.05 ? "nearer to" : score < data.scores[0] - 0.05 ? "farther from" : "as near to";
    return `From ${beams} beams on the text is likelier: ${decimals(logs, 1)} against ${decimals(data.logs[0], 1)}, the sums of its logs. Here it is also ${nearer} the reference ` +
      `(chrF ${decimals(score, 0)} against ${decimals(data.scores[0], 0)}). One text shows nothing of the kind for others: the table of all verses does.`;
  },

  build(kit, data) {
    const beams = kit.slider("Beams", "beams", { min: 1, max: data.texts.length });
    kit.row(beams.node);
    const text = kit.add(kit.text()), told = kit.add(kit.text());
    return (state, { logs, score }) => {
      beams.set(state.beams);
      text.textContent = data.texts[state.beams - 1];
      told.textContent = `sum of logs ${decimals(logs, 2)}, chrF ${decimals(score, 1)}`;
      kit.tell(`${state.beams} beams: ${data.texts[state.beams - 1]}`);
    };
  },
};
