// A form is sent once per showing of its page: the second click of a double click goes nowhere.

export function guardSubmit(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent === "yes") {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    const button = event.submitter;
    button?.setAttribute("aria-busy", "true");
    button?.setAttribute("aria-disabled", "true");
  });
  // Coming back by the back button shows the page as it was left: make it usable again.
  window.addEventListener("pageshow", () => {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) {
      button.removeAttribute("aria-busy");
      button.removeAttribute("aria-disabled");
    }
  });
}
