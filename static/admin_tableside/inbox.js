/* The inbox by keyboard: j/k or arrows move, Enter opens, c confirms what was claimed, m matches the line that is
   it on the statement, x is "not found".
   Without this script every one of them is a button or a link in the row. */
(() => {
  "use strict";

  let current = "";

  const rows = () => [...document.querySelectorAll(".ts-claim")];
  const here = () => document.getElementById(current);

  function choose(row) {
    rows().forEach((other) => other.toggleAttribute("data-current", other === row));
    if (!row) return;
    current = row.id;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = rows();
    const at = all.indexOf(here());
    choose(all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + step))]);
  }

  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;
  const isDialogOpen = () => document.getElementById("modal-content")?.offsetParent != null;
  const press = (selector) => here()?.querySelector(selector)?.click();

  const keys = {
    j: () => move(1),
    ArrowDown: () => move(1),
    k: () => move(-1),
    ArrowUp: () => move(-1),
    c: () => press("button[name=_exact]"),
    m: () => press("[data-act=match]"),
    x: () => press("[data-act=reject]"),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isDialogOpen()) return;
    const isOnRow = event.target === here();
    const act = event.key === "Enter" && isOnRow ? () => press("[data-act=open]") : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // One click, one request: a second click while the first is on its way does nothing.
  document.addEventListener("submit", (event) => {
    const button = event.target.closest(".ts-claim")?.querySelector("button[name=_exact]");
    if (!button) return;
    if (button.dataset.sent) event.preventDefault();
    button.dataset.sent = "1";
  });

  // A colleague's work arrives: stay where one was, or on the row that took its place.
  let place = 0;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.target.id === "inbox") place = rows().indexOf(here());
  });
  document.addEventListener("htmx:afterSettle", () => {
    if (!current || isDialogOpen() || (here() && here().hasAttribute("data-current"))) return;
    choose(here() || rows()[Math.min(place, rows().length - 1)]);
  });
})();
