const machine = {
  start: (data) => ({ out: data.words.map(() => false) }), // of each word of the dictionary, whether it was taken out

  compute(data, { out }) {
    const words = new Set(data.words.filter((_, i) => !out[i])), letters = [...data.text], cut = [];
    for (let start = 0; start < letters.length;) {
      let end = Math.min(letters.length, start + 8);
      while (end > start + 1 && !words.has(letters.slice(start, end).join(""))) end--;
      cut.push(letters.slice(start, end).join(""));
      start = end;
    }
    return { cut, removed: out.filter(Boolean).length };
  },

  same: (data, cut) => cut.join(" ") === data.people.join(" "),

  answered(data, { out }, { cut, removed }) {
    if (removed !== 1 || !machine.same(data, cut)) return null;
    const word = data.words[out.indexOf(true)];
    return `Without ${word} the longest match cuts as people do. But ${word} is a good word, and other texts need it: a dictionary knows which words there are, ` +
      "and not which of them is meant here. That takes the sentence around it.";
  },

  hint: (data, state, { cut, removed }) => (removed > 1 && machine.same(data, cut) ? "That is the cut of people, but one word suffices." : null),

  build(kit, data) {
    kit.add(kit.text("In the dictionary (press a word to take it out, or to put it back):"));
    const buttons = data.words.map((word, i) => {
      const node = kit.element("button", { type: "button", "aria-pressed": "true", lang: "zh",
        click: () => kit.set(({ out }) => ({ out: out.map((one, j) => (j === i ? !one : one)) })) }, word);
      return { node, set: (there) => { node.setAttribute("aria-pressed", String(there)); node.style.textDecoration = there ? "" : "line-through"; } };
    });
    kit.row(...buttons.map(({ node }) => node));
    const chips = kit.chips("the text, cut"), people = kit.chips("as people cut it");
    kit.add(kit.text("Cut at the longest word, from left to right:"), chips.node, kit.text("As people cut it:"), people.node);
    people.set(data.people.map((text) => ({ text, tone: "grey" })));
    return ({ out }, { cut }) => {
      buttons.forEach((button, i) => button.set(!out[i]));
      chips.set(cut.map((text) => ({ text, tone: text.length > 1 ? "green" : "plain" })));
      kit.tell(`Cut into ${cut.join(", ")}`);
    };
  },
};
