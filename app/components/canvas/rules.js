// Learned rules: `data.rules` has {left, right, orientation, gaps: [[low, high]], name} for pairs with preferred gaps.

const FLIPPED = { "+": "-", "-": "+" };
const ruleText = ({ rule, gap }) => `${rule.name}, gap ${gap}`;

// A pair reads the same on both strands: each rule is looked for from either side.
function readings({ left, right, orientation: [a, b] }) {
  return [
    { left, right, ls: a, rs: b },
    { left: right, right: left, ls: FLIPPED[b], rs: FLIPPED[a] },
  ];
}

// Where `moving` ({motif, width, strand}) may start to keep a rule with one of `others`, as ranges of start0.
function placesByRule(rules, others, { motif, width, strand }) {
  const found = [];
  for (const rule of rules)
    for (const { left, right, ls, rs } of readings(rule))
      for (const neighbour of others)
        for (const [low, high] of rule.gaps) {
          if (right === motif && rs === strand && left === neighbour.motif && ls === neighbour.strand)
            found.push({ rule, neighbour, low: neighbour.end0 + low, high: neighbour.end0 + high, after: true });
          if (left === motif && ls === strand && right === neighbour.motif && rs === neighbour.strand) {
            const end = neighbour.start0 - width;
            found.push({ rule, neighbour, low: end - high, high: end - low, after: false });
          }
        }
  return found;
}

const gapOf = ({ neighbour, after }, start0, width) => (after ? start0 - neighbour.end0 : neighbour.start0 - start0 - width);

// The nearest place that keeps a rule, at most `reach` bases away, or null.
function nearestRule(rules, others, moving, reach, length) {
  let best = null;
  for (const place of placesByRule(rules, others, moving)) {
    const start0 = clamp(moving.start0, place.low, place.high);
    const away = Math.abs(start0 - moving.start0);
    if (start0 < 0 || start0 + moving.width > length || away > reach || (best && away >= best.away)) continue;
    best = { ...place, start0, away, gap: gapOf(place, start0, moving.width) };
  }
  return best;
}

// Every two placements that keep a rule, once.
function keptRules(rules, placements) {
  return placements.flatMap((to) => {
    const width = to.end0 - to.start0;
    const others = placements.filter((p) => p !== to);
    return placesByRule(rules, others, { motif: to.motif, width, strand: to.strand })
      .filter((place) => place.after && place.low <= to.start0 && to.start0 <= place.high)
      .map((place) => ({ ...place, from: place.neighbour, to, gap: gapOf(place, to.start0, width) }));
  });
}

// A bracket beneath each two sites that keep a rule.
function drawLinks(parent, links) {
  parent.replaceChildren(...links.map((link) => {
    const [left, right] = [link.from, link.to].sort((a, b) => a.start0 - b.start0);
    const bracket = make("div", `link ${left.strand === "+" ? "plus" : "minus"}`);
    place(bracket, { start0: (left.start0 + left.end0) / 2, end0: (right.start0 + right.end0) / 2 }, "");
    bracket.title = ruleText(link);
    bracket.setAttribute("role", "listitem");
    bracket.setAttribute("aria-label", `Rule kept: ${ruleText(link)}`);
    return bracket;
  }));
}
