// Pictures of what came out: maps, lines and bars. All of them are drawn in the colours that play.css gives the page.

const SVG = "http://www.w3.org/2000/svg";
const FAINTEST = 0.04; // lines below this weight are left out: nobody would see them
const ROW = 20; // pixels a piece takes in the picture of lines

/** An element with attributes and children; an attribute that is a function is a listener. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function svgElement(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function colour(name) {
  return getComputedStyle(document.getElementById("play")).getPropertyValue(name).trim();
}

/** A map of T × T weights: full colour is 1, for every map on the page. */
export function drawMap(canvas, weights, T, chosen) {
  const [red, green, blue] = colour("--play-weight")
    .match(/[0-9a-f]{2}/gi)
    .map((part) => parseInt(part, 16));
  const small = element("canvas", { width: T, height: T }),
    cells = new ImageData(T, T);
  for (let i = 0; i < T * T; i++) cells.data.set([red, green, blue, Math.round(255 * weights[i])], 4 * i);
  small.getContext("2d").putImageData(cells, 0, 0);
  const pixels = Math.max(1, Math.floor(canvas.dataset.size / T));
  canvas.width = canvas.height = T * pixels;
  const pen = canvas.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small, 0, 0, canvas.width, canvas.height);
  if (chosen >= 0 && pixels > 2) {
    pen.strokeStyle = colour("--play-mark");
    pen.strokeRect(0.5, chosen * pixels + 0.5, T * pixels - 1, pixels - 1);
  }
}

/** Two columns of pieces with a line for each weight; those of the chosen piece come forward. */
export function lines(pieces, weights, chosen, words) {
  const T = pieces.length,
    height = T * ROW + 24,
    width = 320,
    left = 112,
    right = width - 112;
  const picture = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words });
  picture.append(svgElement("text", { x: left - 6, y: 14, class: "head end" }, "looks"));
  picture.append(svgElement("text", { x: right + 6, y: 14, class: "head" }, "is looked at"));
  const y = (place) => 24 + place * ROW + ROW / 2;
  for (let from = 0; from < T; from++) {
    for (let to = 0; to < T; to++) {
      const weight = weights[from * T + to];
      if (weight < FAINTEST) continue;
      const strength = from === chosen ? weight : 0.25 * weight;
      const where = { x1: left, y1: y(from), x2: right, y2: y(to), "stroke-opacity": strength.toFixed(3) };
      picture.append(svgElement("line", { ...where, class: from === chosen ? "chosen" : "" }));
    }
  }
  pieces.forEach((piece, place) => {
    const short = piece.length > 14 ? `${piece.slice(0, 13)}…` : piece;
    const name = place === chosen ? "chosen" : "";
    picture.append(svgElement("text", { x: left - 6, y: y(place) + 4, class: `${name} end` }, short));
    picture.append(svgElement("text", { x: right + 6, y: y(place) + 4, class: "" }, short));
  });
  return picture;
}

/** A vector as bars, up for positive numbers; `limit` is the height of the picture in each direction. */
export function bars(values, limit, words) {
  const canvas = element("canvas", { role: "img", "aria-label": words });
  const each = values.length > 512 ? 1 : 3;
  canvas.width = values.length * each;
  canvas.height = 120;
  const pen = canvas.getContext("2d");
  values.forEach((value, place) => {
    pen.fillStyle = colour(value < 0 ? "--play-negative" : "--play-weight");
    pen.fillRect(place * each, 60, Math.max(1, each - 0.5), (-60 * value) / limit);
  });
  return canvas;
}
