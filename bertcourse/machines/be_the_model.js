const machine = {
  start: (data) => ({ at: 0, typed: "", guesses: data.rows.map(() => ""), share: data.first }),

  // The loss of a word is −log of its probability: `share` percent on the typed word, the rest on all pieces by frequency.
  compute(data, { guesses, share }) {
    const rows = data.rows.map((row, i) => ({ ...row, guess: guesses[i] })).filter((row) => row.guess);
    const mean = (values) => (values.length ? values.reduce((a, b) => a + b, 0) / values.length : null);
    const losses = (percents) => rows.map(({ guess, hidden, frequency }) =>
      -Math.log((guess === hidden ? percents / 100 : 0) + (1 - percents / 100) * frequency));
    const shares = Array.from({ length: data.largest / data.step + 1 }, (_, i) => i * data.step);
    const means = shares.map((percents) => mean(losses(percents)));
    const yours = losses(share), frequencies = rows.map((row) => -Math.log(row.frequency)), model = rows.map((row) => -Math.log(row.probability));
    return {
      yours, frequencies, model,
      means: [mean(yours), mean(frequencies), mean(model)],
      hits: rows.filter((row) => row.guess === row.hidden).length,
      best: rows.length ? shares[means.indexOf(Math.min(...means))] : null,
      lowest: rows.length ? Math.min(...means) : null,
    };
  },

  answered(data, state, { hits, best, lowest, means, yours }) {
    const count = data.rows.length;
    if (yours.length < count || state.share !== best) return null;
    const first = machine.compute(data, { ...state, share: data.first }).means[0];
    const mine = `Right in ${hits} of ${count}, and the loss is lowest at ${best} %: ${decimals(lowest)} nats` +
      (best === data.first ? ". " : `, against ${decimals(first)} at ${data.first} %. `);
    return mine + "The best share for a guess is close to how often such guesses are right: one that is surer than that pays more " +
      `for its mistakes than its hits bring in. Frequencies alone: ${decimals(means[1])}; the trained model, which spreads its ` +
      `guess over many words: ${decimals(means[2])}.`;
  },

  build(kit, data) {
    const text = kit.add(kit.text("", { style: "font-size:17px" }));
    const guess = () => {
      kit.set(({ at, typed, guesses }) => {
        const word = typed.trim().toLowerCase();
        return word && !guesses[at] ? { guesses: guesses.map((one, i) => (i === at ? word : one)), typed: "" } : {};
      });
      if (input.disabled) next.node.focus(); // type, Enter, Enter, type: without leaving the keyboard
    };
    const field = kit.field("Your word", "typed", { maxlength: 30, keydown: (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      event.preventDefault(); // guess() moves the focus to Next: the browser would give it the rest of this Enter, a click
      guess();
    } });
    const enter = kit.button("Guess", guess);
    const input = field.node.querySelector("input");
    const step = (by) => {
      kit.set(({ at }) => ({ at: (at + by + data.rows.length) % data.rows.length, typed: "" }));
      if (!input.disabled) input.focus();
    };
    const back = kit.button("Previous", () => step(-1)), next = kit.button("Next", () => step(1));
    kit.row(field.node, enter.node, back.node, next.node);
    const told = kit.add(kit.text("", { "aria-live": "polite" })), chips = kit.chips("the trained model's first guesses");
    kit.add(chips.node);
    const share = kit.slider("Probability on your word", "share", { min: 0, max: data.largest, step: data.step, show: (value) => `${value} %` });
    kit.row(share.node);
    const names = ["you", "frequencies", "the trained model"];
    const bars = kit.bars({ names, tones: ["orange", "grey", "blue"], most: 12 });
    const heading = kit.add(kit.text());
    kit.add(bars.node);
    const line = kit.add(kit.text());
    return (state, values) => {
      const row = data.rows[state.at], word = state.guesses[state.at], done = values.yours.length;
      const gap = kit.element("strong", { style: "text-decoration:underline" },
        ...(word ? [row.hidden] : [kit.element("span", { role: "img", "aria-label": "the hidden word" }, "______")]));
      const words = [...row.after[0], ...row.after[1]], cut = /[.!?"']$/.test(words[words.length - 1] ?? ".") ? "" : "…";
      const join = (words) => (words.length ? `${words.join(" ")} ` : "");
      const { before, after } = row;
      text.replaceChildren(`${state.at + 1} of ${data.rows.length}. `, kit.element("b", {}, join(before[0])),
        ...(row.headline ? [gap, " ", kit.element("b", {}, join(after[0])), after[1].length ? "· " : ""]
          : ["· ", join(before[1]), gap, " "]), join(after[1]), cut);
      field.set(state.typed);
      input.disabled = Boolean(word);
      enter.set(null, !word && state.typed.trim() !== "");
      if (word) {
        const its = row.best.find(([piece]) => piece === word);
        const of = (probability) => kit.decimals(-Math.log(probability));
        told.textContent = `${word === row.hidden ? "Right" : `It is “${row.hidden}”, you typed “${word}”`}. Loss of “${row.hidden}” in nats: yours ` +
          `${kit.decimals(-Math.log((word === row.hidden ? state.share / 100 : 0) + (1 - state.share / 100) * row.frequency))}, ` +
          `frequencies ${of(row.frequency)}, the trained model ${of(row.probability)}. ` +
          (word === row.hidden ? "" : its ? `It gave your word ${kit.percent(its[1], 1)}. ` : "Your word is not among its first guesses. ") +
          "Its first guesses:";
        chips.set(row.best.slice(0, 5).map(([piece, probability]) => ({ text: piece, small: kit.percent(probability, 1),
          tone: piece === row.hidden ? "green" : "plain" })));
      } else told.textContent = "Type one word, as you would read it there.", chips.set([]);
      share.set(state.share);
      heading.textContent = done ? `Mean loss of ${done} ${done === 1 ? "word" : "words"}, nats:` : "Mean loss, nats: no guess yet.";
      bars.set(values.means.map((mean) => mean ?? 0), values.means.map((mean) => (mean == null ? "–" : kit.decimals(mean))));
      line.textContent = `Right so far: ${values.hits} of ${done}.` +
        (done === data.rows.length ? " All guessed: now move the share." : "");
    };
  },
};
