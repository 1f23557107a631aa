const machine = {
  // Of each question true: answered, false: handed over, null: not yet decided.
  start: (data) => ({ at: 0, choices: data.cases.map(() => null) }),

  /** What becomes of a question; its kind is what the best entry found is. */
  outcome(data, i, answered) {
    const right = data.cases[i][4], exists = data.cases[i][5], [wrong, hand] = data.costs;
    return { answered, kind: right ? "right" : exists ? "another" : "nothing", cost: answered ? (right ? 0 : wrong) : hand };
  },

  /** Who decides how, by the confidence or without it. */
  desk: (data, i) => data.cases[i][3] >= data.threshold,

  /** Sums over the questions that are decided, whoever decides. */
  compute(data, { choices }) {
    const decided = choices.map((_, i) => i).filter((i) => choices[i] !== null);
    const summed = (decide) => {
      const all = decided.map((i) => machine.outcome(data, i, decide(i)));
      const count = (test) => all.filter(test).length;
      return { right: count((one) => one.answered && one.kind === "right"), wrong: count((one) => one.answered && one.kind !== "right"),
        hand: count((one) => !one.answered), cost: all.reduce((sum, one) => sum + one.cost, 0) };
    };
    return { decided: decided.length, yours: summed((i) => choices[i]), desk: summed((i) => machine.desk(data, i)), always: summed(() => true),
      never: summed(() => false), differ: decided.filter((i) => choices[i] !== machine.desk(data, i)) };
  },

  names: [["yours", "yours"], ["desk", "the desk's"], ["always", "that of always answering"], ["never", "that of always handing over"]],

  listed: (words) => (words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}` : String(words[0])),

  answered(data, state, values) {
    const count = data.cases.length, { differ, yours, desk } = values;
    if (values.decided < count) return null;
    const least = Math.min(...machine.names.map(([key]) => values[key].cost)), best = machine.names.filter(([key]) => values[key].cost === least);
    const paid = (decide) => differ.reduce((sum, i) => sum + machine.outcome(data, i, decide(i)).cost, 0);
    const gap = yours.cost - desk.cost, [wrong] = data.costs, good = data.cases.filter((one) => one[4]).length;
    return `Your sum is ${thousands(yours.cost)}, the desk's ${thousands(desk.cost)}, always to answer costs ${thousands(values.always.cost)}, always to hand over ${thousands(values.never.cost)}. ` +
      `Least ${best.length > 1 ? "are" : "is"} ${machine.listed(best.map(([, name]) => name))}. ` +
      (!differ.length ? "You decided all as the desk did. " : `You and the desk differ on question${differ.length > 1 ? "s" : ""} ${machine.listed(differ.map((i) => i + 1))}, ` +
        `which cost${differ.length > 1 ? "" : "s"} you ${thousands(paid((i) => state.choices[i]))} and the desk ${thousands(paid((i) => machine.desk(data, i)))}. `) +
      `The best entry was the right one for ${good} of ${count}. ` +
      (Math.abs(gap) <= wrong ? `${gap ? "Your sums lie no further apart than one wrong answer costs" : "Your sums are the same"}: ${count} questions do not show who of you two decides better.`
        : `Between you and the desk lies more than one wrong answer; yet ${count} questions are few.`);
  },

  build(kit, data) {
    const [wrong, hand] = data.costs, count = data.cases.length, last = count - 1;
    const place = kit.add(kit.text()), card = kit.add(kit.element("div", { style: "border:1px solid #7b8794;border-radius:4px;padding:2px 10px" }));
    const ask = kit.element("b"), stored = kit.element("b"), answer = kit.element("span");
    const line = (name, node, tone) => kit.element("p", { style: `border-left:4px solid ${kit.TONES[tone][1]};padding-left:8px` },
      kit.element("small", { style: "display:block;color:#4a5763" }, name), node);
    card.append(line("A customer asks", ask, "blue"), line("The best entry found", stored, "yellow"), line("Its answer", answer, "yellow"));
    const decide = (choice) => {
      kit.set(({ at, choices }) => (choices[at] === null ? { choices: choices.map((one, i) => (i === at ? choice : one)) } : {}));
      (next.node.disabled ? result : next.node).focus(); // what was pressed cannot be pressed again: a keyboard goes on from here
    };
    const yes = kit.button("Answer with it", () => decide(true)), no = kit.button("Hand over to a person", () => decide(false));
    const step = (by) => {
      kit.set(({ at }) => ({ at: Math.min(last, Math.max(0, at + by)) }));
      if (!yes.node.disabled) yes.node.focus();
    };
    const back = kit.button("Previous", () => step(-1)), next = kit.button("Next", () => step(1));
    kit.row(yes.node, no.node);
    const told = kit.add(kit.text("", { style: "min-height:4.4em" }));
    kit.row(back.node, next.node);
    const running = kit.add(kit.text()), result = kit.add(kit.element("div", { tabindex: -1 }));
    const sums = kit.table({ caption: "Costs", rows: ["you", "the desk", "always answer", "always hand over"], columns: ["right", "wrong", "handed over", "sum"] });
    const each = kit.table({ caption: "Question by question", rows: data.cases.map((_, i) => String(i + 1)), columns: ["you", "the desk", "confidence", "the entry"] });
    each.node.style.marginTop = "10px";
    result.append(sums.node, each.node);
    const kinds = { right: "the right one", another: "another one", nothing: "none is stored" }, did = (choice) => (choice ? "answered" : "handed over");
    return (state, values) => {
      const at = state.at, choice = state.choices[at], [question, entry, text, confidence] = data.cases[at], done = values.decided === count;
      place.textContent = `Question ${at + 1} of ${count}${choice === null ? "" : `: you ${choice ? "answered" : "handed it over"}`}`;
      ask.textContent = question;
      stored.textContent = entry;
      answer.textContent = text;
      yes.set(null, choice === null);
      no.set(null, choice === null);
      back.set(null, at > 0);
      next.set(null, at < last && (choice !== null || state.choices[at + 1] !== null));
      const running_ = `Your sum so far: ${kit.thousands(values.yours.cost)}, after ${values.decided} of ${count} questions.`;
      running.textContent = running_;
      if (choice === null) told.textContent = "Does this answer help this customer? The confidence is shown when you have decided.";
      else {
        const { kind, cost } = machine.outcome(data, at, choice);
        told.textContent = (choice ? (kind === "right" ? "Right. " : kind === "another" ? "Wrong: the right answer is stored, but another entry was found. " : "Wrong: no answer to this is stored. ")
          : kind === "right" ? "Handed over, though the right answer was found. " : kind === "another" ? "Handed over, rightly: another entry was found than the right one. " : "Handed over, rightly: no answer to this is stored. ") +
          `It costs ${cost}. The confidence is ${kit.decimals(confidence)}, so the desk ${machine.desk(data, at) ? "answers" : "hands over"}.`;
      }
      told.style.borderLeft = `4px solid ${choice === null ? "transparent" : kit.TONES[choice ? (data.cases[at][4] ? "green" : "orange") : "grey"][1]}`;
      told.style.paddingLeft = "8px";
      result.style.display = done ? "block" : "none";
      ["yours", "desk", "always", "never"].forEach((key, i) => ["right", "wrong", "hand", "cost"].forEach((name, j) => sums.set(i, j, { text: kit.thousands(values[key][name]) })));
      state.choices.forEach((own, i) => {
        const desk = machine.desk(data, i), { kind } = machine.outcome(data, i, desk), differs = values.differ.includes(i);
        [own === null ? "–" : did(own), did(desk), kit.decimals(data.cases[i][3]), kinds[kind]].forEach((words, j) => each.set(i, j, { text: words,
          fill: j < 2 && differs ? ["#fbdcc5", "#1f2933"] : ["#ffffff", "#1f2933"] }));
      });
      kit.tell(choice === null ? `${place.textContent}. ${question} Found: ${entry} ${text}` : `${told.textContent} ${running_}`);
    };
  },
};
