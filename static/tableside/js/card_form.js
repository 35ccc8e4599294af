// A form with Stripe's Payment Element in the page's own colours: its button, its fields, and what went wrong in words.
// The page says what happens on submit; an error shows, and only success leaves the page.
import { appearance, fonts } from "./appearance.js";

// `name` begins the ids of form, button and problem; `working` stands on the button meanwhile. `options` go to
// `stripe.elements`, `element` to the card fields. `run(card)` does the work and answers whether the page is being left;
// `aliases` give one of Stripe's codes the words of another; `noStripe` is called where Stripe.js did not come.
export function cardForm({ name, working, options, element = {}, aliases = {}, run, noStripe = () => {} }) {
  const form = document.getElementById(`${name}-form`);
  const button = document.getElementById(`${name}-button`);
  const label = button.querySelector("[data-label]");
  const words = label.textContent;
  const problem = document.getElementById(`${name}-problem`);
  const advice = JSON.parse(document.getElementById("decline-advice").textContent);
  const card = { form, advice, stripe: null, elements: null, show, wait, busy, explain, mountFields, post };

  function show({ title, text }) {
    problem.querySelector("[data-title]").textContent = title;
    problem.querySelector("[data-text]").textContent = text;
    problem.hidden = false;
    problem.scrollIntoView({ block: "nearest" });
  }

  // Nothing can be clicked before the fields are there.
  function wait() {
    button.disabled = true;
  }

  function busy(isBusy) {
    button.disabled = isBusy;
    button.setAttribute("aria-busy", String(isBusy));
    label.textContent = isBusy ? working : words;
  }

  // What Stripe refused, and what the customer can do about it.
  function explain(error) {
    if (error.type === "validation_error") return; // The fields say it themselves.
    const other = error.type === "card_error" ? advice.default : advice.unreachable;
    const known = advice[error.decline_code] || advice[aliases[error.code] ?? error.code] || other;
    show({ title: known.title, text: known.text });
  }

  // Our own server's answer: {ok, body}, whatever came.
  async function post(body) {
    const answer = await fetch(form.action, {
      method: "POST",
      body,
      headers: { Accept: "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
    });
    return { ok: answer.ok, body: await answer.json().catch(() => ({})) };
  }

  async function onSubmit(event) {
    event.preventDefault();
    if (button.disabled) return;
    problem.hidden = true;
    busy(true);
    let leaving = false;
    try {
      leaving = await run(card);
    } catch (failure) {
      console.error(failure);
      show(advice.unreachable);
    }
    if (!leaving) busy(false);
  }

  // The fields for a card that is typed; once.
  function mountFields() {
    if (card.elements) return;
    const { configuration, font } = form.dataset;
    const wanted = { ...options(form.dataset), appearance: appearance(), fonts: fonts(font) };
    if (configuration) wanted.paymentMethodConfiguration = configuration;
    card.elements = card.stripe.elements(wanted);
    const fields = card.elements.create("payment", {
      layout: "tabs",
      fields: { billingDetails: { name: "never", email: "never" } },
      ...element,
    });
    fields.on("ready", () => busy(false));
    fields.on("loaderror", () => show(advice.unreachable));
    document.getElementById("card-fields").replaceChildren();
    fields.mount("#card-fields");
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      card.elements.update({ appearance: appearance() });
    });
  }

  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });
  if (!window.Stripe) {
    form.hidden = true;
    noStripe();
    return null;
  }
  card.stripe = window.Stripe(form.dataset.key);
  form.addEventListener("submit", onSubmit);
  return card;
}

// Whose card it is: what the fields do not ask for.
export function billing(form) {
  return { billing_details: { name: form.dataset.name, email: form.dataset.email } };
}
