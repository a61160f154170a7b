// The design canvas. It owns the placements: Python gets {rev, placements} after every change, and its own ones are
// taken up only when they come with another rev. Positions are 0-based, half-open. In the module that the browser
// gets, drawing.js stands above this file.
//
// Streamlit calls the function below again, on the same DOM, whenever `data` changes.

const MAX_SCALE = 18;
const NARROW_SCALE = 1.5; // a phone starts with this much, and scrolls
const SEND_SOON = 25; // ms after a drop
const RESEND = 4000; // ms without an answer
const SEND_LATER = 150; // ms after a nudge, so that thirty of them are one run
const DRAG_FROM = 4; // pixels
const HISTORY = 200;

const canvases = new WeakMap();

export default function ({ data, parentElement, setStateValue }) {
  let canvas = canvases.get(parentElement);
  if (!canvas) canvases.set(parentElement, (canvas = new Canvas(parentElement)));
  canvas.update(data, (value) => setStateValue("value", value));
}

class Canvas {
  constructor(parent) {
    this.host = parent;
    this.root = parent.querySelector(".design");
    for (const name of ["palette", "viewport", "track", "ruler", "letters", "reads", "blocks", "guide", "empty", "status", "avatar"])
      this[name] = this.root.querySelector(`.${name}`);
    this.lanes = { "+": this.root.querySelector(".lane.at-plus"), "-": this.root.querySelector(".lane.at-minus") };
    this.placements = [];
    this.past = [];
    this.future = [];
    this.elements = new Map(); // id -> block
    this.lastId = 0;
    this.sent = 0; // number of the last answer to Python, which sends back the number that it knows
    this.data = null;
    this.drag = null;
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
    const known = data.rev === before?.rev;
    if (!known || data.number === this.sent) clearTimeout(this.timer);
    if (!known) {
      this.sent = data.number;
      this.endDrag();
      this.placements = data.placements.map((p) => ({ ...p, id: ++this.lastId }));
      this.past = [];
      this.future = [];
    }
    if (data.length !== before?.length) {
      this.track.style.setProperty("--length", data.length);
      this.setScale(Math.max(this.fitScale(), NARROW_SCALE));
      this.fitted = this.scale === this.fitScale();
    }
    if (data.sequence !== before?.sequence) this.drawLetters();
    this.drawReads();
    this.draw();
  }

  // Again, should no answer come back: a run that is cut short may lose what started it.
  emit(delay, tries = 3) {
    clearTimeout(this.timer);
    this.sent += 1;
    const placements = this.placements.map(({ id, ...rest }) => rest);
    const value = { rev: this.data.rev, number: this.sent, placements };
    this.timer = setTimeout(() => {
      this.send(value);
      if (tries > 1) this.timer = setTimeout(() => this.emit(0, tries - 1), RESEND);
    }, delay);
  }

  // --- changes: every one of them passes through `commit`, which is what makes it undoable

  commit(placements, message, { delay = SEND_SOON, merge = false } = {}) {
    if (!merge) this.past = [...this.past, this.placements].slice(-HISTORY);
    this.future = [];
    this.placements = placements;
    this.draw();
    this.emit(delay);
    this.say(message);
  }

  add(motif, start0, strand) {
    start0 = clamp(start0, 0, this.data.length - motif.width);
    if (start0 < 0) return this.say(`${motif.name} is longer than the sequence`);
    const placed = { id: ++this.lastId, motif: motif.name, start0, end0: start0 + motif.width, strand, site: "" };
    this.commit([...this.placements, placed], `${motif.name} placed at ${start0}, ${strandWord(strand)}`);
    this.focus(placed.id);
  }

