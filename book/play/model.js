// The model in the page: a request (texts and switches) to what the checkpoint computes for it, before and after.

import * as ort from "./ort.wasm.bundle.min.mjs";
import { Tokenizer, shares, CLS, MASK, PAD, SEP } from "./tokenizer.js";

const PADS = 16; // that many [PAD] stand behind the text where the mask is forgotten

/** A file's bytes; unpacked, if it is packed with gzip and no server has done that already. */
async function bytesOf(name, onBytes) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name} cannot be had: the server says ${answer.status}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  onBytes(name, bytes.length);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Numbers of 16 bits as numbers of 32, each looked up in a table of all 65,536. */
export function widened(bytes) {
  const table = new Float32Array(0x10000);
  for (let bits = 0; bits < 0x10000; bits++) {
    const exponent = (bits >> 10) & 31,
      fraction = (bits & 1023) / 1024;
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction; // no infinity is stored
    table[bits] = bits & 0x8000 ? -size : size;
  }
  const narrow = new Uint16Array(bytes.buffer),
    wide = new Float32Array(narrow.length);
  for (let i = 0; i < narrow.length; i++) wide[i] = table[narrow[i]];
  return wide;
}

export class Bert {
  /** Fetch and open everything. onBytes(name, bytes) is told of each file. */
  static async load(onBytes = () => {}) {
    const names = ["ort-wasm-simd-threaded.wasm.gz", "bert.onnx", "weights.f16", "vocabulary.json"];
    const [runtime, graph, weights, vocabulary] = await Promise.all(names.map((name) => bytesOf(name, onBytes)));
    ort.env.wasm.numThreads = 1; // more need headers that a plain server does not send
    ort.env.wasm.wasmBinary = runtime;
    const session = await ort.InferenceSession.create(graph, {
      executionProviders: ["wasm"],
      externalData: [{ path: "weights", data: new Uint8Array(widened(weights).buffer) }],
    });
    return new Bert(session, JSON.parse(new TextDecoder().decode(vocabulary)));
  }

  constructor(session, content) {
    this.session = session;
    this.tokenizer = new Tokenizer(content);
    this.places = content.places;
    this.layers = content.layers;
    this.heads = content.heads;
  }

  /**
   * Ids, segments and mask of one text, or of two.
   *
   * @returns rows that the model takes, the words as runs of places, and how many pieces were left out.
   */
  encode(first, second = "") {
    const texts = [first, second].map((text) => this.tokenizer.words(text));
    const lengths = texts.map((words) => words.reduce((sum, word) => sum + word.length, 0));
    const pair = lengths[1] > 0;
    const kept = shares(...lengths, this.places - (pair ? 3 : 2));
    const ids = [CLS],
      segments = [0],
      runs = [];
    texts.slice(0, pair ? 2 : 1).forEach((words, segment) => {
      const end = ids.length + kept[segment];
      for (const word of words) {
        const part = word.slice(0, end - ids.length);
        if (!part.length) break;
        runs.push({ start: ids.length, length: part.length, segment });
        ids.push(...part);
      }
      ids.push(SEP);
      while (segments.length < ids.length) segments.push(segment);
    });
    const leftOut = lengths[0] + lengths[1] - kept[0] - kept[1];
    return { ids, segments, runs, leftOut, pieces: lengths[0] + lengths[1] };
  }

  /** What the model is given without the switches, and with them (null if none is on). */
  plan({ first, second = "", switches = {} }) {
    const { positionsOff, maskForgotten, segmentsSwapped, wordsShuffled, headsOff = [], seed = 1 } = switches;
    const { ids, segments, runs, leftOut, pieces } = this.encode(first, second);
    const pads = maskForgotten ? Math.min(PADS, this.places - ids.length) : 0;
    const mask = [...ids.map(() => 1), ...Array(pads).fill(0)];
    const gates = Array.from({ length: this.layers }, () => Array(this.heads).fill(1));
    const before = {
      ids: [...ids, ...Array(pads).fill(PAD)],
      segments: [...segments, ...Array(pads).fill(0)],
      mask,
    };
    before.order = before.ids.map((_, place) => place); // whence each piece came
    before.positionGate = 1;
    before.headGates = gates;
    let after = null;
    if (positionsOff || maskForgotten || segmentsSwapped || wordsShuffled || headsOff.length) {
      after = { ...before, headGates: gates.map((row) => [...row]) };
      if (wordsShuffled) after.order = shuffled(before.order, runs, seed);
      after.ids = after.order.map((place) => before.ids[place]);
      if (segmentsSwapped) after.segments = before.segments.map((s, place) => (mask[place] ? 1 - s : s));
      if (maskForgotten) after.mask = mask.map(() => 1);
      if (positionsOff) after.positionGate = 0;
      for (const [layer, head] of headsOff) after.headGates[layer][head] = 0;
    }
    return { before, after, leftOut, pieces, pads };
  }

