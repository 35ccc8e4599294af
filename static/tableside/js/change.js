// Changing a booking: steppers, the new price as it is typed, one click one change.
import { steppers } from "./stepper.js";
import { guardSubmit } from "./submit_once.js";

const form = document.getElementById("change-form");
const PRICED = /^(slot|adults|children|menu|add_on_\d+)$/;
let pause = 0;

form.addEventListener("input", (event) => {
  if (!PRICED.test(event.target.name)) return;
  clearTimeout(pause);
  pause = setTimeout(() => window.htmx.trigger(".change-price", "priced"), 250);
});
// On a phone the price stands below all dates: whoever has chosen one wants to see it.
form.addEventListener("change", (event) => {
  if (event.target.name !== "slot" || !window.matchMedia("(max-width: 60rem)").matches) return;
  document.body.addEventListener("htmx:afterSettle", () => document.querySelector(".change-price").scrollIntoView(), { once: true });
});
steppers(form);
guardSubmit(form);
document.getElementById("problems")?.focus();
