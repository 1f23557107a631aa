"""What can be wrong with a drawing, measured in Chromium on the SVG itself, laid into an empty page."""

MEASURE = r"""
() => {
  const svg = document.querySelector("svg"), found = [];
  const edge = svg.getBoundingClientRect(), scale = edge.width / svg.viewBox.baseVal.width;
  const texts = [...svg.querySelectorAll("text")], shapes = [...svg.querySelectorAll("rect, circle, polygon")];
  const named = (node) => JSON.stringify(node.textContent);
  const letters = (node) => {  // the line of text without the empty room above and below its letters
    const box = node.getBoundingClientRect(), size = parseFloat(node.getAttribute("font-size")) * scale;
    const middle = (box.top + box.bottom) / 2;
    return { left: box.left, right: box.right, top: middle - 0.5 * size, bottom: middle + 0.5 * size, size };
  };
  const light = (value) => {
    const hex = value.match(/^#(..)(..)(..)$/).slice(1).map((part) => parseInt(part, 16) / 255);
    const [r, g, b] = hex.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const inside = (inner, outer, slack) =>
    inner.left >= outer.left - slack && inner.right <= outer.right + slack &&
    inner.top >= outer.top - slack && inner.bottom <= outer.bottom + slack;
  const boxes = texts.map(letters);
  texts.forEach((text, i) => {
    const own = boxes[i];
    if (!inside(own, edge, 0.5)) found.push(`${named(text)} leaves the drawing`);
    if (own.size < 11) found.push(`${named(text)} has letters of ${own.size} pixels`);
    const group = text.closest("g.box");
    if (group && !inside(own, group.querySelector("rect").getBoundingClientRect(), 1))
      found.push(`${named(text)} leaves its box`);
    for (let j = 0; j < i; j++) {
      const other = boxes[j];
      const across = Math.min(own.right, other.right) - Math.max(own.left, other.left);
      const down = Math.min(own.bottom, other.bottom) - Math.max(own.top, other.top);
      if (across > 0.5 && down > 0.5) found.push(`${named(texts[j])} and ${named(text)} overlap`);
    }
    const x = (own.left + own.right) / 2, y = (own.top + own.bottom) / 2;
    const below = shapes.filter((shape) => {
      const box = shape.getBoundingClientRect();
      const before = shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING;
      return before && box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
    }).pop();
    if (!below) { found.push(`${named(text)} stands on no background`); return; }
    const [bright, dark] = [light(text.getAttribute("fill")), light(below.getAttribute("fill"))].sort((a, b) => b - a);
    const contrast = (bright + 0.05) / (dark + 0.05);
    if (contrast < 4.5) found.push(`${named(text)} has a contrast of ${contrast.toFixed(2)}`);
    if (!group) {  // a text of its own is not cut by a box's border
      for (const frame of svg.querySelectorAll("g.box > rect")) {
        const box = frame.getBoundingClientRect();
        const across = Math.min(own.right, box.right) - Math.max(own.left, box.left);
        const down = Math.min(own.bottom, box.bottom) - Math.max(own.top, box.top);
        if (across > 1 && down > 1 && !inside(own, box, 1)) found.push(`${named(text)} lies across a box's border`);
      }
    }
  });
  for (const line of svg.querySelectorAll("polyline")) {
    const matrix = line.getScreenCTM(), total = line.getTotalLength();
    for (let step = 0; step <= total; step += 2) {
      const at = line.getPointAtLength(step).matrixTransform(matrix);
      const hit = boxes.findIndex(
        (box) => at.x > box.left + 1 && at.x < box.right - 1 && at.y > box.top + 2 && at.y < box.bottom - 2);
      if (hit >= 0) { found.push(`a line runs through ${named(texts[hit])}`); break; }
    }
  }
  return found;
}
"""


def faults(page, svg, width=700):
    """What is wrong with an SVG in a page of this width: texts cut off, over each other, small, pale or crossed."""
    page.set_viewport_size({"width": width, "height": 800})
    page.set_content(f"<!doctype html><body style='margin:0'>{svg}</body>")
    return page.evaluate(MEASURE)
