// The trace: one sequence from end to end, from its whole length down to its letters. All rows share one axis.
// Everything is drawn from `data`; nothing goes back to Python. Positions are 0-based, half-open; `x0` and `x1` are
// the first and the last base in view. Text from files only ever becomes a text node.

const SVG = "http://www.w3.org/2000/svg";
const ARROW = { "+": "→", "-": "←" };
const ROW = 14, LANE = 32, BLOCK = 13, TRACK = 46, HEADING = 24;
const READABLE = 7.5; // pixels a letter
const STRIPES = 1.2; // pixels a base, from which letters show as coloured stripes
const LETTERS_IN_VIEW = 80;
const LEAST = 12; // bases in view

const traces = new WeakMap();

export default function ({ data, parentElement }) {
  let trace = traces.get(parentElement);
  if (!trace) traces.set(parentElement, (trace = new Trace(parentElement)));
  trace.update(data);
}

function node(name, attributes = {}, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  return made;
}

const digits = (value, places = 2) => Number(value).toFixed(places);
const whole = (value) => Math.round(value).toLocaleString("en");

class Trace {
  constructor(parent) {
    this.root = parent.querySelector(".trace");
    this.stage = this.root.querySelector(".stage");
    this.tip = this.root.querySelector(".tip");
    this.where = this.root.querySelector(".where");
    this.pool = "head";
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.data && this.draw()).observe(this.stage);
  }

  update(data) {
    const other = data.id !== this.data?.id;
    this.data = data;
    this.start = data.start0;
    this.end = data.start0 + data.letters.length;
    if (other) [this.x0, this.x1] = [this.start, this.end];
    const what = `${data.instances.length} ${data.instances.length === 1 ? "instance" : "instances"}`;
    this.stage.setAttribute(
      "aria-label",
      `Trace of ${data.name}: ${what}. Arrow keys move, plus and minus zoom, 0 shows the whole sequence.`,
    );
    this.draw();
  }

  // --- what is in view

  view(x0, x1) {
    const most = this.end - this.start;
    const size = Math.min(Math.max(x1 - x0, Math.min(LEAST, most)), most);
    this.x0 = Math.min(Math.max((x0 + x1 - size) / 2, this.start), this.end - size);
    this.x1 = this.x0 + size;
    if (!this.pending) this.pending = requestAnimationFrame(() => ((this.pending = 0), this.draw()));
  }

  zoom(factor, at = (this.x0 + this.x1) / 2) {
    this.view(at - (at - this.x0) * factor, at + (this.x1 - at) * factor);
  }

  move(share) {
    const by = (this.x1 - this.x0) * share;
    const free = Math.min(Math.max(by, this.start - this.x0), this.end - this.x1);
    this.view(this.x0 + free, this.x1 + free);
  }

  near(middle) {
    const size = Math.min(LETTERS_IN_VIEW, Math.max(LEAST, (this.width - this.left) / (READABLE + 1)));
    this.view(middle - size / 2, middle + size / 2);
  }

  act(what) {
    const strongest = [...this.data.instances].sort((a, b) => b.contribution - a.contribution)[0];
    const middle = (this.x0 + this.x1) / 2;
    const isWhole = this.x1 - this.x0 > 0.99 * (this.end - this.start);
    const go = {
      left: () => this.move(-0.25),
      right: () => this.move(0.25),
      in: () => this.zoom(0.5, isWhole && strongest ? (strongest.start0 + strongest.end0) / 2 : middle),
      out: () => this.zoom(2),
      whole: () => this.view(this.start, this.end),
      letters: () => this.near(isWhole && strongest ? (strongest.start0 + strongest.end0) / 2 : middle),
      save: () => this.save(),
    };
    go[what]?.();
  }

  // --- pointer and keys

  listen() {
    const stage = this.stage;
    this.root.querySelector(".zoom").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.act(button.dataset.do);
    });
    this.root.querySelector(".pool").addEventListener("change", (event) => {
      this.pool = event.target.value;
      this.draw();
    });
    stage.addEventListener("keydown", (event) => {
      const keys = { ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out", 0: "whole", l: "letters" };
      const block = event.composedPath().find((part) => part.classList?.contains("block"));
      if (block && (event.key === "Enter" || event.key === " ")) this.near(block.middle);
      else if (event.key === "Escape") this.hide();
      else if (keys[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) this.act(keys[event.key]);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    stage.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(event.deltaY / 250), this.base(event));
      else this.move(event.deltaX / (this.width - this.left));
    }, { passive: false });
    stage.addEventListener("dblclick", (event) => this.zoom(0.4, this.base(event)));
    stage.addEventListener("pointerdown", (event) => {
      this.pointers.set(event.pointerId, event);
      this.grabbed = { x: event.clientX, x0: this.x0, x1: this.x1, moved: false };
    });
    stage.addEventListener("pointermove", (event) => {
      if (!this.pointers.has(event.pointerId)) return this.hover(event);
      const other = [...this.pointers.values()].find((held) => held.pointerId !== event.pointerId);
      if (other) {
        const before = Math.abs(this.pointers.get(event.pointerId).clientX - other.clientX);
        const now = Math.abs(event.clientX - other.clientX);
        if (before > 10 && now > 10) this.zoom(before / now, this.base(event));
      } else {
        const by = event.clientX - this.grabbed.x;
        if (Math.abs(by) > 4 && !this.grabbed.moved) {
          this.grabbed.moved = true;
          stage.setPointerCapture(event.pointerId);
          stage.classList.add("dragged");
        }
        if (this.grabbed.moved) {
          const { x0, x1 } = this.grabbed;
          const bases = (-by / (this.width - this.left)) * (x1 - x0);
          const free = Math.min(Math.max(bases, this.start - x0), this.end - x1);
          this.view(x0 + free, x1 + free);
          this.hide();
        }
      }
      this.pointers.set(event.pointerId, event);
    });
    const release = (event) => {
      this.pointers.delete(event.pointerId);
      stage.classList.remove("dragged");
    };
    stage.addEventListener("pointerup", (event) => {
      const block = event.composedPath().find((part) => part.classList?.contains("block"));
      const still = this.grabbed && !this.grabbed.moved;
      release(event);
      if (still && block && event.pointerType === "mouse") this.near(block.middle);
      else if (still) this.hover(event);
    });
    stage.addEventListener("pointercancel", release);
    stage.addEventListener("pointerleave", () => this.hide());
    stage.addEventListener("focusin", (event) => {
      const block = event.composedPath().find((part) => part.classList?.contains("block"));
      if (block?.matches(":focus-visible")) this.tell(block.said, block.getBoundingClientRect());
    });
    stage.addEventListener("focusout", () => this.hide());
  }

  base(event) {
    const box = this.stage.getBoundingClientRect();
    return this.x0 + ((event.clientX - box.left - this.left) / (this.width - this.left)) * (this.x1 - this.x0);
  }

  // --- hover

  hover(event) {
    const box = this.stage.getBoundingClientRect();
    const at = Math.floor(this.base(event)), y = event.clientY - box.top;
    const block = event.composedPath().find((part) => part.classList?.contains("block"));
    if (at < this.x0 - 1 || at > this.x1 || event.clientX < box.left + this.left) return this.hide();
    const letter = this.data.letters[at - this.start] ?? "";
    const said = block ? block.said : [`base ${whole(at)} ${letter}`, ...this.row(y, at)];
    this.cross?.setAttribute("d", `M${this.x(at + 0.5)} 0V${this.height}`);
    this.tell(said, { left: event.clientX, right: event.clientX, top: event.clientY, bottom: event.clientY });
  }

  row(y, at) {
    const row = this.rows.find((known) => y >= known.top && y < known.bottom);
    return row ? row.say(at) : [];
  }

  tell([title, ...lines], near) {
    const bold = document.createElement("b");
    bold.textContent = title;
    const rest = lines.map((line) => Object.assign(document.createElement("span"), { textContent: line }));
    this.tip.replaceChildren(bold, ...rest);
    this.tip.hidden = false;
    const box = this.root.getBoundingClientRect(), mine = this.tip.getBoundingClientRect();
    const right = near.right - box.left + 14;
    const fits = right + mine.width < box.width;
    this.tip.style.left = `${fits ? right : Math.max(0, near.left - box.left - mine.width - 14)}px`;
    this.tip.style.top = `${near.bottom - box.top + 12}px`;
  }

  hide() {
    this.tip.hidden = true;
    this.cross?.setAttribute("d", "");
  }

  // --- drawing

  x(base) {
    return this.left + ((base - this.x0) / (this.x1 - this.x0)) * (this.width - this.left);
  }

  draw() {
    const width = Math.round(this.stage.clientWidth);
    if (!width) return;
    const focused = this.svg?.querySelector(".block:focus")?.dataset.key;
    const narrow = width < 560;
    [this.width, this.left, this.narrow] = [width, narrow ? 74 : 116, narrow];
    this.scale = (width - this.left) / (this.x1 - this.x0);
    this.rows = [];
    this.svg = node("svg", { xmlns: SVG });
    this.inside = node("g", { "clip-path": "url(#in)" });
    let y = this.ruler(18);
    y = this.letters(y);
    y = this.instances(y + 4);
    if (this.data.track) y = this.track(y + 6);
    y = this.attention(y + 6);
    y = this.motifs(y + 6);
    this.height = y + 6;
    this.cross = node("path", { class: "cross" });
    const clip = node("clipPath", { id: "in" });
    clip.append(node("rect", { x: this.left, y: 0, width: width - this.left, height: this.height }));
    this.svg.append(clip, this.inside, this.cross);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.svg.setAttribute("height", this.height);
    this.stage.replaceChildren(this.svg);
    const size = Math.round(this.x1 - this.x0);
    this.where.textContent = `${whole(this.x0)}–${whole(this.x1)} · ${whole(size)} bp`;
    if (focused) this.svg.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  label(y, text, kind = "faint", anchor = "end") {
    const made = node("text", { x: anchor === "end" ? this.left - 7 : 8, y, class: kind, "text-anchor": anchor }, text);
    this.svg.append(made);
    return made;
  }

  heading(y, text, unit) {
    const made = this.label(y + 15, text, "title", "start");
    if (unit && !this.narrow) made.append(node("tspan", { class: "faint", "font-weight": 400, dx: 6 }, unit));
    return y + HEADING;
  }

  ruler(y) {
    const bases = this.x1 - this.x0, wanted = (bases / (this.width - this.left)) * (this.narrow ? 60 : 84);
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = Math.max(1, [1, 2, 5, 10].map((n) => n * power).find((n) => n >= wanted));
    this.label(y - 3, this.narrow ? "base" : "base (from 0)");
    for (let at = Math.ceil(this.x0 / step) * step; at < this.x1; at += step) {
      const x = this.x(at + 0.5);
      this.inside.append(node("path", { class: "rule", d: `M${x} ${y}v5` }));
      this.inside.append(node("text", { class: "faint", x: x + 3, y: y - 3 }, whole(at)));
    }
    this.inside.append(node("path", { class: "rule", d: `M${this.left} ${y + 5}H${this.width}` }));
    return y + 6;
  }

  letters(y) {
    if (this.scale < STRIPES) return y;
    const readable = this.scale >= READABLE, stripes = { A: "", C: "", G: "", T: "", N: "" };
    for (let at = Math.floor(this.x0); at < Math.min(Math.ceil(this.x1), this.end); at++) {
      const letter = this.data.letters[at - this.start];
      if (readable) this.inside.append(node("text", { class: `letter ${letter}`, x: this.x(at + 0.5), y: y + 13 }, letter));
      else if (letter in stripes) stripes[letter] += `M${this.x(at)} ${y + 4}h${this.scale}v8h-${this.scale}z`;
    }
    for (const [letter, d] of Object.entries(stripes))
      if (d) this.inside.append(node("path", { class: letter, d, "fill-opacity": 0.55 }));
    this.label(y + 13, "letters");
    this.rows.push({ top: y, bottom: y + 18, say: () => [] });
    return y + 18;
  }

  instances(y) {
    y = this.heading(y, "Instances", this.data.ghosts ? "dashed: matches that the model ignored" : "");
    const every = [
      ...this.data.instances.map((one) => ({ ...one, called: true })),
      ...(this.data.ghosts ?? []).map((one) => ({ ...one, called: false })),
    ].filter((one) => one.end0 > this.x0 && one.start0 < this.x1);
    const free = [];
    for (const [number, one] of every.entries()) {
      const text = `${one.motif} ${ARROW[one.strand]}`, need = text.length * 6.6;
      const [x0, x1] = [this.x(one.start0), this.x(one.end0)];
      const hangs = x0 + need > this.width && x1 - need > this.left;
      const [from, to] = hangs ? [Math.min(x0, x1 - need), x1] : [x0, Math.max(x1, x0 + need)];
      let lane = free.findIndex((edge) => edge < from - 2);
      if (lane < 0) lane = free.length;
      free[lane] = to;
      this.block(one, number, text, x0, x1, y + lane * LANE, hangs);
    }
    if (!this.data.instances.length)
      this.inside.append(node("text", { class: "faint", x: (this.left + this.width) / 2, y: y + 14, "text-anchor": "middle" },
        "no instance in this window"));
    const tall = Math.max(1, free.length) * LANE;
    this.rows.push({ top: y, bottom: y + tall, say: () => [] });
    return y + tall;
  }

  block(one, number, text, x0, x1, y, hangs) {
    const group = node("g", {
      class: one.called ? "block" : "block ghost", tabindex: 0, role: "button", "data-key": `${number}`,
    });
    group.said = this.say(one);
    group.middle = (one.start0 + one.end0) / 2;
    group.setAttribute("aria-label", group.said.join(", "));
    const wide = Math.max(x1 - x0, 3), tip = Math.min(5, wide / 2), top = y + 15, bottom = top + BLOCK;
    // The block points where the motif reads to.
    const shape = one.strand === "+"
      ? `M${x0} ${top}H${x0 + wide - tip}L${x0 + wide} ${top + BLOCK / 2}L${x0 + wide - tip} ${bottom}H${x0}z`
      : `M${x0 + wide} ${top}H${x0 + tip}L${x0} ${top + BLOCK / 2}L${x0 + tip} ${bottom}H${x0 + wide}z`;
    const ink = one.called ? { fill: one.colour } : { stroke: one.colour, "pointer-events": "all" };
    // The gap between the label and the block belongs to both.
    const [from, to] = hangs ? [Math.min(x0, x1 - text.length * 6.6), x1] : [x0, Math.max(x0 + wide, x0 + text.length * 6.6)];
    group.append(node("rect", { x: from, y, width: to - from, height: bottom - y, fill: "transparent" }));
    group.append(node("path", { class: "body", d: shape, ...ink }));
    group.append(node("text", { x: hangs ? x1 : Math.max(x0, this.left + 2), y: y + 11, "text-anchor": hangs ? "end" : "start" }, text));
    this.inside.append(group);
  }

  say(one) {
    const lines = [
      `${one.motif} ${ARROW[one.strand]} ${one.called ? "" : "(ignored match)"}`.trim(),
      `bases ${whole(one.start0)} to ${whole(one.end0)}, ${one.strand} strand`,
      `contribution ${digits(one.contribution)} logits`,
      `attention ${digits(one.attention)}, activation ${digits(one.activation)}`,
    ];
    if (one.readers) lines.push(`read by ${one.readers.replaceAll(",", ", ").replace("evidence", "the evidence path")}`);
    if (one.p_value !== undefined) lines.push(`matrix score ${digits(one.score, 1)} bits, p = ${Number(one.p_value).toExponential(0)}`);
    return lines;
  }

  track(y) {
    const { start, value, width, most = 0, least = 0 } = this.data.track; // most, least: of what it is compared with
    y = this.heading(y, "Contribution", `how far the logit falls when the ${width} bases around become N`);
    const high = Math.max(1, most, ...value), low = Math.min(0, least, ...value);
    const level = (v) => y + 4 + ((high - v) / (high - low)) * (TRACK - 8), zero = level(0);
    const at = start.map((s) => this.x(s + width / 2));
    for (const [kind, clip] of [["rise", (v) => Math.max(v, 0)], ["sink", (v) => Math.min(v, 0)]]) {
      if (kind === "sink" && low > -0.1) continue;
      const line = at.map((x, i) => `${x.toFixed(1)} ${level(clip(value[i])).toFixed(1)}`).join("L");
      if (at.length) this.inside.append(node("path", { class: kind, d: `M${at[0]} ${zero}L${line}L${at.at(-1)} ${zero}z` }));
    }
    this.inside.append(node("path", { class: "rule", d: `M${this.left} ${zero}H${this.width}` }));
    this.label(level(high) + 8, digits(high, 1));
    if (zero - level(high) > 16) this.label(zero + 4, "0");
    if (low < -0.1 && level(low) - zero > 12) this.label(level(low) + 2, digits(low, 1));
    const nearest = (base) => start.reduce((best, s, i) =>
      Math.abs(s + width / 2 - base) < Math.abs(start[best] + width / 2 - base) ? i : best, 0);
    this.rows.push({
      top: y, bottom: y + TRACK,
      say: (base) => {
        const i = nearest(base);
        return start.length ? [`logit falls by ${digits(value[i])} without bases ${whole(start[i])} to ${whole(start[i] + width)}`] : [];
      },
    });
    return y + TRACK;
  }

  pooled() {
    const heads = this.data.heads;
    if (this.pool === "head")
      return heads.map((row) => ({
        name: this.narrow ? `L${row.layer} H${row.head}` : `layer ${row.layer} head ${row.head}`, group: row.layer, runs: row.runs,
      }));
    const groups = this.pool === "layer" ? [...new Set(heads.map((row) => row.layer))] : [0];
    return groups.map((layer) => {
      const mine = heads.filter((row) => !layer || row.layer === layer);
      return { name: layer ? `layer ${layer}` : "all heads", group: layer, runs: mine.flatMap((row) => row.runs) };
    });
  }

  attention(y) {
    y = this.heading(y, "Attention", "share of a head's look, 0 to 1; pooled: the largest");
    let before = null;
    for (const row of this.pooled()) {
      y += before !== null && row.group !== before && this.pool === "head" ? 4 : 0;
      before = row.group;
      // Of runs that overlap the strongest is drawn last, and so on top.
      this.cells(y, row.name, [...row.runs].sort((a, b) => a[2] - b[2]), { class: "head" }, (v) => `attention ${digits(v)}`);
      y += ROW;
    }
    return y;
  }

  motifs(y) {
    y = this.heading(y, "Motif activation", "share of the largest that was seen in training");
    for (const row of this.data.motifs) {
      this.cells(y, row.name, row.runs, { fill: row.colour }, (v) => `activation ${Math.round(100 * v)} % of its largest`);
      y += ROW;
    }
    return y;
  }

  cells(y, name, runs, ink, say) {
    const most = this.narrow ? 10 : 17;
    this.label(y + 11, name.length > most ? `${name.slice(0, most - 1)}…` : name);
    this.inside.append(node("rect", { class: "band", x: this.left, y: y + 1, width: this.width - this.left, height: ROW - 2 }));
    for (const [start, end, value] of runs) {
      if (end <= this.x0 || start >= this.x1) continue;
      const wide = Math.max(this.x(end) - this.x(start), 1);
      this.inside.append(node("rect", {
        ...ink, x: this.x(start), y: y + 1, width: wide, height: ROW - 2, "fill-opacity": Math.max(0.08, value ** 0.8),
      }));
    }
    this.rows.push({
      top: y, bottom: y + ROW,
      say: (base) => {
        const here = runs.filter(([start, end]) => start <= base && base < end);
        return [name, here.length ? say(Math.max(...here.map((run) => run[2]))) : say(0)];
      },
    });
  }

  // --- export

  save() {
    const copy = this.svg.cloneNode(true);
    const css = getComputedStyle(this.root);
    const style = node("style");
    const known = (name, other) => css.getPropertyValue(name).trim() || other;
    const text = known("--st-text-color", "#1f2937"), accent = known("--st-primary-color", "#2563a8");
    style.textContent =
      `text{font:11px sans-serif;fill:${text}}.title{font-size:12px;font-weight:600}.letter{font:700 12px monospace;text-anchor:middle}` +
      `.A{fill:#1b9e5a}.C{fill:#2f78c4}.G{fill:#c97f00}.T{fill:#d0384f}.N{fill:#808495}.head{fill:${accent}}` +
      `.band{fill:${text};fill-opacity:.04}.rule{stroke:${text};stroke-opacity:.2;fill:none}.cross{display:none}` +
      `.rise{fill:${accent};fill-opacity:.35;stroke:${accent}}.sink{fill:#c2571a;fill-opacity:.35;stroke:#c2571a}` +
      ".ghost .body{fill:none;stroke-dasharray:3 2}";
    copy.prepend(style, node("rect", { width: "100%", height: "100%", fill: known("--st-background-color", "#fff") }));
    copy.setAttribute("width", this.width);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([copy.outerHTML], { type: "image/svg+xml" }));
    link.download = `${this.data.name.replace(/[^\w-]+/g, "_").slice(0, 60) || "trace"}.svg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}
