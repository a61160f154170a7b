// What is on the screen: zoom, and the drawing of everything whose state lies in `data` and `placements`.

const MAX_SCALE = 18;
const NARROW_SCALE = 1.5; // a phone starts with this much, and scrolls
const LOGOS_FROM = 5; // pixels a base from which the blocks carry logos
const PARTS = [
  "palette", "viewport", "track", "ruler", "letters", "gc", "marks", "reads", "links", "blocks", "guide", "empty", "status",
  "avatar", "inspector",
];

class Stage {
  constructor(parent) {
    this.host = parent;
    this.root = parent.querySelector(".design");
    for (const name of PARTS) this[name] = this.root.querySelector(`.${name}`);
    this.lanes = { "+": this.root.querySelector(".lane.at-plus"), "-": this.root.querySelector(".lane.at-minus") };
    this.placements = [];
    this.elements = new Map(); // id -> block
    this.data = null;
    this.drag = null;
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
    this.root.classList.toggle("near", this.scale >= LOGOS_FROM);
    this.drawRuler();
    this.drawLetters();
    this.drawGc();
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
      chip.append(logo(motif.pfm, 26, Math.min(9, 170 / motif.width)));
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

  drawGc() {
    drawGc(this.gc, this.data.gc, this.data.length, this.scale);
    this.gc.querySelector(".line").after(makeSvg("title", {}, this.data.gc.title));
  }

  drawMarks() {
    drawMarks(this.marks, this.data.marks);
  }

  kept(without) {
    return keptRules(this.data.rules, this.placements.filter((p) => p !== without));
  }

  drawLinks(links = this.kept()) {
    drawLinks(this.links, links);
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
    this.dressLogo(block, placed);
  }

  // A logo above the block, as wide as the block, from where its columns can be told apart.
  dressLogo(block, { motif, strand, start0, end0 }) {
    const old = block.querySelector(".logo");
    const pfm = this.motifs.get(motif)?.pfm;
    const wanted = this.scale >= LOGOS_FROM && pfm?.length === end0 - start0 ? `${motif} ${strand}` : "";
    if ((old?.dataset.of ?? "") === wanted) return;
    old?.remove();
    if (!wanted) return;
    const picture = logo(pfm, 24, 8, strand === "-");
    picture.setAttribute("preserveAspectRatio", "none");
    picture.dataset.of = wanted;
    block.append(picture);
  }

  draw() {
    const focused = this.active();
    const links = this.kept();
    const order = [...this.placements].sort((a, b) => a.start0 - b.start0 || a.id - b.id);
    const blocks = order.map((placed) => {
      const block = this.elements.get(placed.id) ?? this.newBlock("block");
      this.elements.set(placed.id, block);
      this.dress(block, placed);
      const damaged = this.data.damaged.includes(keyOf(placed));
      const unread = this.data.unread.includes(keyOf(placed));
      block.classList.toggle("damaged", damaged);
      block.classList.toggle("unread", unread);
      const rules = links.filter(({ from, to }) => from === placed || to === placed).map(ruleText);
      const notes = [
        placed.site && `writes ${placed.site}`,
        damaged && "overwritten in part by a later placement",
        unread && "not read by the model",
        ...rules.map((rule) => `keeps ${rule}`),
      ].filter(Boolean);
      block.dataset.id = placed.id;
      block.classList.toggle("typed", Boolean(placed.site));
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
    this.drawLinks(links);
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
