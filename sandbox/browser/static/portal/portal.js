// The billing portal: the customer sees the saved cards and payments, removes a card or makes one the default.

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

function payment(charge) {
  const day = new Date(charge.created * 1000).toLocaleDateString('en-US', {dateStyle: 'medium', timeZone: 'UTC'});
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

await show(() => get(path));
