/**
 * What the page does: filters, search, folding, copying, links to a case. Plain JavaScript, for it
 * is run as it stands here.
 *
 * @module
 */

/** The script of the page. */
export const SCRIPT = `"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector) => document.querySelector(selector);
const cases = all(".case").map((element) => ({ element, verdict: element.dataset.verdict, text: null }));
const sections = all(".section").map((element) => ({
  element,
  open: element.open,
  cases: cases.filter((item) => element.contains(item.element)),
}));
const filters = all("[data-filter]");
const search = one("#search");

function show() {
  const verdicts = filters.filter((button) => button.ariaPressed === "true")
    .map((button) => button.dataset.filter);
  const words = search.value.toLowerCase().split(/\\s+/).filter((word) => word !== "");
  const chosen = verdicts.length + words.length > 0;
  let shown = 0;
  for (const section of sections) {
    const heading = section.element.querySelector("h2").textContent;
    let hits = 0;
    for (const item of section.cases) {
      let fits = verdicts.length === 0 || verdicts.includes(item.verdict);
      if (fits && words.length > 0) {
        item.text ??= (heading + " " + item.element.textContent).toLowerCase();
        fits = words.every((word) => item.text.includes(word));
      }
      item.element.hidden = !fits;
      if (fits) hits++;
    }
    section.element.hidden = hits === 0;
    section.element.open = chosen ? hits > 0 : section.open;
    shown += hits;
  }
  one("#none").hidden = shown > 0;
  one("#status").textContent = chosen ? shown + " of " + cases.length + " cases" : "";
  label();
}

const unfold = one("#unfold");
function label() {
  const folded = sections.some(({ element }) => !element.hidden && !element.open);
  unfold.textContent = folded ? "Unfold all" : "Fold all";
}
unfold.addEventListener("click", () => {
  const open = sections.some(({ element }) => !element.hidden && !element.open);
  for (const { element } of sections) element.open = open;
  label();
});

for (const button of filters) {
  button.disabled = false;
  button.addEventListener("click", () => {
    button.ariaPressed = button.ariaPressed === "true" ? "false" : "true";
    show();
  });
}
search.addEventListener("input", show);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && event.target !== search && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && event.target === search) {
    search.value = "";
    show();
  }
});

async function copy(button) {
  const code = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
  }
  setTimeout(() => button.textContent = "Copy", 2000);
}
for (const button of all(".copy")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}

function follow() {
  let id = location.hash.slice(1);
  try {
    id = decodeURIComponent(id);
  } catch {
    return;
  }
  const target = document.getElementById(id);
  if (target === null || !target.classList.contains("case")) return;
  target.open = true;
  target.parentElement.open = true;
  target.hidden = target.parentElement.hidden = false;
  target.scrollIntoView();
}
addEventListener("hashchange", follow);

// Paper unfolds nothing: print every section, and what is unfolded with its transcript.
let folded = [];
addEventListener("beforeprint", () => {
  folded = all("details.section:not([open]), .case[open] .transcript:not([open])");
  for (const element of folded) element.open = true;
});
addEventListener("afterprint", () => {
  for (const element of folded) element.open = false;
});

one(".tools").hidden = false;
all(".section").forEach((element) => element.addEventListener("toggle", label));
label();
follow();
`;
