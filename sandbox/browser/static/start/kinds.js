// What the start page lists: for each kind its columns, and what a person may do with one.

import {formatMoney} from '../page/money.js';

const GOOD = new Set('succeeded paid complete won delivered available active'.split(' '));
const BAD = new Set('failed lost disputed canceled expired dropped declined void uncollectible'.split(' '));

export const money = (amount, currency) => formatMoney({minor: amount, currency});
export const time = (seconds) =>
  new Date(seconds * 1000).toLocaleString('en-GB', {
    day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZone: 'UTC',
  });
export const short = (text) => (text.length > 20 ? `${text.slice(0, 18)}…` : text);
export const tone = (state) => (GOOD.has(state) ? 'good' : BAD.has(state) ? 'bad' : /_|pending|open/.test(state) ? 'wait' : '');

const id = {title: 'Id', id: true, of: (one) => one.id};
const created = {title: 'Time (UTC)', of: (one) => time(one.created)};
const amount = {title: 'Amount', number: true, of: (one) => money(one.amount, one.currency)};
const status = (of = (one) => one.status) => ({title: 'Status', pill: true, of});
const text = (title, of) => ({title, long: true, of});

const act = (label, path, sent = {}) => ({label, path, sent});
const link = (label, href) => ({label, href});

function chargeActions(charge) {
  const path = `charges/${charge.id}`;
  if (!charge.captured || charge.refunded) {
    return [];
  }
  const disputes = charge.disputed ? [] : [
    act('Open a dispute', `${path}/dispute`, {reason: 'fraudulent'}),
    act('Open an inquiry', `${path}/dispute`, {reason: 'fraudulent', inquiry: true}),
  ];
  return [act('Refund what is left', `${path}/refund`), ...disputes, act('Warn of fraud', `${path}/early_fraud_warning`)];
}

function disputeActions(dispute) {
  if (!/needs_response|under_review/.test(dispute.status)) {
    return [];
  }
  const path = `disputes/${dispute.id}/decide`;
  return dispute.status.startsWith('warning')
    ? [act('Escalate to a chargeback', path, {outcome: 'escalated'}), act('End the inquiry', path, {outcome: 'lost'})]
    : [act('Merchant wins', path, {outcome: 'won'}), act('Merchant loses', path, {outcome: 'lost'})];
}

function payoutActions(payout) {
  const path = `payouts/${payout.id}`;
  return [
    ...(['pending', 'in_transit'].includes(payout.status) ? [act('Arrives now', `${path}/arrive`)] : []),
    ...(payout.status === 'pending' ? [act('Cancel', `${path}/cancel`)] : []),
    ...(['failed', 'canceled'].includes(payout.status) ? [] : [act('Fails', `${path}/fail`)]),
  ];
}

function challengeActions(intent) {
  return intent.status === 'requires_action'
    ? [link('Answer as the customer', `/3ds/${intent.id}?${new URLSearchParams({client_secret: intent.client_secret})}`)]
    : [];
}

function invoiceActions(invoice) {
  const path = `invoices/${invoice.id}`;
  const send = invoice.collection_method === 'send_invoice' ? [act('Send', `${path}/send`)] : [];
  const charge = invoice.collection_method === 'send_invoice' ? [] : [act('Charge the saved card', `${path}/pay`)];
  return {
    draft: [act('Finalize', `${path}/finalize`), ...send],
    open: [
      link('Pay as customer', invoice.hosted_invoice_url), ...charge, act('Paid out of band', `${path}/pay`, {out_of_band: true}), ...send,
      act('Mark uncollectible', `${path}/mark_uncollectible`), act('Void', `${path}/void`),
    ],
    uncollectible: [link('Pay as customer', invoice.hosted_invoice_url), act('Void', `${path}/void`)],
  }[invoice.status] ?? [link('Open its page', invoice.hosted_invoice_url)];
}

const customer = text('Customer', (one) => one.customer ?? one.customer_email ?? '');
const reason = text('Reason', (one) => one.reason ?? '');

