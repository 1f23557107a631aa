const machine = {
  start: (data) => ({ tags: [...data.gold], at: -1 }), // no word is chosen yet

  /** Entities (first word, end, type) by three readings of the same tags. */
  read: {
    "CoNLL's scorer": (tags) => machine.spans(tags, ([mark, kind], open) => ({ goes: mark === "I" && kind === open, begins: mark !== "O" })),
    strict: (tags) => machine.spans(tags, ([mark, kind], open) => ({ goes: mark === "I" && kind === open, begins: mark === "B" })),
    "B and I left out": (tags) => machine.spans(tags, ([mark, kind], open) => ({ goes: mark !== "O" && kind === open, begins: mark !== "O" })),
  },

  spans(tags, rule) {
    const found = [];
    let open = null; // the type of the entity that the word before belongs to
    tags.forEach((tag, place) => {
      const [mark, kind] = tag === "O" ? ["O", ""] : [tag[0], tag.slice(2)], { goes, begins } = rule([mark, kind], open);
      if (goes) found[found.length - 1][1] = place + 1;
      else if (begins) found.push([place, place + 1, kind]);
      open = goes || begins ? kind : null;
    });
    return found;
  },

  compute(data, { tags }) {
    const changed = tags.filter((tag, i) => tag !== data.gold[i]).length;
    const readings = Object.values(machine.read).map((read) => {
      const gold = read(data.gold), found = read(tags), there = new Set(gold.map(String));
      const right = found.filter((span) => there.has(String(span))).length;
      return { found, right, there: gold.length, precision: found.length ? right / found.length : 0,
        recall: gold.length ? right / gold.length : 0, f1: right ? (2 * right) / (found.length + gold.length) : 0 };
    });
    return { changed, accuracy: 1 - changed / tags.length, readings };
  },

  answered(data, state, { changed, accuracy, readings: [usual, strict, runs] }) {
    if (usual.f1 > 0 || changed !== data.needed) return null;
    return `${changed} of ${data.words.length} words changed: token accuracy ${percent(accuracy, 1)}, and by CoNLL's reading none of the ` +
      `${usual.there} entities is right: F1 0.00 (strict ${decimals(strict.f1)}, with B and I left out ${decimals(runs.f1)}). One word spoils a whole name. ` +
      "Token accuracy counts all the words that are in no name, and hardly sees it. An I- in the place of a B- is no error to CoNLL's scorer, unless it joins two names.";
  },

  hint(data, state, { changed, readings: [usual] }) {
    return usual.f1 === 0 && changed > data.needed ? `F1 is 0, with ${changed} changed words. Fewer would do.` : null;
  },

  build(kit, data) {
    const words = data.words.map((word, i) => kit.element("button", { type: "button", class: "chip", click: (event) => {
      kit.set({ at: i });
      // by keyboard: else the tags are as many Tabs away as there are words
      if (event.detail === 0) tags.find((tag) => tag.getAttribute("aria-pressed") === "true").focus();
    } }));
    kit.add(kit.element("div", { class: "chips", role: "group", "aria-label": "words with their tags" }, ...words));
    const tags = data.names.map((name) => kit.element("button", { type: "button",
      click: () => kit.set((state) => ({ tags: state.tags.map((tag, i) => (i === state.at ? name : tag)) })) }, name));
    const chosen = kit.element("span");
    const offered = kit.row(chosen, ...tags);
    offered.setAttribute("role", "group");
    const counts = kit.add(kit.text());
    const names = Object.keys(machine.read);
    const table = kit.table({ caption: "Entities", rows: names, columns: ["right", "found", "true ones", "F1"] });
    kit.add(table.node);
    const lists = names.map(() => kit.add(kit.text()));
    return (state, { changed, accuracy, readings }) => {
      words.forEach((button, i) => {
        const wrong = state.tags[i] !== data.gold[i], tone = wrong ? "orange" : state.tags[i] === "O" ? "plain" : "blue";
        const shown = `${state.tags[i]}${wrong ? `, was ${data.gold[i]}` : ""}`;
        button.replaceChildren(data.words[i], kit.element("small", {}, shown));
        button.setAttribute("aria-pressed", String(i === state.at));
        button.setAttribute("aria-label", `${data.words[i]}: ${shown}`);
        button.style.background = kit.TONES[tone][0];
        button.style.boxShadow = i === state.at ? "0 0 0 2px #1f2933" : "none";
      });
      chosen.textContent = state.at < 0 ? "Choose a word above." : `${data.words[state.at]}:`;
      offered.setAttribute("aria-label", state.at < 0 ? "tags: choose a word first" : `tag of ${data.words[state.at]}`);
      tags.forEach((button, i) => {
        button.setAttribute("aria-pressed", String(data.names[i] === state.tags[state.at]));
        button.disabled = state.at < 0;
      });
      counts.textContent = `${changed} ${changed === 1 ? "word" : "words"} changed; token accuracy ${kit.percent(accuracy, 1)}`;
      readings.forEach((reading, i) => {
        [reading.right, reading.found.length, reading.there].forEach((count, j) => table.set(i, j, { text: String(count) }));
        table.set(i, 3, { text: kit.decimals(reading.f1), fill: reading.f1 });
        lists[i].textContent = `${names[i]}: ` +
          (reading.found.map(([start, end, kind]) => `${data.words.slice(start, end).join(" ")} ${kind}`).join(" · ") || "nothing");
      });
      kit.tell(`${counts.textContent}; F1 ${readings.map(({ f1 }, i) => `${kit.decimals(f1)}, ${names[i]}`).join("; ")}`);
    };
  },
};
