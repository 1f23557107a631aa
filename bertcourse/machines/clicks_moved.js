const machine = {
  start: () => ({ clicked: [] }), // places of films, the oldest first

  compute(data, { clicked }) {
    const list = clicked.length ? data.lists[clicked.join(",")] : [];
    const turned = clicked.length ? data.lists[[...clicked].reverse().join(",")] : [];
    return { titles: list.map(([place]) => data.titles[place]), shares: list.map(([, share]) => share / 1000),
      other: turned.length ? data.titles[turned[0][0]] : null };
  },

  answered(data, { clicked }, { titles, other }) {
    if (clicked.length !== 2 || titles[0] === other) return null;
    const [one, two] = clicked.map((place) => data.films[place]);
    return `After “${one}”, then “${two}”, it is “${titles[0]}”; in the other order “${other}”. The weights are the same: the model reads positions, and the newest film stands next to [MASK]. ` +
      "Whether that is taste, or the order in which a site shows its films, this list cannot tell: the lesson shuffles histories to find out.";
  },

  hint: (data, { clicked }, { titles, other }) => (clicked.length === 2 && titles[0] === other ? "These two have the same first film in either order." : null),

  build(kit, data) {
    const buttons = data.films.map((title, place) => kit.button(title, () => kit.set(({ clicked }) =>
      (clicked.length < 3 && !clicked.includes(place) ? { clicked: [...clicked, place] } : {}))));
    kit.row(...buttons.map(({ node }) => node));
    const back = kit.button("take the last one back", () => kit.set(({ clicked }) => ({ clicked: clicked.slice(0, -1) })));
    const turn = kit.button("turn the order round", () => kit.set(({ clicked }) => ({ clicked: [...clicked].reverse() })));
    kit.row(back.node, turn.node);
    const chips = kit.chips("clicked, the oldest first");
    kit.add(kit.text("Clicked, the oldest first:"), chips.node);
    const table = kit.table({ caption: "Recommended, the likeliest first", rows: ["1", "2", "3", "4", "5"], columns: ["film", "probability"] });
    table.node.style.marginTop = "10px";
    kit.add(table.node);
    return ({ clicked }, { titles, shares }) => {
      buttons.forEach((button, place) => button.set(null, clicked.length < 3 && !clicked.includes(place)));
      back.set(null, clicked.length > 0);
      turn.set(null, clicked.length > 1);
      chips.set(clicked.length ? clicked.map((place, i) => ({ text: data.films[place], small: i === clicked.length - 1 ? "newest" : "", tone: i === clicked.length - 1 ? "green" : "blue" }))
        : [{ text: "nothing yet" }]);
      [0, 1, 2, 3, 4].forEach((row) => {
        table.set(row, 0, { text: titles[row] ?? "–" });
        table.set(row, 1, { text: titles[row] ? percent(shares[row], 1) : "–" });
      });
      kit.tell(titles.length ? `Recommended first: ${titles[0]}` : "Nothing clicked");
    };
  },
};
