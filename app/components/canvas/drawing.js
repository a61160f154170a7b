// What the canvas draws that has no state of its own.

const ORIGINS = { seam: "Not placed: arose at a seam", background: "Not placed: in the background" };
const PAD = 14; // of .pad, in CSS pixels
const LETTERS_FROM = 7; // pixels a base from which letters are drawn
const RULER_STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000];
const GC_HEIGHT = 28; // pixels, from 20 to 80 %
const COMPLEMENT = { A: "T", C: "G", G: "C", T: "A", N: "N" };
const SVG = "http://www.w3.org/2000/svg";

const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const keyOf = (p) => `${p.motif}|${p.start0}|${p.strand}`;
const sign = (strand) => (strand === "+" ? "+" : "−");
const strandWord = (strand) => `${sign(strand)} strand`;
const span = (p) => `${p.start0}–${p.end0} (${sign(p.strand)})`;

function make(tag, className, parent) {
  const element = document.createElement(tag);
  element.className = className;
  parent?.append(element);
  return element;
}

function makeSvg(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

function place(element, { start0, end0 }, colour) {
  element.style.setProperty("--start", start0);
  element.style.setProperty("--width", end0 - start0);
  element.style.setProperty("--colour", colour);
}

function drawRuler(svg, length, scale) {
  const step = RULER_STEPS.find((s) => s * scale >= 54) ?? 20000;
  const minor = step < 5 ? 1 : step / 5;
  const labels = [];
  let ticks = "";
  for (let base = 0; base <= length; base += minor) {
    const major = base % step === 0;
    ticks += `M${base * scale} 24v${major ? -6 : -3}`;
    if (major) labels.push(makeSvg("text", { x: base * scale, y: 14 }, base));
  }
  svg.querySelector("path").setAttribute("d", ticks);
  svg.querySelector("g").replaceChildren(...labels);
}

// The two strands from afar; from near the letters of both, one element for all of one kind.
function drawLetters(svg, sequence, scale) {
  if (scale < LETTERS_FROM) {
    const x2 = sequence.length * scale;
    return svg.replaceChildren(...[14, 20].map((y) => makeSvg("line", { x1: 0, x2, y1: y, y2: y })));
  }
  const texts = [..."ACGTN"].flatMap((letter) => {
    const at = [];
    for (let i = sequence.indexOf(letter); i >= 0; i = sequence.indexOf(letter, i + 1)) at.push((i + 0.5) * scale);
    const other = COMPLEMENT[letter];
    return [[letter, 13, "forward"], [other, 29, "reverse"]].map(([shown, y, strand]) =>
      makeSvg("text", { class: `${shown} ${strand}`, x: at.join(" "), y }, shown.repeat(at.length)));
  });
  svg.replaceChildren(...texts);
}

// GC content in windows, a step of some bases apart, between 0 and 100 %.
function drawGc(svg, { values, step, window, low, high }, length, scale) {
  const x = (i) => (i * step + window / 2) * scale;
  const y = (share) => 2 + (GC_HEIGHT * (0.8 - clamp(share, 0.2, 0.8))) / 0.6;
  const points = values.map((value, i) => `${x(i).toFixed(1)} ${y(value).toFixed(1)}`);
  const whole = length * scale;
  const usual = makeSvg("rect", { class: "usual", x: 0, width: whole, y: y(high), height: y(low) - y(high) });
  const half = makeSvg("path", { class: "half", d: `M0 ${y(0.5)}H${whole}` });
  const line = makeSvg("path", { class: "line", d: points.length ? `M${points.join("L")}` : "" });
  svg.replaceChildren(usual, half, line);
}

// What a synthesis provider would ask about, as marks with their name.
function drawMarks(row, marks) {
  row.replaceChildren(...marks.map((found) => {
    const mark = make("div", `mark ${found.kind}`);
    place(mark, found, "");
    mark.title = found.title;
    mark.setAttribute("role", "listitem");
    mark.setAttribute("aria-label", found.title);
    return mark;
  }));
}

// A mark's height is its share of the largest contribution.
function drawReads(row, instances, colour) {
  const largest = Math.max(...instances.map((read) => read.contribution), 1e-9);
  const marks = instances.map((read) => {
    const mark = make("div", read.origin === "placed" ? "read" : `read accidental ${read.origin}`);
    place(mark, read, colour(read.motif));
    mark.style.setProperty("--tall", `${4 + 10 * clamp(read.contribution / largest, 0, 1)}px`);
    const lines = [`${read.motif} ${span(read)}`, `Contribution ${read.contribution.toFixed(2)}`];
    mark.title = [...lines, ...(ORIGINS[read.origin] ? [ORIGINS[read.origin]] : [])].join("\n");
    mark.setAttribute("role", "listitem");
    mark.setAttribute("aria-label", mark.title);
    return mark;
  });
  row.replaceChildren(...marks);
}

// Flags go up from right to left, so that no pole crosses an earlier flag; what fits no row waits for the pointer.
function layFlags(order, blocks, scale, length) {
  const taken = { "+": [Infinity, Infinity], "-": [Infinity, Infinity] };
  const flags = blocks.map((block) => block.querySelector(".flag"));
  for (const flag of flags) flag.className = "flag";
  const widths = flags.map((flag) => flag.offsetWidth);
  for (let i = order.length - 1; i >= 0; i--) {
    const { start0, end0, strand } = order[i];
    const overhangs = start0 * scale + widths[i] > length * scale + PAD;
    const left = overhangs ? end0 * scale - widths[i] : start0 * scale;
    const row = taken[strand].findIndex((edge) => left + widths[i] <= edge - 4);
    flags[i].classList.toggle("left", overhangs);
    flags[i].classList.toggle("quiet", row < 0);
    flags[i].style.setProperty("--row", row);
    if (row >= 0) taken[strand][row] = left;
  }
}
