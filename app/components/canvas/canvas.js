// The design canvas. It owns the placements: Python gets {rev, placements, ...} after every change, and its own ones are
// taken up only when they come with another rev. Positions are 0-based, half-open. In the module that the browser gets,
// the other files of this folder stand above this one.
//
// What can be undone is {placements, base}: `base` is Python's number for what lies beneath (background and name).
// `seen` is the largest such number that came from Python: an answer with an older one does not speak about the base.
//
// Streamlit calls the function below again, on the same DOM, whenever `data` changes.

const SEND_SOON = 25; // ms after a drop
const SEND_LATER = 150; // ms after a nudge, so that thirty of them are one run
const RESEND = 4000; // ms without an answer
const HISTORY = 200;

const canvases = new WeakMap();
// A change of page destroys the canvas; its history waits here, by the name of the design in this session.
const histories = (globalThis.argminnHistories ??= new Map());

export default function ({ data, parentElement, setStateValue }) {
  let canvas = canvases.get(parentElement);
  if (!canvas) canvases.set(parentElement, (canvas = new Canvas(parentElement)));
  canvas.update(data, (value) => setStateValue("value", value));
}

class Canvas extends Inspecting {
  constructor(parent) {
    super(parent);
    this.past = [];
    this.future = [];
    this.base = 0;
    this.seen = 0;
    this.lastId = 0;
    this.sent = 0; // number of the last answer to Python, which sends back the number that it knows
    this.listen();
  }

  // --- from and to Python

  update(data, send) {
    const before = this.data;
    this.data = data;
    this.send = send;
    this.motifs = new Map(data.motifs.map((motif) => [motif.name, motif]));
    const palette = JSON.stringify(data.motifs);
    if (palette !== this.paletteKey) this.drawPalette();
    this.paletteKey = palette;
    const known = data.rev === before?.rev && data.design === before?.design;
    if (!known || data.number === this.sent) clearTimeout(this.timer);
    if (!known) this.takeUp(data, before);
    else if (data.latest > this.seen) {
      this.remember();
      this.base = data.base;
      this.keep();
    }
    this.seen = data.latest;
    if (data.length !== before?.length) {
      this.track.style.setProperty("--length", data.length);
      this.setScale(Math.max(this.fitScale(), NARROW_SCALE));
      this.fitted = this.scale === this.fitScale();
    }
    if (data.sequence !== before?.sequence) {
      this.drawLetters();
      this.drawGc();
    }
    this.drawMarks();
    this.drawReads();
    this.draw();
  }

  // Another revision: what was there before can be had back by Undo, also when it was there before a change of page.
  takeUp(data, before) {
    this.sent = data.number;
    this.endDrag();
    const kept = histories.get(data.design);
    this.past = kept?.past ?? [];
    this.future = kept?.future ?? [];
    this.lastId = Math.max(this.lastId, kept?.lastId ?? 0);
    this.base = kept?.base ?? data.base;
    this.placements = kept?.placements ?? [];
    const same = kept && kept.base === data.base && facts(kept.placements) === facts(data.placements);
    if (same) return;
    if (kept) this.remember();
    this.placements = data.placements.map((p) => ({ ...p, id: ++this.lastId }));
    this.base = data.base;
    this.selected = undefined;
    this.keep();
  }

  keep() {
    const { past, future, placements, base, lastId } = this;
    histories.set(this.data.design, { past, future, placements, base, lastId });
  }

  // Again, should no answer come back: a run that is cut short may lose what started it.
  emit(delay, tries = 3) {
    clearTimeout(this.timer);
    this.sent += 1;
    const placements = this.placements.map(({ id, ...rest }) => rest);
    const value = { rev: this.data.rev, number: this.sent, seen: this.seen, base: this.base, placements };
    this.timer = setTimeout(() => {
      this.send(value);
      if (tries > 1) this.timer = setTimeout(() => this.emit(0, tries - 1), RESEND);
    }, delay);
  }

