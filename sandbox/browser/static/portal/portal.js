// The billing portal: the customer sees the saved cards, invoices and payments, adds or removes a card, makes one the default.

import {CardForm} from '../card/card_form.js';
import {authenticate} from '../checkout/authentication.js';
import {confirmIntent, retrieveIntent} from '../page/api.js';
import {get, post} from '../start/control.js';
import {formatMoney} from '../page/money.js';

const path = `portal/${window.location.pathname.split('/').pop()}`;
const byId = (name) => document.getElementById(name);

async function show(ask) {
  byId('problem').hidden = true;
  try {
    draw(await ask());
  } catch (problem) {
    byId('problem').textContent = problem.message;
    byId('problem').hidden = false;
  }
}

function draw(portal) {
  byId('who').textContent = [portal.customer.name, portal.customer.email, `at ${portal.merchant}`].filter(Boolean).join(' · ');
  if (portal.return_url) {
    Object.assign(byId('back'), {href: portal.return_url, hidden: false, textContent: `Return to ${portal.merchant}`});
  }
  byId('cards').replaceChildren(...listed(portal.payment_methods.map((method) => card(method, portal)), 'No card is saved.'));
  byId('invoices').replaceChildren(...listed(portal.invoices.map(invoice), 'No invoice yet.'));
  byId('payments').replaceChildren(...listed(portal.charges.map(payment), 'No payment yet.'));
  byId('content').hidden = false;
}

const listed = (items, otherwise) => (items.length ? items : [item(words(otherwise, 'quiet'))]);

function card(method, portal) {
  const {brand, last4, exp_month: month, exp_year: year} = method.card;
  const name = `${brand} ending in ${last4}`;
  const isDefault = method.id === portal.default_payment_method;
  const prefer = isDefault ? words('Default', 'mark') : button('Make default', name, () => post(`${path}/prefer`, {payment_method: method.id}));
  return item(
    words(`${name}, expires ${String(month).padStart(2, '0')}/${year}`), prefer,
    button('Remove', name, () => post(`${path}/remove`, {payment_method: method.id})),
  );
}

const date = (seconds) => new Date(seconds * 1000).toLocaleDateString('en-US', {dateStyle: 'medium', timeZone: 'UTC'});

function invoice(one) {
  const link = Object.assign(document.createElement('a'), {href: one.hosted_invoice_url, textContent: one.number});
  return item(
    link, words(one.status === 'paid' ? 'Paid' : one.status === 'void' ? 'Void' : 'Open', one.status === 'paid' ? 'mark' : 'quiet'),
    words(formatMoney({minor: one.amount_due, currency: one.currency})),
  );
}

function payment(charge) {
  const day = date(charge.created);
  const receipt = Object.assign(document.createElement('a'), {href: charge.receipt_url, textContent: 'Receipt'});
  receipt.setAttribute('aria-label', `Receipt of ${day}`);
  return item(words(`${day}${charge.description ? `, ${charge.description}` : ''}`),
    words(formatMoney({minor: charge.amount_captured, currency: charge.currency})), receipt);
}

function words(text, className = '') {
  return Object.assign(document.createElement('span'), {textContent: text, className});
}

function item(...children) {
  const made = document.createElement('li');
  made.append(...children);
  return made;
}

function button(label, name, action) {
  const made = Object.assign(document.createElement('button'), {type: 'button', textContent: label});
  made.setAttribute('aria-label', `${label}: ${name}`);
  made.addEventListener('click', () => show(action));
  return made;
}

// --- a new card: a setup intent, confirmed as a shop's page would ---

const form = byId('new-card');
const typedCard = new CardForm({root: form});
const key = document.querySelector('meta[name=publishable-key]').content;

function offer(open) {
  form.hidden = !open;
  byId('add').hidden = open;
  byId('add').setAttribute('aria-expanded', String(open));
  byId('notice').hidden = true;
  (open ? form.querySelector('input') : byId('add')).focus();
}

async function save() {
  if (typedCard.validate()) {
    return;
  }
  setSaving(true);
  try {
    const {client_secret: clientSecret} = await post(`${path}/begin_card`);
    const {card: details, billing_details: typed} = typedCard.data;
    const params = {payment_method_data: {type: 'card', card: details, billing_details: typed}, return_url: window.location.href};
    let result = await confirmIntent({key, clientSecret, params});
    if (result.intent?.status === 'requires_action') {
      await authenticate(result.intent.next_action.use_stripe_sdk.stripe_js);
      result = await retrieveIntent({key, clientSecret});
    }
    ended(result);
  } catch (problem) {
    say(problem.message);
  }
  setSaving(false);
}

function ended({intent, error}) {
  const problem = error ?? intent.last_setup_error;
  if (problem?.type === 'card_error') {
    typedCard.showDecline(problem);
  } else if (intent?.status === 'succeeded') {
    form.reset();
    offer(false);
    show(() => get(path));
  } else {
    say(problem?.message ?? 'The card could not be saved. Please try again.');
  }
}

function say(text) {
  Object.assign(byId('notice'), {textContent: text, hidden: false});
}

function setSaving(saving) {
  typedCard.disabled = saving;
  byId('notice').hidden = true;
  form.querySelectorAll('button').forEach((one) => (one.disabled = saving));
  form.querySelector('.primary').textContent = saving ? 'Saving…' : 'Save card';
}

byId('add').addEventListener('click', () => offer(true));
byId('cancel').addEventListener('click', () => offer(false));
form.addEventListener('submit', (event) => {
  event.preventDefault();
  save();
});

await show(() => get(path));
