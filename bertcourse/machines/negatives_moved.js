const machine = {
  counts: [0, 500, 200, 100, 50, 20, 10], // 0: all films
  start: () => ({ at: 0 }),

  logs: [0],
  /** ln(n!), kept. */
  factorial(n) {
    for (let i = machine.logs.length; i <= n; i++) machine.logs.push(machine.logs[i - 1] + Math.log(i));
    return machine.logs[n];
  },
  choose: (n, k) => machine.factorial(n) - machine.factorial(k) - machine.factorial(n - k),

  /** How likely fewer than ten of the drawn films are in front of one of this rank. */
  stays(rank, unseen, drawn) {
    const ahead = rank - 1, others = unseen - 1;
    let sum = 0;
    for (let k = Math.max(0, drawn - (others - ahead)); k <= Math.min(9, ahead, drawn); k++)
      sum += Math.exp(machine.choose(ahead, k) + machine.choose(others - ahead, drawn - k) - machine.choose(others, drawn));
    return sum;
  },

  recall(data, which, drawn) {
    const rows = data.ranks[which];
    const gained = rows.map((rank, i) => (drawn ? machine.stays(rank, data.unseen[i], drawn) : Number(rank <= 10)));
    return gained.reduce((sum, one) => sum + one, 0) / rows.length;
  },

  cache: new Map(),
  compute(data, { at }) {
    if (!machine.cache.has(data)) machine.cache.set(data, machine.counts.map((drawn) => [0, 1].map((which) => machine.recall(data, which, drawn))));
    const all = machine.cache.get(data);
    return { drawn: machine.counts[at], recall: all[at], whole: all[0] };
  },

  answered(data, state, { drawn, recall, whole }) {
    if (recall[1] <= recall[0]) return null;
    const [one, other] = data.names;
    return `Among ${thousands(drawn)} drawn films “${other}” has ${decimals(recall[1], 3)}, “${one}” ${decimals(recall[0], 3)}; over all films ${decimals(whole[1], 3)} and ${decimals(whole[0], 3)}. ` +
      `No model has changed. Most of the films in front of the right one are not drawn, so what decides is whether it stands in the upper part at all, and no longer whether it stands on top.`;
  },

  build(kit, data) {
    const words = (drawn) => (drawn ? `${thousands(drawn)} drawn films` : "all unseen films");
    const at = kit.slider("Ranked among", "at", { min: 0, max: 6, show: (one) => words(machine.counts[one]) });
    const moves = [-1, 1].map((by) => kit.button(by < 0 ? "more films" : "fewer films", () => kit.set(({ at: now }) => ({ at: Math.min(6, Math.max(0, now + by)) }))));
    kit.row(at.node, ...moves.map(({ node }) => node));
    const bars = kit.bars({ names: data.names, tones: ["blue", "orange"] });
    kit.add(kit.text(`recall@10 of ${data.unseen.length} questions:`), bars.node);
    const told = kit.add(kit.text());
    return (state, { drawn, recall, whole }) => {
      at.set(state.at);
      moves[0].set(null, state.at > 0);
      moves[1].set(null, state.at < 6);
      bars.set(recall, recall.map((one) => decimals(one, 3)));
      told.textContent = drawn ? `That is ${recall.map((one, i) => `${decimals(one / whole[i], 1)} times`).join(" and ")} what they have over all films.` : "That is what a person sees: ten films out of all.";
      kit.tell(`Among ${words(drawn)}: ${data.names.map((name, i) => `${name} ${decimals(recall[i], 3)}`).join(", ")}`);
    };
  },
};
