// What stands on the Checkout page. Text is set as text, never as HTML.

import {formatMoney} from '../page/money.js';

const byId = (id) => document.getElementById(id);
const VERBS = {pay: 'Pay', book: 'Book', donate: 'Donate', auto: 'Pay', subscribe: 'Subscribe'};

function node(tag, {className = '', text = ''}) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

export function showOrder(order) {
  const money = (minor) => formatMoney({minor, currency: order.currency});
  document.title = `${order.merchant} – Checkout`;
  document.querySelectorAll('[data-merchant]').forEach((place) => (place.textContent = order.merchant));
  byId('back').hidden = !order.cancelUrl;
  byId('merchant').hidden = Boolean(order.cancelUrl);
  if (order.cancelUrl) {
    byId('back').href = order.cancelUrl;
  }
  byId('headline').textContent = order.lines.length === 1 ? order.lines[0].name : `Pay ${order.merchant}`;
  byId('total').textContent = money(order.total);
  byId('lines').replaceChildren(...order.lines.map((line) => lineItem({line, money})));
  showSums({order, money});
  showContact(order);
  payLabel(null, order);
}

function lineItem({line, money}) {
  const item = document.createElement('li');
  item.append(node('span', {className: 'name', text: line.name}), node('span', {className: 'amount', text: money(line.amount)}));
  const quantity = line.quantity > 1 ? `Qty ${line.quantity}${line.unit === null ? '' : `, ${money(line.unit)} each`}` : '';
  [line.more, quantity].filter(Boolean).forEach((text) => item.append(node('span', {className: 'more', text})));
  return item;
}

function showSums({order, money}) {
  const rows = [];
  if (order.discount || order.tax) {
    rows.push(['Subtotal', money(order.subtotal), '']);
  }
  if (order.discount) {
    rows.push(['Discount', money(-order.discount), '']);
  }
  if (order.tax) {
    rows.push(['Tax', money(order.tax), '']);
  }
  // The total stands above already; below a single line it would be there three times.
  if (rows.length || order.lines.length > 1) {
    rows.push(['Total due', money(order.total), rows.length ? 'due' : 'due due--only']);
  }
  byId('sums').replaceChildren(...rows.map(([name, amount, className]) => {
    const row = node('div', {className});
    row.append(node('dt', {text: name}), node('dd', {text: amount}));
    return row;
  }));
}

// An address that the shop has given is shown, not asked for.
function showContact(order) {
  byId('email-field').hidden = Boolean(order.email);
  byId('email-known').hidden = !order.email;
  byId('email-value').textContent = order.email ?? '';
  byId('message').textContent = order.message;
  byId('message').hidden = !order.message;
}

// The button's text: what is going on, or else what it will do.
export function payLabel(text, order = null) {
  const amount = order && formatMoney({minor: order.total, currency: order.currency});
  byId('pay-label').textContent = text ?? `${VERBS[order.submitType] ?? 'Pay'} ${amount}`;
}

const ENDINGS = {
  complete: {
    title: 'This payment is done',
    text: 'You have paid already. There is nothing left to do here.',
    link: (order) => ({href: order.successUrl, text: `Continue to ${order.merchant}`}),
  },
  expired: {
    title: 'This checkout has expired',
    text: 'Nothing was charged. Go back to start the payment again.',
    link: (order) => ({href: order.cancelUrl, text: `Back to ${order.merchant}`}),
  },
  unknown: {title: 'There is no such checkout', text: 'The link may be incomplete. Please open it again from where you got it.'},
  unreachable: {title: 'This page could not be loaded', text: 'Nothing was charged. Please reload the page in a moment.'},
};

// Takes the form's place when there is nothing to pay.
export function showEnded(status, order) {
  const ending = ENDINGS[status] ?? ENDINGS.unreachable;
  const link = ending.link?.(order);
  document.body.classList.remove('is-loading');
  byId('form').hidden = true;
  byId('ended').hidden = false;
  byId('ended').classList.toggle('is-paid', status === 'complete');
  byId('ended-title').textContent = ending.title;
  byId('ended-text').textContent = ending.text;
  byId('ended-link').hidden = !link?.href;
  if (link?.href) {
    byId('ended-link').href = link.href;
    byId('ended-link').textContent = link.text;
  }
  if (['unknown', 'unreachable'].includes(status)) {
    ['lines', 'sums', 'total'].forEach((id) => (byId(id).hidden = true));
  }
  byId('ended-title').focus();
}
