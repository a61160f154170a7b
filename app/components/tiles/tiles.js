// A grid of motifs as cards, one of which is picked. Names and notes are anyone's, so they only become text.

export default function ({ data, parentElement, setStateValue }) {
  const grid = parentElement.querySelector(".tiles");
  const focused = grid.getRootNode().activeElement?.dataset?.name;
  grid.style.setProperty("--warning", data.warning);
  grid.replaceChildren(...data.tiles.map((tile) => figure(tile, data.picked, (name) => {
    for (const one of grid.children) mark(one, name);
    setStateValue("picked", { name, after: data.picked });
    if (matchMedia("(max-width: 640px)").matches) goToCard(); // on a phone it stands below the grid
  })));
  if (focused) [...grid.querySelectorAll("button")].find((button) => button.dataset.name === focused)?.focus();
}

// The page is drawn anew around the card and changes its height, so it is sought for a while, or until the visitor moves.
function goToCard() {
  const seek = () => document.querySelector(".st-key-card")?.scrollIntoView();
  const again = setInterval(seek, 100);
  const stop = () => clearInterval(again);
  setTimeout(stop, 4000);
  for (const sign of ["pointerdown", "wheel", "keydown"]) addEventListener(sign, stop, { once: true, passive: true });
  seek();
}

function element(name, kind, text) {
  return Object.assign(document.createElement(name), { className: kind, textContent: text });
}

function mark(one, picked) {
  const button = one.querySelector("button");
  const mine = button.dataset.name === picked;
  one.classList.toggle("picked", mine);
  button.setAttribute("aria-pressed", mine);
}

function figure(tile, picked, pick) {
  const made = element("figure", tile.muted ? "muted" : "", "");
  made.style.setProperty("--colour", tile.colour);
  const button = element("button", "", tile.muted ? `${tile.name} (muted)` : tile.name);
  button.type = "button";
  button.dataset.name = tile.name;
  button.title = "Show its card";
  button.addEventListener("click", () => pick(tile.name));
  const caption = element("figcaption", "", "");
  caption.append(button);
  const picture = element("div", "picture", "");
  picture.append(Object.assign(document.createElement("img"), { src: tile.src, alt: tile.alt }));
  made.append(caption, picture, ...tile.lines.map((line) => element("div", "line", line)));
  if (tile.note) made.append(element("div", "note", tile.note));
  mark(made, picked);
  return made;
}
