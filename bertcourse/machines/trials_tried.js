const largest = (sorted, n) => {
  const N = sorted.length;
  return sorted.reduce((sum, score, i) => sum + score * (((i + 1) / N) ** n - (i / N) ** n), 0);
};

const machine = {
  start: () => ({ trials: 1, opened: false }),

  compute: (data, { trials, opened }) => ({ best: largest(data.validation, trials), seeds: largest(data.seeds, trials),
    test: opened ? largest(data.test, trials) : -1 }), // the places of the trials in their order on validation

  answered(data, { trials, opened }, { best, seeds, test }) {
    const all = data.validation.length, near = (n) => largest(data.validation, all) - largest(data.validation, n) <= data.within;
    if (!opened || !near(trials) || (trials > 1 && near(trials - 1))) return null;
    return `${trials} trials: ${decimals(best, 1)} % on validation, on average, where ${all} trials have ${decimals(largest(data.validation, all), 1)} %. ` +
      `On test the chosen one has ${decimals(test, 1)} %, so ${decimals(best - test, 1)} points less than what it was chosen by. ` +
      `The best of ${trials} seeds, all with the same settings, has ${decimals(seeds, 1)} % on validation.`;
  },

  build(kit, data) {
    const all = data.validation.length;
    const trials = kit.slider("Trials", "trials", { min: 1, max: all });
    kit.row(trials.node);
    const table = kit.table({ caption: "On average, in per cent", rows: ["best of the trials, on validation", "best of as many seeds, on validation",
      "the trial so chosen, on test"], columns: ["score"] });
    kit.add(table.node);
    const scores = [...data.validation, ...data.seeds, ...data.test];
    const low = Math.floor(Math.min(largest(data.validation, 1), largest(data.seeds, 1), largest(data.test, 1))) - 1;
    const high = Math.ceil(Math.max(...scores));
    const plot = kit.plot({ x: [1, all], y: [low, high], xLabel: "trials", yLabel: "per cent", height: 240, xTicks: [1, all], yTicks: [low, high] });
    kit.add(plot.node);
    const open = kit.button("Open the test scores", () => kit.set({ opened: true }));
    kit.row(open.node);
    const curve = (sorted) => Array.from({ length: all }, (_, i) => [i + 1, largest(sorted, i + 1)]);
    const fixed = [{ points: curve(data.validation), tone: "blue" }, { points: curve(data.seeds), tone: "grey", dashed: true }];
    return (state, { best, seeds, test }) => {
      trials.set(state.trials);
      [best, seeds].forEach((score, i) => table.set(i, 0, { text: kit.decimals(score, 1) }));
      table.set(2, 0, { text: state.opened ? kit.decimals(test, 1) : "closed" });
      const drawn = state.opened ? [...fixed, { points: curve(data.test), tone: "orange" }] : fixed;
      plot.set([...drawn, { points: [[state.trials, best]], tone: "blue", dots: true }],
        `Best of the trials on validation (blue), of as many seeds (dashed)${state.opened ? ", and of the chosen trial on test (orange)" : ""}; at ${state.trials} trials ${kit.decimals(best, 1)}`);
      open.set(null, !state.opened);
      kit.tell(`${state.trials} trials: ${kit.decimals(best, 1)} on validation`);
    };
  },
};