  /**
   * Run the graph; outputs by name: scores and attention, and of the vectors those that are named, because it takes a
   * sixth of the time to copy them all. Masked places come in the order of the text as it was typed.
   */
  async run(row, vectors = []) {
    const masks = [...row.ids.keys()].filter((place) => row.ids[place] === MASK && row.mask[place]);
    masks.sort((a, b) => row.order[a] - row.order[b]);
    const places = masks.length ? masks : [0]; // the head needs something to read
    const T = row.ids.length;
    const wanted = ["logits", "nsp", ...vectors];
    for (let layer = 0; layer < this.layers; layer++) wanted.push(`layer${layer}.weights`);
    const inputs = {
      input_ids: new ort.Tensor("int32", Int32Array.from(row.ids), [T]),
      token_type_ids: new ort.Tensor("int32", Int32Array.from(row.segments), [T]),
      attention_mask: new ort.Tensor("float32", Float32Array.from(row.mask), [T]),
      places: new ort.Tensor("int32", Int32Array.from(places), [places.length]),
      position_gate: new ort.Tensor("float32", [row.positionGate], [1]),
      head_gates: new ort.Tensor("float32", row.headGates.flat(), [this.layers, this.heads]),
    };
    const result = await this.session.run(inputs, wanted);
    const outputs = {};
    for (const [name, tensor] of Object.entries(result)) outputs[name] = tensor.data;
    return { ids: row.ids, order: row.order, segments: row.segments, mask: row.mask, masks, outputs };
  }

  /** The answer to a request: both sides as `run` gives them, with the best pieces of each mask and NSP as shares. */
  async answer(request) {
    const { before, after, ...told } = this.plan(request);
    const sides = [];
    for (const row of after ? [before, after] : [before]) {
      const side = await this.run(row, request.vectors);
      side.pieces = side.ids.map((id) => this.tokenizer.pieces[id]);
      const V = this.tokenizer.pieces.length;
      side.best = side.masks.map((_, i) => best(side.outputs.logits.subarray(i * V, (i + 1) * V), 5));
      side.best.forEach((list) => list.forEach((entry) => (entry.piece = this.tokenizer.pieces[entry.id])));
      side.isNext = softmax(side.outputs.nsp)[0];
      sides.push(side);
    }
    return { sides, ...told };
  }
}

export function softmax(scores) {
  const highest = scores.reduce((a, b) => Math.max(a, b));
  const powers = Array.from(scores, (score) => Math.exp(score - highest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** The ids with the highest scores, highest first, each with its share of the softmax. */
function best(scores, count) {
  const top = [];
  for (let id = 0; id < scores.length; id++) {
    if (top.length === count && scores[id] <= scores[top[count - 1]]) continue;
    let at = top.length;
    while (at && scores[top[at - 1]] < scores[id]) at--;
    top.splice(at, 0, id);
    if (top.length > count) top.pop();
  }
  let sum = 0;
  for (const score of scores) sum += Math.exp(score - scores[top[0]]);
  return top.map((id) => ({ id, share: Math.exp(scores[id] - scores[top[0]]) / sum }));
}

/** The order of places with the words of each text shuffled; the same for the same seed. Words stay whole. */
function shuffled(order, runs, seed) {
  let state = seed >>> 0;
  const random = () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const result = [...order];
  for (const segment of [0, 1]) {
    const words = runs.filter((run) => run.segment === segment);
    if (words.length < 2) continue;
    let place = words[0].start;
    const mixed = [...words];
    for (let i = mixed.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
    }
    for (const { start, length } of mixed) for (let i = 0; i < length; i++) result[place++] = start + i;
  }
  return result;
}
