// The pay page: Stripe's Payment Element, in the page's own colours.
// The server makes or reuses the payment when "Pay" is clicked; until then nothing exists at Stripe.
import { countdown } from "./countdown.js";
import { guardSubmit } from "./submit_once.js";
import { appearance, fonts } from "./appearance.js";

const form = document.getElementById("pay-form");
const button = document.getElementById("pay-button");
const label = button.querySelector("[data-label]");
const payWords = label.textContent;
const problem = document.getElementById("pay-problem");
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
  label.textContent = isBusy ? "Paying…" : payWords;
}

// What Stripe refused, and what the customer can do about it.
function explain(error) {
  if (error.type === "validation_error") return; // The fields say it themselves.
  const other = error.type === "card_error" ? advice.default : advice.unreachable;
  const known = advice[error.decline_code] || advice[error.code] || other;
  show({ title: known.title, text: known.text });
}

async function start() {
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
    headers: { Accept: "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
  });
  const body = await answer.json().catch(() => ({}));
  if (body.next) {
    window.location.assign(body.next);
    return null;
  }
  if (!answer.ok || !body.client_secret) {
    show({ title: body.title || "We could not start the payment", text: body.detail || advice.unreachable.text });
    return null;
  }
  return body;
}

async function pay() {
  const checked = await elements.submit();
  if (checked.error) {
    explain(checked.error);
    return false;
  }
  const started = await start();
  if (!started) return false;
  const { error } = await stripe.confirmPayment({
    elements,
    clientSecret: started.client_secret,
    confirmParams: {
      return_url: new URL(started.return_path, window.location.origin).href,
      payment_method_data: { billing_details: { name: form.dataset.name, email: form.dataset.email } },
    },
  });
  // Only an error comes back here: success leaves the page.
  const status = error?.payment_intent?.status;
  if (status === "succeeded" || status === "processing" || error?.code === "payment_intent_unexpected_state") {
    window.location.assign(started.return_path);
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
    leaving = await pay();
  } catch (failure) {
    console.error(failure);
    show(advice.unreachable);
  }
  if (!leaving) busy(false);
}

function mount() {
  if (!window.Stripe) {
    form.hidden = true;
    document.querySelector(".pay-or").hidden = true;
    return;
  }
  const { key, amount, currency, configuration } = form.dataset;
  stripe = window.Stripe(key);
  const options = { mode: "payment", amount: Number(amount), currency, appearance: appearance(), fonts: fonts(form.dataset.font) };
  if (configuration) options.paymentMethodConfiguration = configuration;
  elements = stripe.elements(options);
  const card = elements.create("payment", {
    layout: "tabs",
    fields: { billingDetails: { name: "never", email: "never" } },
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

guardSubmit(document.getElementById("hosted-form"));
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
countdown();
mount();
