/* A dialog by keyboard: opened, it has the focus; Tab stays in it; closed, the focus is back where it was opened.
   Without this script a dialog is a page of its own. */
(() => {
  "use strict";

  const FIELDS = "input:not([type=hidden]), textarea, select";
  const REACHABLE = `a[href], button, summary, ${FIELDS}`;
  let opener = null;

  const modal = () => document.getElementById("modal-content");
  const isOpen = () => modal()?.offsetParent != null;
  const seen = (selector) =>
    [...modal().querySelectorAll(selector)].filter((one) => !one.disabled && one.offsetParent !== null);

  function enter() {
    if (!isOpen() || modal().contains(document.activeElement)) return;
    const heading = modal().querySelector("h1");
    modal().setAttribute("role", "dialog");
    modal().setAttribute("aria-modal", "true");
    if (heading) modal().setAttribute("aria-label", heading.textContent);
    modal().tabIndex = -1;
    (seen(FIELDS)[0] || modal()).focus();
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id === "modal-content") opener = event.detail.elt;
  });

  // What opens it is shown a moment after what it holds has come.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (modal()?.contains(event.target)) setTimeout(enter, 50);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && isOpen()) opener?.focus();
    if (event.key !== "Tab" || !isOpen()) return;
    const all = seen(REACHABLE);
    const at = all.indexOf(document.activeElement);
    const past = event.shiftKey ? at <= 0 : at < 0 || at === all.length - 1;
    if (!all.length || !past) return;
    event.preventDefault();
    all[event.shiftKey ? all.length - 1 : 0].focus();
  });
})();
