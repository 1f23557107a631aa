const machine = {
  start: () => ({ step: 0, squared: false }),

  softened(logits, temperature) {
    const most = Math.max(...logits), weights = logits.map((one) => Math.exp((one - most) / temperature));
    const sum = weights.reduce((all, one) => all + one, 0);
    return weights.map((one) => one / sum);
  },

  compute(data, { step, squared }) {
    const T = data.temperatures[step], teacher = machine.softened(data.teacher, T), student = machine.softened(data.student, T);
    const plain = teacher.reduce((sum, one, i) => sum + Math.abs(student[i] - one), 0) / T;
    return { teacher, student, plain, shown: squared ? plain * T * T : plain };
  },

  answered(data, state, { plain }) {
    if (!state.squared || state.step !== data.first) return null;
    const T = data.temperatures[state.step], before = machine.compute(data, { step: 0 }).plain;
    return `At T = ${decimals(T)} the gradient is ${decimals(plain, 4)}, at 1 it was ${decimals(before, 3)}. With T² it is ${decimals(plain * T * T, 3)}: ` +
      `${decimals((plain * T * T) / before, 1)} times what it was. Without the factor α would mean something else at each temperature. ` +
      "And look at the teacher's column: what it thinks of the classes that are not the first is what a label cannot say.";
  },

  hint(data, state) {
    return state.step === data.first ? "That is the temperature; now multiply by T²." : null;
  },

  build(kit, data) {
    kit.add(kit.text(`“${data.text}”`));
    const last = data.temperatures.length - 1;
    const step = kit.slider("Temperature", "step", { min: 0, max: last, show: (one) => kit.decimals(data.temperatures[one]) });
    const squared = kit.toggle("times T²", "squared");
    kit.row(step.node, squared.node);
    const table = kit.table({ caption: "What they give", rows: data.labels, columns: ["teacher", "student"] });
    kit.add(table.node);
    const size = kit.table({ caption: "Gradient of the student's logits", rows: ["size"], columns: ["at T = 1", "now", "now, of that at 1"] });
    kit.add(size.node);
    return (state, { teacher, student, shown }) => {
      step.set(state.step);
      squared.set(state.squared);
      data.labels.forEach((_, i) => [teacher, student].forEach((own, j) => table.set(i, j, { text: kit.percent(own[i], 1), fill: own[i] })));
      const before = machine.compute(data, { step: 0 }).plain;
      [kit.decimals(before, 3), kit.decimals(shown, 4), kit.percent(shown / before, 1)].forEach((text, j) => size.set(0, j, { text }));
      kit.tell(`Temperature ${kit.decimals(data.temperatures[state.step])}: the gradient is ${kit.percent(shown / before, 1)} of what it was at 1`);
    };
  },
};
