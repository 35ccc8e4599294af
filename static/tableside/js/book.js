// The booking form: steppers, the price bar on small screens, one click one booking.
import { steppers } from "./stepper.js";
import { guardSubmit } from "./submit_once.js";

const form = document.getElementById("booking-form");
const lines = document.getElementById("price-lines");

function mirrorPrice() {
  const copy = lines.cloneNode(true);
  copy.querySelector("[role=status]")?.remove();
  document.getElementById("price-bar-lines").replaceChildren(...copy.childNodes);
  const total = lines.querySelector(".line-total td");
  if (total) document.getElementById("price-bar-total").textContent = total.textContent;
}

// Only what a price depends on asks for a new one, and only once typing has paused.
const PRICED = /^(slot|adults|children|menu|postal_code|add_on_\d+)$/;
let pause = 0;

function askForPrice(event) {
  if (!PRICED.test(event.target.name)) return;
  clearTimeout(pause);
  pause = setTimeout(() => window.htmx.trigger(".book-price", "priced"), 250);
}

form.addEventListener("input", askForPrice);
// Whoever goes on in the form wants to see it, not the open price.
form.addEventListener("focusin", () => {
  document.querySelector("[data-price-bar] details").open = false;
});
steppers(form);
guardSubmit(form);
mirrorPrice();
document.body.addEventListener("htmx:afterSwap", mirrorPrice);
document.getElementById("problems")?.focus();