  change(id, { start0, strand }, options) {
    const old = this.placements.find((p) => p.id === id);
    const width = old.end0 - old.start0;
    start0 = clamp(start0 ?? old.start0, 0, this.data.length - width);
    strand ??= old.strand;
    if (start0 === old.start0 && strand === old.strand) return;
    const next = { ...old, start0, end0: start0 + width, strand };
    const verb = start0 === old.start0 ? "flipped" : "moved";
    const message = `${old.motif} ${verb} at ${start0}, ${strandWord(strand)}`.replace("moved at", "moved to");
    this.commit(this.placements.map((p) => (p.id === id ? next : p)), message, options);
    this.focus(id);
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
    to.push(this.placements);
    this.placements = from.pop();
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

  say(message) {
    this.status.textContent = message;
  }

  active() {
    return this.root.getRootNode().activeElement;
  }

  focus(id) {
    const element = this.elements.get(id);
    (element ?? this.viewport).focus({ preventScroll: true });
    element?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // --- listeners, attached once

  listen() {
    const { root, viewport } = this;
    root.addEventListener("pointerdown", (event) => this.grab(event));
    root.addEventListener("pointermove", (event) => this.drag && this.pull(event));
    root.addEventListener("pointerup", (event) => this.drag && this.drop(event));
    root.addEventListener("pointercancel", () => this.endDrag());
    root.addEventListener("keydown", (event) => this.press(event));
    root.addEventListener("click", (event) => this.click(event));
    root.addEventListener("focusin", () => this.drawGuide());
    root.addEventListener("focusout", () => this.drawGuide(null));
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
    };
    if (button && button.getAttribute("aria-disabled") !== "true") actions[button.dataset.do]();
  }

  press(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const command = event.ctrlKey || event.metaKey;
    const id = Number(event.target.closest(".block")?.dataset.id);
    const step = (event.shiftKey ? 10 : 1) * (key === "ArrowLeft" ? -1 : 1);
    if (key === "Escape" && this.drag) this.endDrag();
    else if (command && key === "z") event.shiftKey ? this.redo() : this.undo();
    else if (command && key === "y") this.redo();
    else if (!id || command || event.altKey) return;
    else if (key === "ArrowLeft" || key === "ArrowRight") {
      const { start0 } = this.placements.find((p) => p.id === id);
      this.change(id, { start0: start0 + step }, { delay: SEND_LATER, merge: event.repeat });
    } else if (key === "f") {
      const { strand } = this.placements.find((p) => p.id === id);
      this.change(id, { strand: strand === "+" ? "-" : "+" });
    } else if (key === "Delete" || key === "Backspace") this.remove(id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // --- dragging: a chip onto the track, a block along it or off it

  grab(event) {
    const element = event.target.closest(".chip, .block");
    if (!element || event.button !== 0 || this.drag) return;
    const placed = this.placements.find((p) => p.id === Number(element.dataset.id));
    const motif = this.motifs.get(placed?.motif ?? element.dataset.motif);
    const width = placed ? placed.end0 - placed.start0 : motif.width;
    const hold = placed ? this.baseAt(event.clientX) - placed.start0 : width / 2;
    this.held = true;
    this.drag = { element, placed, motif, width, hold, x: event.clientX, y: event.clientY, moving: false };
    element.setPointerCapture(event.pointerId);
    if (placed) element.focus({ preventScroll: true });
  }

  pull(event) {
    const { drag } = this;
    if (!drag.moving && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < DRAG_FROM) return;
    if (!drag.moving) {
      drag.moving = true;
      drag.element.classList.toggle("lifted", Boolean(drag.placed));
      drag.ghost = this.newBlock("block ghost", this.track);
      this.empty.hidden = true;
    }
    drag.x = event.clientX;
    drag.y = event.clientY;
    this.showGhost();
    if (!drag.frame) this.scrollAtEdge();
  }

  showGhost() {
    const { drag } = this;
    const { start0, strand, inside } = (drag.target = this.target());
    const name = drag.placed?.motif ?? drag.motif.name;
    const landing = { motif: name, start0, end0: start0 + drag.width, strand };
    drag.ghost.hidden = !inside;
    this.dress(drag.ghost, landing);
    drag.ghost.querySelector(".flag").textContent = `${name} ${span(landing)}`;
    this.avatar.hidden = inside;
    this.avatar.textContent = drag.placed ? `Remove ${name}` : name;
    this.avatar.classList.toggle("away", Boolean(drag.placed));
    this.avatar.style.setProperty("--colour", this.colour(name));
    this.avatar.style.transform = `translate(${drag.x + 12}px, ${drag.y + 12}px)`;
    for (const [lane, element] of Object.entries(this.lanes)) element.classList.toggle("over", inside && lane === strand);
    this.drawGuide(inside ? landing : null);
  }

  // Where a drop would land. A lane decides the strand; above and below them a block keeps its own.
  target() {
    const { x, y, hold, width, placed } = this.drag;
    const view = this.viewport.getBoundingClientRect();
    const over = (rect, room) => x >= rect.left - room && x <= rect.right + room && y >= rect.top - room && y <= rect.bottom + room;
    const lane = ["+", "-"].find((strand) => over(this.lanes[strand].getBoundingClientRect(), 0));
    return {
      start0: clamp(Math.round(this.baseAt(x) - hold), 0, Math.max(this.data.length - width, 0)),
      strand: lane ?? placed?.strand ?? "+",
      inside: over(view, placed ? 28 : 6),
    };
  }

  scrollAtEdge() {
    const { drag, viewport } = this;
    if (!drag?.moving) return;
    const { left, right } = viewport.getBoundingClientRect();
    const speed = drag.target.inside ? clamp((drag.x - right + 32) / 3, 0, 12) - clamp((left + 32 - drag.x) / 3, 0, 12) : 0;
    if (speed) {
      viewport.scrollLeft += speed;
      this.showGhost();
    }
    drag.frame = speed ? requestAnimationFrame(() => this.scrollAtEdge()) : 0;
  }

  drop() {
    const { placed, motif, moving, target } = this.drag;
    this.endDrag();
    if (!moving) return placed || this.addAtCentre(motif); // a tap; not every touch screen makes a click of it
    if (!placed) target.inside ? this.add(motif, target.start0, target.strand) : this.say(`${motif.name} was not placed`);
    else if (target.inside) this.change(placed.id, target);
    else this.remove(placed.id);
  }

  endDrag() {
    if (!this.drag) return;
    const { element, ghost, frame } = this.drag;
    this.drag = null;
    cancelAnimationFrame(frame);
    ghost?.remove();
    element.classList.remove("lifted");
    this.avatar.hidden = true;
    this.empty.hidden = this.placements.length > 0;
    for (const lane of Object.values(this.lanes)) lane.classList.remove("over");
    this.drawGuide();
  }

  // --- zoom

  baseAt(clientX) {
    return (clientX - this.track.getBoundingClientRect().left) / this.scale;
  }

  fitScale() {
    return Math.max((this.viewport.clientWidth - 2 * PAD) / this.data.length, 0.05);
  }

  zoom(factor, clientX) {
    this.setScale(this.scale * factor, clientX);
  }

  // The base under `clientX`, or in the middle of the view, stays where it is.
  setScale(scale, clientX) {
    const { left, width } = this.viewport.getBoundingClientRect();
    const anchor = clientX ?? left + width / 2;
    const base = this.scale ? this.baseAt(anchor) : 0;
    this.scale = clamp(scale, this.fitScale(), Math.max(MAX_SCALE, this.fitScale()));
    this.fitted = this.scale === this.fitScale();
    this.track.style.setProperty("--bp", `${this.scale}px`);
    this.viewport.scrollLeft = base * this.scale + PAD - (anchor - left);
    this.drawRuler();
    this.drawLetters();
    this.draw();
  }

  // --- drawing

  colour(name) {
    return this.motifs.get(name)?.colour ?? "#808080";
  }

  drawPalette() {
    this.palette.replaceChildren();
    for (const motif of this.data.motifs) {
      const chip = make("button", "chip", make("li", "", this.palette));
      chip.type = "button";
      chip.dataset.motif = motif.name;
      chip.style.setProperty("--colour", motif.colour);
      chip.title = `${motif.name}, ${motif.width} bp`;
      chip.setAttribute("aria-label", `Place ${motif.name}, ${motif.width} bp`);
      make("span", "", chip).textContent = motif.name;
      if (!motif.logo_svg) continue;
      const logo = make("img", "", chip); // an image runs no script
      logo.src = `data:image/svg+xml,${encodeURIComponent(motif.logo_svg)}`;
      logo.alt = "";
      logo.draggable = false;
    }
    if (!this.data.motifs.length) make("li", "none", this.palette).textContent = "This model has no motifs to place.";
  }

  drawRuler() {
    drawRuler(this.ruler, this.data.length, this.scale);
  }

  drawLetters() {
    drawLetters(this.letters, this.data.sequence, this.scale);
  }

  drawReads() {
    drawReads(this.reads, this.data.instances, (name) => this.colour(name));
  }

  newBlock(className, parent) {
    const block = make("div", className, parent);
    make("span", "arrow", block);
    make("span", "flag", block);
    return block;
  }

  dress(block, placed) {
    place(block, placed, this.colour(placed.motif));
    block.classList.toggle("plus", placed.strand === "+");
    block.classList.toggle("minus", placed.strand === "-");
  }

  draw() {
    const focused = this.active();
    const order = [...this.placements].sort((a, b) => a.start0 - b.start0 || a.id - b.id);
    const blocks = order.map((placed) => {
      const block = this.elements.get(placed.id) ?? this.newBlock("block");
      this.elements.set(placed.id, block);
      this.dress(block, placed);
      const damaged = this.data.damaged.includes(keyOf(placed));
      const unread = this.data.unread.includes(keyOf(placed));
      block.classList.toggle("damaged", damaged);
      block.classList.toggle("unread", unread);
      const notes = [damaged && "overwritten in part by a later placement", unread && "not read by the model"].filter(Boolean);
      block.dataset.id = placed.id;
      block.tabIndex = 0;
      block.style.zIndex = this.placements.indexOf(placed) + 1;
      block.title = [`${placed.motif} ${span(placed)}`, ...notes].join("\n");
      block.setAttribute("role", "button");
      block.setAttribute("aria-roledescription", "placement");
      block.setAttribute("aria-label", [placed.motif, `${placed.start0} to ${placed.end0}`, strandWord(placed.strand), ...notes].join(", "));
      block.querySelector(".flag").textContent = placed.motif;
      return block;
    });
    for (const [id] of this.elements) if (!this.placements.some((p) => p.id === id)) this.elements.delete(id);
    const children = [...this.blocks.children];
    if (blocks.length !== children.length || blocks.some((block, i) => block !== children[i])) {
      this.blocks.replaceChildren(...blocks); // Tab walks from left to right
      if (focused !== this.active() && focused?.isConnected) focused.focus({ preventScroll: true });
    }
    layFlags(order, blocks, this.scale, this.data.length);
    this.drawGuide();
    this.empty.hidden = this.placements.length > 0 || Boolean(this.drag?.moving);
    for (const [name, off] of [["undo", !this.past.length], ["redo", !this.future.length], ["clear", !this.placements.length]])
      this.root.querySelector(`[data-do=${name}]`).setAttribute("aria-disabled", off);
  }

  // A band down to the letters from the block that is held or has the focus.
  drawGuide(landing) {
    if (landing === undefined) landing = this.placements.find((p) => p.id === Number(this.active()?.dataset?.id));
    this.guide.hidden = !landing;
    if (landing) place(this.guide, landing, this.colour(landing.motif));
  }
}
