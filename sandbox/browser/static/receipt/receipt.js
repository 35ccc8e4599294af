// A charge's receipt, where its `receipt_url` leads.

import {formatMoney} from '../page/money.js';
import {get} from '../start/control.js';

const byId = (id) => document.getElementById(id);

function show({charge, merchant}) {
  const money = (minor) => formatMoney({minor, currency: charge.currency});
  const card = charge.payment_method_details.card;
  const day = new Date(charge.created * 1000).toLocaleDateString('en-US', {dateStyle: 'long', timeZone: 'UTC'});
  // What a capture in part released counts as refunded at Stripe, but was never paid.
  const refunded = charge.amount_refunded - (charge.amount - charge.amount_captured);
  document.title = `Receipt from ${merchant}`;
  byId('title').textContent = `Receipt from ${merchant}`;
  byId('amount').textContent = money(charge.amount_captured);
  byId('state').textContent = charge.refunded ? 'Refunded in full' : charge.captured ? `Paid on ${day}` : 'Authorized, not charged yet';
  const facts = [
    ['For', charge.description],
    ['Card', `${card.brand} ending in ${card.last4}`],
    ['On your statement', charge.calculated_statement_descriptor],
    ['Refunded', charge.captured && refunded > 0 ? money(refunded) : null],
  ];
  byId('facts').append(...facts.filter(([, value]) => value).flatMap(([name, value]) => [
    Object.assign(document.createElement('dt'), {textContent: name}), Object.assign(document.createElement('dd'), {textContent: value}),
  ]));
  byId('reference').textContent = charge.id;
}

try {
  show(await get(`receipt/${encodeURIComponent(window.location.pathname.split('/').pop())}`));
} catch {
  byId('title').textContent = 'There is no such receipt';
}
