// The pay page: a card of the customer's that Stripe keeps, by one click, or Stripe's Payment Element for another.
// The server makes or reuses the payment when "Pay" is clicked; until then nothing exists at Stripe.
import { countdown } from "./countdown.js";
import { guardSubmit } from "./submit_once.js";
import { billing, cardForm } from "./card_form.js";

const chosen = (form) => form.querySelector("input[name=card]:checked")?.value ?? "";

async function start(card) {
  const { ok, body } = await card.post(new URLSearchParams(new FormData(card.form)));
  if (body.next) {
    window.location.assign(body.next);
    return null;
  }
  if (!ok || !body.client_secret) {
    card.show({ title: body.title || "We could not start the payment", text: body.detail || card.advice.unreachable.text });
    return null;
  }
  return body;
}

// A kept card is confirmed by its id, a typed one from its fields; the bank's challenge opens on this page for both.
function confirm(card, started) {
  const return_url = new URL(started.return_path, window.location.origin).href;
  const clientSecret = started.client_secret;
  if (started.payment_method) {
    return card.stripe.confirmPayment({ clientSecret, confirmParams: { return_url, payment_method: started.payment_method } });
  }
  const confirmParams = { return_url, payment_method_data: billing(card.form) };
  return card.stripe.confirmPayment({ elements: card.elements, clientSecret, confirmParams });
}

async function pay(card) {
  if (!chosen(card.form)) {
    const checked = await card.elements.submit();
    if (checked.error) {
      card.explain(checked.error);
      return false;
    }
  }
  const started = await start(card);
  if (!started) return false;
  const { error } = await confirm(card, started);
  // Only an error comes back here: success leaves the page.
  const status = error?.payment_intent?.status;
  if (status === "succeeded" || status === "processing" || error?.code === "payment_intent_unexpected_state") {
    window.location.assign(started.return_path);
    return true;
  }
  const isGone = started.payment_method && error.type === "invalid_request_error" && !card.advice[error.code];
  if (isGone) card.show(card.advice.card_gone);
  else card.explain(error);
  return false;
}

// The fields show for another card alone, and come from Stripe when they are wanted first.
function choose(card) {
  const isTyped = !chosen(card.form);
  document.getElementById("card-fields").hidden = !isTyped;
  if (isTyped && !card.elements) {
    card.wait();
    card.mountFields();
  } else {
    card.busy(false);
  }
}

guardSubmit(document.getElementById("hosted-form"));
countdown();
const card = cardForm({
  name: "pay",
  working: "Paying…",
  options: ({ amount, currency }) => ({ mode: "payment", amount: Number(amount), currency }),
  run: pay,
  noStripe: () => {
    document.querySelector(".pay-or").hidden = true;
  },
});
if (card) {
  for (const choice of card.form.querySelectorAll("input[name=card]")) choice.addEventListener("change", () => choose(card));
  choose(card);
}
