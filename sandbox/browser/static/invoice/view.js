// What stands on the invoice page. Text is set as text, never as HTML.

import {formatMoney} from '../page/money.js';

const byId = (id) => document.getElementById(id);

function node(tag, {className = '', text = ''}) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

export const date = (seconds) =>
  new Date(seconds * 1000).toLocaleDateString('en-US', {dateStyle: 'long', timeZone: 'UTC'});

export function showInvoice(page) {
  const {invoice} = page;
  const money = (minor) => formatMoney({minor, currency: invoice.currency});
  document.title = `Invoice ${invoice.number} from ${invoice.account_name}`;
  document.querySelectorAll('[data-merchant]').forEach((place) => (place.textContent = invoice.account_name));
  byId('headline').textContent = `Invoice ${invoice.number}`;
  byId('total').textContent = money(invoice.status === 'paid' ? invoice.amount_paid : invoice.amount_due);
  showState(page);
  showFacts(invoice);
  setText('description', invoice.description);
  byId('lines').replaceChildren(...page.lines.map((line) => lineItem({line, money})));
  showSums({page, money});
  setText('footer', invoice.footer);
  byId('papers').hidden = false;
  byId('pdf').href = new URL(invoice.invoice_pdf, window.location.href).pathname;
  byId('payer-value').textContent = invoice.customer_email ?? invoice.customer_name ?? '';
  byId('payer').hidden = !byId('payer-value').textContent;
}

function setText(id, text) {
  byId(id).textContent = text ?? '';
  byId(id).hidden = !text;
}

function showState({invoice, now}) {
  const isLate = invoice.due_date !== null && invoice.due_date < now && invoice.status !== 'paid';
  const words = {
    paid: ['Paid', 'state--paid', `Paid on ${date(invoice.status_transitions.paid_at ?? now)}`],
    void: ['Void', '', `Voided on ${date(invoice.status_transitions.voided_at ?? now)}`],
  }[invoice.status] ?? [
    isLate ? 'Past due' : 'Open', isLate ? 'state--late' : '',
    invoice.due_date === null ? 'Due now' : `Due ${date(invoice.due_date)}`,
  ];
  byId('state').textContent = words[0];
  byId('state').className = `state ${words[1]}`;
  byId('state').hidden = false;
  document.body.classList.toggle('is-void', invoice.status === 'void');
  byId('due').textContent = words[2];
}

function showFacts(invoice) {
  const facts = [
    ['Billed to', [invoice.customer_name, invoice.customer_email].filter(Boolean).join(', ')],
    ['From', invoice.account_name],
    ['Issued', date(invoice.status_transitions.finalized_at)],
    ...(invoice.custom_fields ?? []).map((field) => [field.name, field.value]),
  ];
  byId('facts').replaceChildren(
    ...facts.filter(([, value]) => value).flatMap(([name, value]) => [node('dt', {text: name}), node('dd', {text: value})]),
  );
}

function lineItem({line, money}) {
  const item = document.createElement('li');
  item.append(
    node('span', {className: 'name', text: line.description ?? 'Item'}),
    node('span', {className: 'amount', text: money(line.amount)}),
  );
  if (line.quantity > 1) {
    const unit = money(Number(line.pricing.unit_amount_decimal));
    item.append(node('span', {className: 'more', text: `Qty ${line.quantity}, ${unit} each`}));
  }
  return item;
}

function showSums({page, money}) {
  const {invoice} = page;
  const rows = [
    ...(invoice.total === invoice.subtotal && !invoice.total_taxes.length ? [] : [['Subtotal', money(invoice.subtotal), '']]),
    ...invoice.total_taxes.map((tax) => {
      const rate = page.tax_rates[tax.tax_rate_details.tax_rate];
      const included = rate.inclusive ? ', included' : '';
      return [`${rate.display_name} (${rate.percentage} %${included})`, money(tax.amount), ''];
    }),
    ['Total', money(invoice.total), ''],
    ...(invoice.amount_paid ? [['Paid', money(invoice.amount_paid), '']] : []),
    ...(invoice.status === 'void' ? [] : [['Amount due', money(invoice.amount_remaining), 'due']]),
  ];
  byId('sums').replaceChildren(...rows.map(([name, amount, className]) => {
    const row = node('div', {className});
    row.append(node('dt', {text: name}), node('dd', {text: amount}));
    return row;
  }));
}

// The button's text: what is going on, or else what it will do.
export function payLabel(text, invoice = null) {
  byId('pay-label').textContent =
    text ?? `Pay ${formatMoney({minor: invoice.amount_remaining, currency: invoice.currency})}`;
}

const ENDINGS = {
  paid: ({invoice}) => ({
    title: 'Invoice paid', text: `Thank you. ${invoice.account_name} has received your payment.`,
  }),
  void: ({invoice}) => ({title: 'This invoice was voided', text: `There is nothing to pay. Questions? Ask ${invoice.account_name}.`}),
  unknown: () => ({title: 'There is no such invoice', text: 'The link may be incomplete. Please open it again from where you got it.'}),
  unreachable: () => ({title: 'This page could not be loaded', text: 'Nothing was charged. Please reload the page in a moment.'}),
};

// Takes the form's place when there is nothing to pay.
export function showEnded(status, page) {
  const ending = (ENDINGS[status] ?? ENDINGS.unreachable)(page);
  document.body.classList.remove('is-loading');
  byId('form').hidden = true;
  byId('ended').hidden = false;
  byId('ended').classList.toggle('is-paid', status === 'paid');
  byId('ended-title').textContent = ending.title;
  byId('ended-text').textContent = ending.text;
  byId('ended-link').hidden = !page?.receipt_url;
  if (page?.receipt_url) {
    byId('ended-link').href = page.receipt_url;
    byId('ended-link').textContent = 'View receipt';
  }
  byId('paper').hidden = !page?.invoice;
  byId('ended-title').focus();
}