export const KINDS = [
  {
    key: 'checkout.session', title: 'Checkout', empty: 'No Checkout Session yet. Start a payment in the shop.',
    columns: [id, {title: 'Amount', number: true, of: (one) => money(one.amount_total, one.currency)}, status(), customer, created],
    actions: (one) => (one.url ? [link('Pay as customer', one.url)] : []),
  },
  {
    key: 'payment_intent', title: 'Payment intents', empty: 'No payment intent yet.',
    columns: [id, amount, status(), text('Description', (one) => one.description ?? ''), created], actions: challengeActions,
  },
  {
    key: 'setup_intent', title: 'Setup intents', empty: 'No card was set up yet.',
    columns: [id, status(), customer, text('Use', (one) => one.usage.replaceAll('_', ' ')), created], actions: challengeActions,
  },
  {
    key: 'invoice', title: 'Invoices', empty: 'No invoice yet. A customer offers to be sent one.',
    columns: [
      {...id, of: (one) => one.number ?? one.id}, {title: 'Due', number: true, of: (one) => money(one.amount_due, one.currency)}, status(),
      text('Customer', (one) => one.customer_name ?? one.customer_email ?? one.customer),
      {title: 'Due by', of: (one) => (one.due_date ? time(one.due_date) : '')}, created,
    ],
    actions: invoiceActions,
  },
  {
    key: 'charge', title: 'Charges', empty: 'No charge yet.',
    columns: [
      id, amount, status((one) => (one.disputed ? 'disputed' : one.refunded ? 'refunded' : one.status)),
      text('Card', (one) => `${one.payment_method_details.card.brand} … ${one.payment_method_details.card.last4}`), created,
    ],
    actions: chargeActions,
  },
  {key: 'refund', title: 'Refunds', empty: 'No refund yet.', columns: [id, amount, status(), reason, created], actions: () => []},
  {
    key: 'dispute', title: 'Disputes', empty: 'No dispute. A charge offers to open one.',
    columns: [id, amount, status(), reason, created], actions: disputeActions,
  },
  {
    key: 'payout', title: 'Payouts', empty: 'No payout yet. “Pay out” sends what is available.',
    columns: [id, amount, status(), {title: 'Arrives', of: (one) => time(one.arrival_date)}, created], actions: payoutActions,
  },
  {
    key: 'balance_transaction', title: 'Balance', empty: 'Nothing has moved yet.',
    columns: [
      id, {title: 'Type', of: (one) => one.type}, amount, {title: 'Fee', number: true, of: (one) => money(one.fee, one.currency)},
      {title: 'Net', number: true, of: (one) => money(one.net, one.currency)}, created,
    ],
    actions: () => [],
  },
  {
    key: 'customer', title: 'Customers', empty: 'No customer yet.',
    columns: [id, text('Name', (one) => one.name ?? ''), text('E-mail', (one) => one.email ?? ''), created],
    actions: (one) => [act('Invoice 50.00', `customers/${one.id}/invoice`, {amount: 5000, currency: one.currency ?? 'usd'})],
  },
  {
    key: 'event', title: 'Events', empty: 'Nothing has happened yet.',
    columns: [id, {title: 'Type', of: (one) => one.type}, {title: 'Object', of: (one) => short(one.data.object.id ?? '')}, created],
    actions: (one) => [act('Deliver once more', `events/${one.id}/redeliver`)],
  },
  {
    key: 'requests', title: 'Requests', empty: 'No request since the start.',
    columns: [
      {...id, of: (one) => one.id}, {title: 'Request', of: (one) => `${one.method} ${one.path}`},
      {title: 'Answer', pill: true, of: (one) => (one.status >= 400 || !one.status ? 'failed ' : '') + (one.status || 'none')},
      {title: 'Took', number: true, of: (one) => `${Math.round(one.milliseconds)} ms`}, {title: 'Time (UTC)', of: (one) => time(one.at)},
    ],
    actions: () => [],
  },
  {
    key: 'faults', title: 'Faults', empty: 'No fault is set: requests and webhooks go through.',
    columns: [
      {...id, title: 'Fault'}, {title: 'Kind', of: (one) => one.kind}, {title: 'Hits', of: (one) => `${one.target}: ${one.pattern}`},
      {title: 'Times left', number: true, of: (one) => (one.count < 0 ? 'for ever' : String(one.count))},
    ],
    actions: (one) => [{label: 'Remove', path: `faults/${one.id}`, removes: true}],
  },
];
