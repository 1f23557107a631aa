// The library's tokenizer in the page: a text to the ids that bertlib gives it. What becomes of each character was
// asked of the library when the site was built (export.py): the browser's own tables of characters are not needed.

export const PAD = 0,
  UNK = 1,
  CLS = 2,
  SEP = 3,
  MASK = 4;
const SPECIAL = /\[PAD\]|\[UNK\]|\[CLS\]|\[SEP\]|\[MASK\]/g;
const UNKNOWN = "\ufffd"; // a character that no piece has

export class Tokenizer {
  /** @param content vocabulary.json */
  constructor(content) {
    this.pieces = content.pieces;
    this.longestWord = content.longest_word;
    this.ids = new Map(content.pieces.map((piece, id) => [piece, id]));
    this.outcomes = [UNKNOWN, ...Object.keys(content.characters)];
    this.outcomeOf = new Uint8Array(0x110000); // code point -> place in outcomes
    Object.values(content.characters).forEach((ranges, number) => {
      let end = 0;
      for (let i = 0; i < ranges.length; i += 2) {
        const start = end + ranges[i];
        end = start + ranges[i + 1];
        this.outcomeOf.fill(number + 1, start, end);
      }
    });
  }

  /** The words of a text, marks and special tokens among them, each as the ids of its pieces. */
  words(text) {
    const found = [];
    let end = 0;
    for (const match of text.matchAll(SPECIAL)) {
      found.push(...this.#plainWords(text.slice(end, match.index)), [this.ids.get(match[0])]);
      end = match.index + match[0].length;
    }
    found.push(...this.#plainWords(text.slice(end)));
    return found;
  }

  #plainWords(text) {
    let normal = "";
    for (const character of text) {
      const code = character.codePointAt(0);
      // Half a surrogate pair cannot be encoded. The library refuses it; here it is left out, as U+FFFD is.
      if (code < 0xd800 || code > 0xdfff) normal += this.outcomes[this.outcomeOf[code]];
    }
    return normal
      .split(" ")
      .filter((word) => word)
      .map((word) => this.#cut(word));
  }

  /** Greedy, longest piece first; a word that cannot be cut to its end is one [UNK]. */
  #cut(word) {
    if (word.length > this.longestWord || word.includes(UNKNOWN)) return [UNK];
    const ids = [];
    for (let start = 0; start < word.length;) {
      let end = word.length,
        id;
      for (; end > start; end--) {
        id = this.ids.get((start ? "##" : "") + word.slice(start, end));
        if (id !== undefined) break;
      }
      if (end === start) return [UNK];
      ids.push(id);
      start = end;
    }
    return ids;
  }
}

/** How many ids of each text fit; the longer one is cut first, and of two long ones the first, as the library does. */
export function shares(first, second, room) {
  if (first + second <= room) return [first, second];
  let short = Math.min(first, second),
    long = short > room ? short : Math.max(short, room - short);
  if (short + long > room) {
    short = Math.floor(room / 2);
    long = short + (room % 2);
  }
  return first > second ? [long, short] : [short, long];
}
