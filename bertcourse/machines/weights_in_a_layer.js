const METHODS = [["full", "full fine-tuning"], ["bitfit", "BitFit: the biases"], ["adapters", "adapters"], ["prefix", "prefix"],
  ["lora", "LoRA beside query and value"]];

const machine = {
  start: (data) => ({ method: "adapters", size: data.bottleneck }),

  compute({ layers, width: D, inner, outside }, { method, size }) {
    const adapter = 2 * D * size + size + D;
    const [parts, beyond] = {
      full: [[3 * (D * D + D), D * D + D, 0, 2 * D, 2 * D * inner + inner + D, 0, 2 * D], outside],
      bitfit: [[3 * D, D, 0, D, inner + D, 0, D], 2 * D],
      adapters: [[0, 0, adapter, 2 * D, 0, adapter, 2 * D], 2 * D],
      prefix: [[2 * size * D, 0, 0, 0, 0, 0, 0], 0],
      lora: [[4 * size * D, 0, 0, 0, 0, 0, 0], 0],
    }[method];
    return { parts, beyond, total: beyond + layers * parts.reduce((sum, one) => sum + one, 0) };
  },

  answered(data, { method, size }, { total }) {
    if (method !== "lora" || size !== data.rank) return null;
    const whole = machine.compute(data, { method: "full", size: 1 }).total;
    return `Rank ${size}: ${thousands(total)} numbers, adapters with a bottleneck of ${data.bottleneck} have ${thousands(data.wanted)}; ` +
      `both train about ${percent(total / whole, 1)} of what full fine-tuning trains. An adapter holds two matrices of that height, too; ` +
      "LoRA stands at query and value, adapters behind attention and feed-forward, and their LayerNorms come on top.";
  },

  hint: (data, { method, size }) => (method === "lora" && Math.abs(size - data.rank) === 1 ? "One rank away." : null),

  build(kit, data) {
    const method = kit.choice("Method", "method", METHODS);
    const size = kit.slider("Bottleneck, rank or length", "size", { min: 1, max: 64 });
    kit.row(method.node);
    kit.row(size.node);
    const table = kit.table({ caption: "Numbers that train, per layer", rows: data.parts, columns: ["trained"],
      name: (i) => data.parts[i] });
    kit.add(table.node);
    const words = kit.add(kit.text());
    const whole = machine.compute(data, { method: "full", size: 1 }).total;
    return (state, { parts, beyond, total }) => {
      method.set(state.method);
      size.set(state.size);
      size.node.querySelector("input").disabled = ["full", "bitfit"].includes(state.method);
      const most = Math.max(...parts);
      parts.forEach((count, i) => table.set(i, 0, { text: kit.thousands(count), fill: count ? 0.15 + (0.35 * count) / most : 0 }));
      words.textContent = `In ${data.layers} layers${beyond ? `, with ${kit.thousands(beyond)} outside of them` : ""}: ${kit.thousands(total)}, ` +
        `${kit.percent(total / whole, 2)} of the encoder's; as float32 ${kit.decimals((4 * total) / 1e6, 2)} MB for each task, the head not counted.`;
      kit.tell(`${kit.thousands(total)} numbers train`);
    };
  },
};
