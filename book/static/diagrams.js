// Draws the page's diagrams, in the colours of its theme, and again when the reader changes that.
const sources = new Map([...document.querySelectorAll("pre.mermaid")].map((node) => [node, node.textContent]));

async function draw() {
  const chosen = document.body.dataset.theme;
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  mermaid.initialize({ startOnLoad: false, theme: dark ? "dark" : "default" });
  for (const [node, source] of sources) {
    node.removeAttribute("data-processed");
    node.textContent = source;
  }
  await mermaid.run({ nodes: [...sources.keys()] });
}

draw();
new MutationObserver(draw).observe(document.body, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
