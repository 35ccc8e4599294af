// Saving a card: Stripe's Payment Element in setup mode, in the page's own colours. Nothing is charged.
// The server makes or reuses the SetupIntent when "Save" is clicked; until then nothing exists at Stripe.
import { guardSubmit } from "./submit_once.js";
import { appearance, fonts } from "./appearance.js";

const form = document.getElementById("card-form");
const button = document.getElementById("card-button");
const label = button.querySelector("[data-label]");
const saveWords = label.textContent;
const problem = document.getElementById("card-problem");
const advice = JSON.parse(document.getElementById("decline-advice").textContent);

let stripe = null;
let elements = null;

function show({ title, text }) {
  problem.querySelector("[data-title]").textContent = title;
  problem.querySelector("[data-text]").textContent = text;
  problem.hidden = false;
  problem.scrollIntoView({ block: "nearest" });
}

function busy(isBusy) {
  button.disabled = isBusy;
  button.setAttribute("aria-busy", String(isBusy));
  label.textContent = isBusy ? "Saving…" : saveWords;
}

// What Stripe refused, and what the customer can do about it.
function explain(error) {
  if (error.type === "validation_error") return; // The fields say it themselves.
  const unconfirmed = error.code === "setup_intent_authentication_failure";
  const other = error.type === "card_error" ? advice.default : advice.unreachable;
  const known = advice[error.decline_code] || advice[unconfirmed ? "payment_intent_authentication_failure" : error.code] || other;
  show({ title: known.title, text: known.text });
}

async function begin() {
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
  });
  const body = await answer.json().catch(() => ({}));
  if (answer.ok && body.client_secret) return body;
  show({ title: body.title || "We could not start", text: body.detail || advice.unreachable.text });
  return null;
}

async function save() {
  const checked = await elements.submit();
  if (checked.error) {
    explain(checked.error);
    return false;
  }
  const begun = await begin();
  if (!begun) return false;
  const { error } = await stripe.confirmSetup({
    elements,
    clientSecret: begun.client_secret,
    confirmParams: {
      return_url: new URL(begun.return_path, window.location.origin).href,
      payment_method_data: { billing_details: { name: form.dataset.name, email: form.dataset.email } },
    },
  });
  // Only an error comes back here: success leaves the page.
  if (error?.code === "setup_intent_unexpected_state") {
    window.location.assign(`${begun.return_path}?from=here`);
    return true;
  }
  explain(error);
  return false;
}

async function onSubmit(event) {
  event.preventDefault();
  if (button.disabled) return;
  problem.hidden = true;
  busy(true);
  let leaving = false;
  try {
    leaving = await save();
  } catch (failure) {
    console.error(failure);
    show(advice.unreachable);
  }
  if (!leaving) busy(false);
}

function mount() {
  if (!window.Stripe) {
    form.hidden = true;
    return;
  }
  const { key, currency, configuration } = form.dataset;
  stripe = window.Stripe(key);
  const options = { mode: "setup", currency, appearance: appearance(), fonts: fonts(form.dataset.font) };
  if (configuration) options.paymentMethodConfiguration = configuration;
  elements = stripe.elements(options);
  const card = elements.create("payment", {
    layout: "tabs",
    fields: { billingDetails: { name: "never", email: "never" } },
    terms: { card: "never" }, // Our own words of consent stand above the button.
  });
  card.on("ready", () => busy(false));
  card.on("loaderror", () => show(advice.unreachable));
  document.getElementById("card-fields").replaceChildren();
  card.mount("#card-fields");
  form.addEventListener("submit", onSubmit);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    elements.update({ appearance: appearance() });
  });
}

for (const other of document.querySelectorAll(".saved-actions form, .saved-portal")) guardSubmit(other);
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
mount();