  // --- changes: every one of them passes through `commit`, which is what makes it undoable

  remember() {
    this.past = [...this.past, { placements: this.placements, base: this.base }].slice(-HISTORY);
    this.future = [];
  }

  commit(placements, message, { delay = SEND_SOON, merge = false } = {}) {
    if (!merge) this.remember();
    this.future = [];
    this.placements = placements;
    this.keep();
    this.draw();
    this.emit(delay);
    this.say(message);
  }

  add(motif, start0, strand) {
    start0 = clamp(start0, 0, this.data.length - motif.width);
    if (start0 < 0) return this.say(`${motif.name} is longer than the sequence`);
    const site = this.data.writes === "draw" ? drawnSite(motif.pfm) : "";
    const placed = { id: ++this.lastId, motif: motif.name, start0, end0: start0 + motif.width, strand, site };
    this.commitPlaced([...this.placements, placed], placed, "placed at");
  }

  change(id, { start0, strand }, options) {
    const old = this.placements.find((p) => p.id === id);
    const width = old.end0 - old.start0;
    start0 = clamp(start0 ?? old.start0, 0, this.data.length - width);
    strand ??= old.strand;
    if (start0 === old.start0 && strand === old.strand) return;
    const next = { ...old, start0, end0: start0 + width, strand };
    const verb = start0 === old.start0 ? "flipped at" : "moved to";
    this.commitPlaced(this.placements.map((p) => (p.id === id ? next : p)), next, verb, options);
  }

  commitPlaced(placements, placed, verb, options) {
    const kept = keptRules(this.data.rules, placements).filter(({ from, to }) => from === placed || to === placed);
    const rules = kept.map((link) => `; keeps ${ruleText(link)}`).join("");
    this.commit(placements, `${placed.motif} ${verb} ${placed.start0}, ${strandWord(placed.strand)}${rules}`, options);
    this.focus(placed.id);
  }

  flip(id) {
    const { strand } = this.placements.find((p) => p.id === id);
    this.change(id, { strand: FLIPPED[strand] });
  }

  remove(id) {
    const order = [...this.blocks.children].map((element) => Number(element.dataset.id));
    const heir = order[order.indexOf(id) + 1] ?? order[order.indexOf(id) - 1];
    const { motif } = this.placements.find((p) => p.id === id);
    this.commit(this.placements.filter((p) => p.id !== id), `${motif} removed`);
    this.focus(heir);
  }

  clear() {
    const count = this.placements.length;
    if (count) this.commit([], `${count} placement${count > 1 ? "s" : ""} removed`);
  }

  undo() {
    this.travel(this.past, this.future, "undone");
  }

  redo() {
    this.travel(this.future, this.past, "redone");
  }

  travel(from, to, word) {
    if (!from.length) return this.say(`Nothing to be ${word}`);
    const id = this.active()?.dataset.id;
    to.push({ placements: this.placements, base: this.base });
    ({ placements: this.placements, base: this.base } = from.pop());
    this.keep();
    this.draw();
    this.emit(SEND_SOON);
    this.say(`Last change ${word}, ${this.placements.length} on the track`);
    if (id) this.focus(Number(id)); // a block that had the focus may be gone
  }

  // The free place nearest to the middle of what is on screen.
  addAtCentre(motif) {
    const middle = (this.viewport.scrollLeft + this.viewport.clientWidth / 2 - PAD) / this.scale;
    const last = this.data.length - motif.width;
    const start = clamp(Math.round(middle - motif.width / 2), 0, Math.max(last, 0));
    const free = (at) =>
      at >= 0 && at <= last && !this.placements.some((p) => p.start0 < at + motif.width && at < p.end0);
    let found = start;
    for (let step = 0; step <= this.data.length; step++) {
      if (free(start + step)) { found = start + step; break; }
      if (free(start - step)) { found = start - step; break; }
    }
    this.add(motif, found, "+");
  }

