// Dragging: a chip onto the track, a block along it or off it.

const DRAG_FROM = 4; // pixels
const SNAP = 12; // pixels from a learned gap

class Dragging extends Stage {
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
    drag.free = event.altKey;
    this.showGhost();
    if (!drag.frame) this.scrollAtEdge();
  }

  showGhost() {
    const { drag } = this;
    const { start0, strand, inside, kept } = (drag.target = this.target());
    const name = drag.placed?.motif ?? drag.motif.name;
    const landing = { motif: name, start0, end0: start0 + drag.width, strand };
    drag.ghost.hidden = !inside;
    this.dress(drag.ghost, landing);
    drag.ghost.querySelector(".flag").textContent = `${name} ${span(landing)}`;
    drag.ghost.classList.toggle("kept", Boolean(kept));
    this.showAvatar(inside ? kept && ruleText(kept) : drag.placed ? `Remove ${name}` : name, name, inside);
    for (const [lane, element] of Object.entries(this.lanes)) element.classList.toggle("over", inside && lane === strand);
    this.drawGuide(inside ? landing : null);
    const link = kept && { ...kept, from: kept.neighbour, to: landing };
    drawLinks(this.links, [...this.kept(drag.placed), ...(link ? [link] : [])]);
  }

  // Beside the pointer: what is carried, or above it the rule that a drop would keep.
  showAvatar(text, name, isRule) {
    const { drag, avatar } = this;
    avatar.hidden = !text;
    avatar.textContent = text || "";
    avatar.classList.toggle("rule", isRule);
    avatar.classList.toggle("away", !isRule && Boolean(drag.placed));
    avatar.style.setProperty("--colour", this.colour(name));
    const width = isRule ? avatar.offsetWidth : 0;
    const x = isRule ? clamp(drag.x - width / 2, 4, Math.max(innerWidth - width - 8, 4)) : drag.x + 12;
    avatar.style.transform = `translate(${x}px, ${drag.y + (isRule ? -58 : 12)}px)`;
  }

  // Where a drop would land. A lane decides the strand; above and below them a block keeps its own. Near a gap that the
  // model has learned it lands there, unless Alt is held.
  target() {
    const { x, y, hold, width, placed, free } = this.drag;
    const view = this.viewport.getBoundingClientRect();
    const over = (rect, room) => x >= rect.left - room && x <= rect.right + room && y >= rect.top - room && y <= rect.bottom + room;
    const lane = ["+", "-"].find((strand) => over(this.lanes[strand].getBoundingClientRect(), 0));
    const strand = lane ?? placed?.strand ?? "+";
    const start0 = clamp(Math.round(this.baseAt(x) - hold), 0, Math.max(this.data.length - width, 0));
    const others = this.placements.filter((p) => p !== placed);
    const moving = { motif: placed?.motif ?? this.drag.motif.name, start0, width, strand };
    const reach = clamp(SNAP / this.scale, 2, 20);
    const kept = free ? null : nearestRule(this.data.rules, others, moving, reach, this.data.length);
    return { start0: kept?.start0 ?? start0, strand, inside: over(view, placed ? 28 : 6), kept };
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
    this.drawLinks();
  }
}
