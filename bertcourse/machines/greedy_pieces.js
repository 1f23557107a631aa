const machine = {
  start: (data) => ({ text: data.text, word: 0, step: 0 }),

  /** Characters of a text as BERT cleans them, each with the place that it came from: bertlib's normalize. */
  clean(data, text, base) {
    const apart = (code) => data.chinese.some(([first, last]) => first <= code && code <= last);
    return [...text].flatMap((character, place) => {
      if (/[\t\n\r\p{Z}]/u.test(character)) return [[" ", base + place]];
      if (character === "\ufffd" || /[\p{Cc}\p{Cf}\p{Co}]/u.test(character)) return [];
      const letters = [...character.normalize("NFD")].filter((part) => !/\p{Mn}/u.test(part)).flatMap((part) => [...part.toLowerCase()]);
      const found = letters.map((letter) => [letter, base + place]);
      return apart(character.codePointAt(0)) ? [[" ", base + place], ...found, [" ", base + place]] : found;
    });
  },

  /** The words, each as a list of [character, place]; a special token is a word of its own. */
  words(data, text) {
    const words = [];
    let base = 0;
    for (const part of text.split(/(\[(?:PAD|UNK|CLS|SEP|MASK)\])/)) {
      const length = [...part].length;
      if (data.specials.includes(part)) words.push({ special: part, start: base, end: base + length });
      else {
        let word = [];
        const close = () => { if (word.length) words.push({ letters: word }); word = []; };
        for (const [character, place] of machine.clean(data, part, base)) {
          if (character === " ") close();
          else if (/[!-/:-@[-`{-~]|\p{P}/u.test(character)) { close(); word = [[character, place]]; close(); }
          else word.push([character, place]);
        }
        close();
      }
      base += length;
    }
    return words;
  },

  compute(data, { text, word }) {
    const ids = machine.ids ??= new Map(data.pieces.split(" ").map((piece, id) => [piece, id]));
    const cut = (letters) => {
      const tries = [], pieces = [];
      if (letters.length > data.longest) return { tries, pieces: null };
      for (let start = 0; start < letters.length;) {
        let end = letters.length, piece;
        for (; end > start; end--) {
          piece = (start ? "##" : "") + letters.slice(start, end).join("");
          tries.push({ piece, start, end, hit: ids.has(piece) });
          if (ids.has(piece)) break;
        }
        if (end === start) return { tries, pieces: null };
        pieces.push({ piece, start, end });
        start = end;
      }
      return { tries, pieces };
    };
    const words = machine.words(data, text), chosen = Math.min(word, words.length - 1), tokens = [], offsets = [];
    words.forEach((one) => {
      one.first = tokens.length;
      if (one.special) { tokens.push(one.special); offsets.push([one.start, one.end]); return; }
      const letters = one.letters.map(([letter]) => letter), place = (i) => one.letters[i][1];
      Object.assign(one, cut(letters));
      for (const { piece, start, end } of one.pieces ?? [{ piece: data.unknown, start: 0, end: letters.length }]) {
        tokens.push(piece);
        offsets.push([place(start), place(end - 1) + 1]);
      }
    });
    return { tokens, ids: tokens.map((token) => ids.get(token)), offsets, words, chosen, tries: (words[chosen]?.tries ?? []).map(({ piece }) => piece) };
  },

  /** The words that end as the question says, the last one of the text first; each with what stands before that end. */
  ended(data, words) {
    const own = data.text.slice(0, -data.ending.length);
    return words.filter((word) => word.letters).map((word) => {
      const letters = word.letters.map(([letter]) => letter), place = letters.length - [...data.ending].length, front = letters.slice(0, Math.max(0, place)).join("");
      return { word, letters: letters.join(""), place, front, new: /^\p{L}{2,}$/u.test(front) && !own.includes(front) };
    }).filter((one) => one.letters.endsWith(data.ending)).reverse();
  },

  answered(data, state, { words }) {
    for (const { word, letters, place, new: isNew } of machine.ended(data, words)) {
      const found = word.pieces?.findIndex(({ piece, start }) => piece === data.wanted && start === place);
      if (!isNew || !(found >= 1)) continue;
      const before = word.pieces[found - 1].piece;
      return `${letters} becomes ${word.pieces.map(({ piece }) => piece).join(" ")}. The longest piece that fits there, ${before}, ends right before the ` +
        `${data.ending[0]}, and so ${data.wanted} can begin with it. In ${data.text} a longer piece had taken the ${data.ending[0]}, and greedy never goes back: ` +
        "which pieces a word gets depends on the letters before them.";
    }
    return null;
  },

  hint(data, state, { words }) {
    const [one] = machine.ended(data, words), first = data.ending[0];
    if (!one || one.letters === data.text) return null;
    const { word, letters, place, front } = one, bare = data.wanted.replace("##", "");
    if (!place) return `In ${letters}, ${bare} stands at the start, so it has no ##.`;
    if (!one.new) return data.text.endsWith(letters) || data.text.startsWith(front) ? `${front} is only a part of ${data.text}: give another beginning, of at least two letters.`
      : "Give a beginning of at least two letters.";
    if (!word.pieces) return `${letters} becomes ${data.unknown}.`;
    const over = word.pieces.find(({ start, end }) => start <= place && place < end);
    return over.start < place ? `In ${letters}, ${over.piece} itself is a piece and took the ${first}.` : `In ${letters}, the piece that begins with the ${first} is ${over.piece}.`;
  },

  build(kit, data) {
    const field = kit.element("input", { type: "text", spellcheck: "false", autocomplete: "off", autocapitalize: "off", maxlength: 300, size: 36,
      input: () => kit.set({ text: field.value, word: 0, step: 0 }) });
    kit.row(kit.element("label", {}, "Text", field));
    const pieces = kit.chips("pieces of the text");
    kit.add(kit.text("Its pieces, each with its id and its offsets:"), pieces.node);
    const which = kit.add(kit.text()), letters = kit.chips("letters of the word"), told = kit.text();
    let values;
    const tries = () => values.words[values.chosen]?.tries ?? [];
    const at = (state) => Math.min(state.step, tries().length);
    const steps = [
      ["Back", (state) => at(state) - 1],
      ["Next try", (state) => at(state) + 1],
      ["Next piece", (state) => {
        const next = tries().findIndex((one, i) => i >= at(state) && one.hit);
        return next < 0 ? tries().length : next + 1;
      }],
    ].map(([words, to]) => kit.button(words, () => kit.set((state) => ({ step: Math.max(0, to(state)) }))));
    const others = [["Word before", -1], ["Next word", 1]].map(([words, by]) =>
      kit.button(words, () => kit.set({ word: values.chosen + by, step: 0 })));
    kit.add(letters.node, told);
    kit.row(...steps.map((one) => one.node), ...others.map((one) => one.node));
    return (state, now) => {
      values = now;
      if (field.value !== state.text) field.value = state.text;
      pieces.set(values.tokens.map((text, i) => ({ text, small: `${values.ids[i]} · ${values.offsets[i].join(":")}`,
        tone: text === data.unknown ? "yellow" : data.specials.includes(text) ? "grey" : "blue" })));
      const word = values.words[values.chosen], step = at(state), seen = tries().slice(0, step), last = seen.at(-1);
      const found = seen.filter((one) => one.hit), done = found.at(-1)?.end ?? 0;
      which.textContent = word ? `Word ${values.chosen + 1} of ${values.words.length}, from the left, the longest piece first: ` : "There is no word in it yet.";
      const spelled = word?.letters?.slice(0, data.longest) ?? [], more = word?.letters?.length > data.longest ? [["…"]] : [];
      letters.set([...spelled, ...more].map(([text], i) => ({ text, tone: i < done ? "green" : last && i >= last.start && i < last.end ? "yellow" : "plain" })));
      const failed = step === tries().length && word?.pieces === null;
      told.textContent = !word ? "" : word.special ? `${word.special} is taken as it is.`
        : word.letters.length > data.longest ? `More than ${data.longest} characters: [UNK] whatever the vocabulary holds.`
        : !last ? `No try yet. Found so far: nothing.`
        : `Try ${step}: ${last.piece} is ${last.hit ? "in the vocabulary" : "not there"}. ` +
          (failed ? `Nothing fits at place ${last.start}: the whole word becomes [UNK].` : `Found so far: ${found.map((one) => one.piece).join(" ") || "nothing"}.`);
      steps[0].set(null, step > 0);
      steps[1].set(null, step < tries().length);
      steps[2].set(null, step < tries().length);
      others[0].set(null, values.chosen > 0);
      others[1].set(null, values.chosen + 1 < values.words.length);
    };
  },
};