  // Of the chosen placement where there is one, else in the middle.
  showLetters() {
    this.setScale(MAX_SCALE);
    const placed = this.chosen();
    if (placed) this.viewport.scrollLeft = ((placed.start0 + placed.end0) / 2) * this.scale + PAD - this.viewport.clientWidth / 2;
  }

  draw() {
    super.draw();
    if (this.selected && !this.chosen()) this.choose(undefined);
    else this.drawInspector();
  }

  // --- listeners, attached once

  listen() {
    const { root, viewport, inspector } = this;
    const field = inspector.querySelector("input");
    root.addEventListener("pointerdown", (event) => this.grab(event));
    root.addEventListener("pointermove", (event) => this.drag && this.pull(event));
    root.addEventListener("pointerup", (event) => this.drag && this.drop(event));
    root.addEventListener("pointercancel", () => this.endDrag());
    root.addEventListener("keydown", (event) => this.press(event));
    root.addEventListener("click", (event) => this.click(event));
    root.addEventListener("focusin", (event) => {
      const block = event.target.closest(".block");
      if (block) this.choose(Number(block.dataset.id));
      this.drawGuide();
    });
    root.addEventListener("focusout", () => this.drawGuide(null));
    field.addEventListener("change", () => this.typed(field.value));
    viewport.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * 0.004), event.clientX);
    }, { passive: false });
    new ResizeObserver(() => this.data && this.setScale(this.fitted ? this.fitScale() : this.scale)).observe(viewport);
  }

  click(event) {
    const chip = event.target.closest(".chip");
    // A click without a pointer is Enter or a screen reader; `drop` sees to the others.
    if (chip && (event.detail === 0 || !this.held)) this.addAtCentre(this.motifs.get(chip.dataset.motif));
    this.held = false;
    const button = event.target.closest("[data-do]");
    const actions = {
      undo: () => this.undo(),
      redo: () => this.redo(),
      clear: () => this.clear(),
      in: () => this.zoom(1.7),
      out: () => this.zoom(1 / 1.7),
      fit: () => this.setScale(this.fitScale()),
      letters: () => this.showLetters(),
      flip: () => this.flip(this.selected),
      remove: () => this.remove(this.selected),
      consensus: () => this.writeConsensus(),
      draw: () => this.writeDraw(),
    };
    if (button && button.getAttribute("aria-disabled") !== "true") actions[button.dataset.do]();
  }

  press(event) {
    if (event.target.matches("input")) {
      if (event.key === "Enter") this.typed(event.target.value);
      if (event.key === "Escape") this.drawInspector(true), this.problem(""), this.focus(this.selected);
      return event.stopPropagation();
    }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const command = event.ctrlKey || event.metaKey;
    const id = Number(event.target.closest(".block")?.dataset.id);
    const step = (event.shiftKey ? 10 : 1) * (key === "ArrowLeft" ? -1 : 1);
    if (key === "Escape" && this.drag) this.endDrag();
    else if (command && key === "z") event.shiftKey ? this.redo() : this.undo();
    else if (command && key === "y") this.redo();
    else if (command || event.altKey) return;
    else if (key === "+" || key === "=") this.zoom(1.7);
    else if (key === "-") this.zoom(1 / 1.7);
    else if (key === "0") this.setScale(this.fitScale());
    else if (!id) return;
    else if (key === "ArrowLeft" || key === "ArrowRight") {
      const { start0 } = this.placements.find((p) => p.id === id);
      this.change(id, { start0: start0 + step }, { delay: SEND_LATER, merge: event.repeat });
    } else if (key === "f") this.flip(id);
    else if (key === "Delete" || key === "Backspace") this.remove(id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

// Placements as text, to compare them.
function facts(placements) {
  return placements.map((p) => `${keyOf(p)}|${p.end0}|${p.site ?? ""}`).join(" ");
}
