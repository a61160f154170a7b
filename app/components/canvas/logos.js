// Sequence logos from frequencies. GLYPHS (outlines in the unit square) and LETTER_COLOURS stand above, from Python.

const LETTERS = ["A", "C", "G", "T"];
const bits = (column) => 2 + column.reduce((sum, p) => sum + (p > 0 ? p * Math.log2(p) : 0), 0);

// `pfm` has a column [A, C, G, T] in thousandths for each base. Reversed it is the motif as the - strand shows it.
function logo(pfm, height, columnWidth, reversed = false) {
  const columns = pfm.map((column) => column.map((part) => part / 1000));
  if (reversed) columns.reverse().forEach((column) => column.reverse());
  const width = columns.length * columnWidth;
  const svg = makeSvg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true", class: "logo" });
  columns.forEach((column, index) => {
    const tall = column.map((part) => (part * Math.max(bits(column), 0) * height) / 2);
    let y = height;
    for (const letter of [0, 1, 2, 3].sort((a, b) => tall[a] - tall[b])) {
      if (tall[letter] < 0.3) continue; // nothing to see
      y -= tall[letter];
      const transform = `translate(${(index + 0.03) * columnWidth} ${y})scale(${0.94 * columnWidth} ${tall[letter]})`;
      svg.append(makeSvg("path", { d: GLYPHS[LETTERS[letter]], fill: LETTER_COLOURS[LETTERS[letter]], transform }));
    }
  });
  return svg;
}

// Letters drawn from the motif's columns.
function drawnSite(pfm) {
  const letters = pfm.map((column) => {
    let level = Math.random() * column.reduce((sum, part) => sum + part, 0);
    const letter = column.findIndex((part) => (level -= part) < 0);
    return LETTERS[letter < 0 ? 3 : letter];
  });
  return letters.join("");
}
