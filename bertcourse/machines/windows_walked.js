const machine = {
  start: (data) => ({ cuts: [...data.cuts], heads: [...data.heads] }),

  compute(data, { cuts, heads }) {
    const windows = [], all = data.lengths.length;
    let start = 0;
    while (start < all - 1) {
      let end = start, tokens = 0;
      while (end < all && tokens + data.lengths[end] <= data.limit) tokens += data.lengths[end++];
      const number = windows.length, cut = start + 1 + (cuts[number] % (end - start - 1)); // at one of the borders inside
      windows.push({ start, cut, end, isTrue: heads[number] });
      start = heads[number] ? end : cut; // what a false B replaced is not lost
    }
    return { windows, left: all - start };
  },

  answered(data, state, { windows, left }) {
    if (left || windows.length < data.lengths.length - 1) return null;
    return `${windows.length} pairs from ${data.lengths.length} sentences, ${windows.length - 1} of them with a false B. A false B costs no text: the walk goes on where it was put in, ` +
      "so a window that is cut after its first sentence uses up only that one. The last coin must be heads: after tails one sentence would remain, and alone it makes no pair.";
  },

  hint(data, state, { windows, left }) {
    if (!left) return `Nothing left over with ${windows.length} pair${windows.length === 1 ? "" : "s"}; more are possible.`;
    return windows.length === data.lengths.length - 1 ? `${windows.length} pairs, but a sentence is left over.` : null;
  },

  build(kit, data) {
    const letters = (from, to) => data.lengths.slice(from, to).map((_, i) => String.fromCharCode(97 + from + i)).join(" ");
    const rows = data.lengths.map((_, number) => {
      const strip = kit.element("div", { style: "display:flex;height:30px", role: "img" });
      const cut = kit.button("", () => kit.set((state) => ({ cuts: state.cuts.map((one, i) => (i === number ? one + 1 : one)) })));
      const told = kit.element("span");
      const coin = kit.button("", () => kit.set((state) => ({ heads: state.heads.map((one, i) => (i === number ? !one : one)) })));
      const buttons = kit.element("div", { class: "row", style: "margin:4px 0 10px" }, cut.node, coin.node, told);
      // what is not shown keeps its place, so that nothing jumps; the last row holds a rest only
      if (number === data.lengths.length - 1) buttons.style.display = "none";
      const node = kit.element("div", {}, strip, buttons);
      kit.add(node);
      return { node, strip, cut, coin, buttons, told };
    });
    const total = data.lengths.reduce((a, b) => a + b, 0), tokens = (from, to) => data.lengths.slice(from, to).reduce((a, b) => a + b, 0);
    const part = (from, to, words, tone) => {
      const [fill, line] = kit.TONES[tone];
      return kit.element("span", { style: `flex:0 0 ${(100 * tokens(from, to)) / total}%;overflow:hidden;white-space:nowrap;text-align:center;` +
        (tone ? `background:${fill};border:1.5px solid ${line};line-height:26px` : "") }, words);
    };
    const space = (from, to) => kit.element("span", { style: `flex:0 0 ${(100 * tokens(from, to)) / total}%` });
    const told = kit.add(kit.text());
    return (state, { windows, left }) => {
      const reached = data.lengths.length - left, many = (count, words) => `${count} ${words}${count === 1 ? "" : "s"}`;
      told.textContent = `${many(windows.length, "pair")}, ${many(left, "sentence")} left over.`;
      rows.forEach(({ node, strip, cut, coin, buttons, told }, number) => {
        const window = windows[number], last = number === windows.length && left;
        node.style.visibility = window || last ? "" : "hidden";
        buttons.style.visibility = window ? "" : "hidden";
        strip.replaceChildren();
        if (last) {
          strip.append(space(0, reached), part(reached, data.lengths.length, letters(reached), "plain"));
          strip.setAttribute("aria-label", `left over: ${letters(reached)}`);
        }
        cut.set("Cut elsewhere", Boolean(window) && window.end - window.start > 2);
        coin.set(`Coin: ${!window || window.isTrue ? "heads" : "tails"} (turn over)`, Boolean(window));
        for (const { node: button } of [cut, coin]) button.setAttribute("aria-label", `Window ${number}: ${button.textContent}`);
        told.textContent = !window || window.isTrue ? "B is true: go on after it" : "B is false: go on where it began";
        if (!window) return;
        const { start, cut: at, end, isTrue } = window;
        strip.append(space(0, start), part(start, at, `A: ${letters(start, at)}`, "blue"), part(at, end, isTrue ? `B: ${letters(at, end)}` : "false B", isTrue ? "green" : "orange"));
        strip.setAttribute("aria-label", `window ${number}: A is ${letters(start, at)}, B is ${isTrue ? letters(at, end) : "false"}`);
      });
    };
  },
};
