// The model's own thread: the page stays alive while it loads and computes. Questions come and answers go by number.

import { Bert } from "./model.js";

let loaded = 0;
const waiting = Bert.load((name, bytes) => postMessage({ loaded: (loaded += bytes) }));
waiting.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ broken: String(error.message ?? error) }),
);

let last = Promise.resolve(),
  newest = 0;
onmessage = ({ data: { number, question, request } }) => {
  newest = number;
  last = last.then(async () => {
    // one after the other
    try {
      const bert = await waiting;
      if (number < newest) return; // somebody types on
      const start = performance.now();
      const answer = await bert.answer(request);
      answer.milliseconds = performance.now() - start;
      const buffers = answer.sides.flatMap((side) => Object.values(side.outputs).map((values) => values.buffer));
      postMessage({ number, question, answer }, [...new Set(buffers)]);
    } catch (error) {
      postMessage({ number, failed: String(error.message ?? error) });
    }
  });
};
