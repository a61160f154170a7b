// The line beneath the track: what the chosen placement writes, and by touch what the keys do.

class Inspecting extends Dragging {
  chosen() {
    return this.placements.find((p) => p.id === this.selected);
  }

  choose(id) {
    if (id === this.selected) return;
    this.selected = id;
    this.problem("");
    this.drawInspector(true);
  }

  // `anew` also writes the field while it is being typed into.
  drawInspector(anew = false) {
    const placed = this.chosen();
    const field = this.inspector.querySelector("input");
    this.inspector.classList.toggle("idle", !placed);
    for (const control of this.inspector.querySelectorAll("input, button")) control.disabled = !placed;
    this.inspector.querySelector(".who").textContent = placed
      ? `${placed.motif} ${span(placed)}`
      : "Choose a placement to flip it, remove it or change its letters.";
    if (!placed) return (field.value = "");
    const motif = this.motifs.get(placed.motif);
    field.maxLength = placed.end0 - placed.start0;
    field.style.width = `calc(${field.maxLength}ch + 26px)`;
    if (anew || this.active() !== field) field.value = placed.site || motif?.consensus || "";
    for (const name of ["consensus", "draw"]) this.inspector.querySelector(`[data-do=${name}]`).disabled = !motif;
  }

  problem(text) {
    const field = this.inspector.querySelector("input");
    this.inspector.querySelector(".problem").textContent = text;
    field.setAttribute("aria-invalid", String(Boolean(text)));
  }

  // The field was left, or Enter pressed in it.
  typed(text) {
    const placed = this.chosen();
    if (!placed) return;
    const letters = text.replace(/\s/g, "").toUpperCase();
    const width = placed.end0 - placed.start0;
    const odd = letters.match(/[^ACGTN]/)?.[0];
    if (odd) return this.problem(`${odd} is not one of A, C, G, T or N`);
    if (letters.length !== width) return this.problem(`${letters.length} of ${width} letters: a motif keeps its width`);
    this.problem("");
    this.write(placed.id, letters, `${placed.motif} writes ${letters}`);
  }

  // "" is the consensus.
  write(id, letters, message) {
    const old = this.placements.find((p) => p.id === id);
    const site = letters === this.motifs.get(old.motif)?.consensus ? "" : letters;
    if (site === (old.site ?? "")) return this.drawInspector(true);
    this.commit(this.placements.map((p) => (p.id === id ? { ...p, site } : p)), message);
    this.drawInspector(true);
  }

  writeConsensus() {
    const placed = this.chosen();
    if (placed) this.write(placed.id, "", `${placed.motif} writes its consensus`);
  }

  writeDraw() {
    const placed = this.chosen();
    const motif = this.motifs.get(placed?.motif);
    if (!motif) return;
    const site = drawnSite(motif.pfm);
    this.write(placed.id, site, `${placed.motif} writes ${site}`);
  }
}
