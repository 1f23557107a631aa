const machine = {
  start: () => ({ draw: 0, percent: 15, whole: false }),

  compute(data, { draw, percent, whole }) {
    const numbers = data.draws[draw], below = (one) => one < percent / 100;
    const hidden = [], parts = (own) => (own.every(Boolean) ? 0 : own.filter(Boolean).length);
    let start = 0, sight = 0, byCharacter = 0;
    for (const word of data.words) {
      const own = numbers.slice(start, start + [...word].length), alone = own.map(below);
      const shown = whole ? own.map(() => below(own[0])) : alone;
      hidden.push(...shown);
      sight += parts(shown);
      byCharacter += parts(alone);
      start += own.length;
    }
    return { hidden, count: hidden.filter(Boolean).length, sight, byCharacter };
  },

  answered(data, { draw, percent, whole }, { count, sight, byCharacter }) {
    if (!whole || percent !== 15 || byCharacter < data.easy) return null;
    return `By characters, draw ${draw + 1} leaves ${byCharacter} hidden characters with a part of their word in sight; by words ${sight}, for a word is hidden as a whole or not at all. ` +
      `What is asked by characters is often only the other half of a word; by words it needs the sentence. (Here ${count} characters are hidden by words: one draw decides for each word, so this number varies more.)`;
  },

  hint: (data, { percent, whole }, { byCharacter }) => (percent !== 15 && byCharacter >= data.easy ? "Such a draw is easy to find with more than 15 %: hide 15 %."
    : !whole && byCharacter >= data.easy ? "Such a draw it is: now hide whole words." : null),

  build(kit, data) {
    const by = kit.toggle("hide whole words", "whole");
    const draws = kit.slider("draw", "draw", { min: 0, max: data.draws.length - 1, show: (value) => String(value + 1) });
    const percent_ = kit.slider("hidden", "percent", { min: 5, max: 50, step: 5, show: (value) => `${value} %` });
    kit.row(by.node, draws.node, percent_.node);
    const chips = kit.chips("the sentence, word by word"), told = kit.text();
    kit.add(chips.node, told);
    return ({ draw, percent, whole }, { hidden, count, sight }) => {
      by.set(whole);
      draws.set(draw);
      percent_.set(percent);
      let start = 0;
      chips.set(data.words.map((word) => {
        const letters = [...word], own = hidden.slice(start, start += letters.length);
        const tone = !own.some(Boolean) ? "plain" : own.every(Boolean) ? "green" : "orange";
        return { text: letters.map((letter, i) => (own[i] ? "▢" : letter)).join(""), tone };
      }));
      told.textContent = `${count} characters are hidden (▢); ${sight} of them have a part of their word in sight.`;
      kit.tell(told.textContent);
    };
  },
};
