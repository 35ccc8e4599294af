// Saving a card: Stripe's Payment Element in setup mode. Nothing is charged.
// The server makes or reuses the SetupIntent when "Save" is clicked; until then nothing exists at Stripe.
import { guardSubmit } from "./submit_once.js";
import { billing, cardForm } from "./card_form.js";

async function begin(card) {
  const { ok, body } = await card.post();
  if (ok && body.client_secret) return body;
  card.show({ title: body.title || "We could not start", text: body.detail || card.advice.unreachable.text });
  return null;
}

async function save(card) {
  const checked = await card.elements.submit();
  if (checked.error) {
    card.explain(checked.error);
    return false;
  }
  const begun = await begin(card);
  if (!begun) return false;
  const { error } = await card.stripe.confirmSetup({
    elements: card.elements,
    clientSecret: begun.client_secret,
    confirmParams: {
      return_url: new URL(begun.return_path, window.location.origin).href,
      payment_method_data: billing(card.form),
    },
  });
  // Only an error comes back here: success leaves the page.
  if (error?.code === "setup_intent_unexpected_state") {
    window.location.assign(`${begun.return_path}?from=here`);
    return true;
  }
  card.explain(error);
  return false;
}

for (const other of document.querySelectorAll(".saved-actions form, .saved-portal")) guardSubmit(other);
cardForm({
  name: "card",
  working: "Saving…",
  options: ({ currency }) => ({ mode: "setup", currency }),
  element: { terms: { card: "never" } }, // Our own words of consent stand above the button.
  aliases: { setup_intent_authentication_failure: "payment_intent_authentication_failure" },
  run: save,
})?.mountFields();
