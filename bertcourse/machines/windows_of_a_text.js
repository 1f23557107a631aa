const machine = {
  start: (data) => ({ length: data.asked.length, stride: data.stride, at: Math.floor(data.pieces.length / 2) }),

  compute(data, { length, stride, at }) {
    const count = data.pieces.length, room = length - 2, starts = [];
    for (let start = 0; start < count - room; start += stride) starts.push(start);
    starts.push(count - room);
    // Neighbours meet in the middle of what they share.
    const borders = starts.slice(1).map((right, i) => Math.floor((starts[i] + room + right) / 2));
    const windows = starts.map((start, i) => [start, start + room, borders[i - 1] ?? 0, borders[i] ?? count]);
    const holding = windows.flatMap(([start, end], i) => (start <= at && at < end ? [i] : []));
    const owner = windows.findIndex(([, , from, to]) => from <= at && at < to);
    // The least that a piece sees on one side, where the text goes on there: it stands at an end of its window's own pieces.
    let least = Infinity;
    windows.forEach(([start, end, from, to], i) => {
      if (i > 0) least = Math.min(least, from - start);
      if (i < windows.length - 1) least = Math.min(least, end - to);
    });
    return { windows, holding, owner, before: at - windows[owner][0], behind: windows[owner][1] - 1 - at, least, read: windows.length * room };
  },

  answered(data, state, { windows, least, read }) {
    const { length, context } = data.asked, room = length - 2, count = data.pieces.length;
    if (state.length !== length || least < context) return null;
    for (let stride = state.stride + 1; stride <= room; stride++)
      if (machine.compute(data, { ...state, stride }).least >= context) return null;
    const apart = machine.compute(data, { ...state, stride: room });
    return `A stride of ${state.stride}: neighbours share ${room - state.stride} pieces and meet in the middle, so nothing sees less than half of ` +
      `that, ${least} here, on a side where the text goes on. The price: ${windows.length} windows read ${thousands(read)} pieces for ${thousands(count)}, ` +
      `${decimals(read / count, 2)} times as many. Without overlap it would be ${decimals(apart.read / count, 2)} times, and some piece would see ${apart.least || "nothing"} on one side.`;
  },

  hint(data, state, { least }) {
    if (state.length !== data.asked.length) return `The question is about windows of ${data.asked.length}.`;
    return least >= data.asked.context ? `Every piece sees ${least} here. Is there no larger stride that does?` : null;
  },

  build(kit, data) {
    const count = data.pieces.length, least = (length) => Math.ceil((length - 2) / 4);
    const length = kit.choice("Window, in tokens", "length", data.lengths);
    length.node.querySelector("select").addEventListener("change", () => // the same overlap in the new length: a quarter
      kit.set(({ length: now }) => ({ stride: now - 2 - Math.floor((now - 2) / 4) })));
    const stride = kit.slider("Stride", "stride", { min: 1, max: data.asked.length });
    const at = kit.slider("Look at piece", "at", { min: 0, max: count - 1 });
    const input = stride.node.querySelector("input");
    const steps = [-1, 1].map((by) => kit.button(by > 0 ? "+1" : "−1", () =>
      kit.set((now) => ({ stride: Math.min(now.length - 2, Math.max(least(now.length), now.stride + by)) }))));
    steps.forEach(({ node }, i) => node.setAttribute("aria-label", `stride ${i ? "plus" : "minus"} 1`));
    kit.row(length.node);
    kit.row(stride.node, kit.element("span", {}, steps[0].node, " ", steps[1].node));
    const bars = kit.element("g"), needle = kit.element("line", { y1: 0, y2: 112, stroke: "#1f2933", "stroke-width": 2 });
    const picture = kit.add(kit.element("svg", { viewBox: "0 0 560 114", role: "img" }, bars, needle));
    const X = (piece) => 4 + (552 * piece) / count;
    kit.add(kit.text("A bar is a window; its dark part gives its pieces their tags. The upright line is the piece that you look at below."));
    const table = kit.table({ caption: "", rows: ["pieces in a window", "shared by neighbours, at least", "least context on a side", "windows", "pieces read"], columns: [""] });
    kit.add(table.node);
    const borders = (now) => machine.compute(data, now).windows.slice(1).map(([, , from]) => from);
    const moves = [["−1", (now) => now.at - 1], ["+1", (now) => now.at + 1],
      ["To the next border", (now) => borders(now).find((from) => from > now.at) ?? borders(now)[0] ?? now.at]];
    const buttons = moves.map(([words, to]) => kit.button(words, () =>
      kit.set((now) => ({ at: Math.min(count - 1, Math.max(0, to(now))) }))).node);
    buttons.slice(0, 2).forEach((node, i) => node.setAttribute("aria-label", `piece ${i ? "plus" : "minus"} 1`));
    kit.row(at.node, kit.element("span", {}, buttons[0], " ", buttons[1]), buttons[2]);
    const chips = kit.chips("the piece and its neighbours");
    kit.add(chips.node);
    const told = kit.add(kit.text());
    return (state, { windows, holding, owner, before, behind, least: smallest, read }) => {
      length.set(state.length);
      input.min = least(state.length);
      input.max = state.length - 2;
      stride.set(state.stride);
      at.set(state.at);
      bars.replaceChildren(...windows.flatMap(([start, end, from, to], i) => {
        const y = 4 + 22 * (i % 5), tone = kit.TONES[i === owner ? "orange" : "blue"];
        return [kit.element("rect", { x: X(start), width: X(end) - X(start), y, height: 16, fill: tone[0], stroke: tone[1], "stroke-width": 0.6 }),
          kit.element("rect", { x: X(from), width: X(to) - X(from), y: y + 3, height: 10, fill: tone[1] })];
      }));
      needle.setAttribute("x1", X(state.at + 0.5));
      needle.setAttribute("x2", X(state.at + 0.5));
      picture.setAttribute("aria-label", `${windows.length} windows of ${state.length - 2} pieces over ${count} pieces`);
      const around = [];
      for (let i = Math.max(0, state.at - 4); i <= Math.min(count - 1, state.at + 4); i++) {
        const { owner: giver } = machine.compute(data, { ...state, at: i });
        around.push({ text: data.pieces[i], small: `window ${giver}`, tone: i === state.at ? "orange" : giver === owner ? "plain" : "grey" });
      }
      chips.set(around);
      told.textContent = `Piece ${state.at} stands in ${holding.length === 1 ? "window" : "windows"} ${holding.join(", ")}. Window ${owner} gives it its tag: ` +
        `there it sees ${before} pieces before it and ${behind} behind.` +
        (data.pieces[state.at].startsWith("##") ? " (A word is tagged as its first piece is.)" : "");
      const room = state.length - 2;
      const shared = windows.length === 1 ? "–" : `${room} − ${state.stride} = ${room - state.stride}`;
      [`${state.length} − 2 = ${room}`, shared, String(smallest), String(windows.length), `${kit.thousands(read)}; the text has ${kit.thousands(count)}`]
        .forEach((text, i) => table.set(i, 0, { text }));
      kit.tell(`Least context on a side ${smallest}; ${windows.length} windows, which read ${kit.thousands(read)} pieces. ${told.textContent}`);
    };
  },
};
