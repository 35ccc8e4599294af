// The hosted invoice: shows what is owed, takes the card, and shows that it is paid. It pays as a shop's page would: by
// confirming the invoice's intent with its client secret.

import {CardForm} from '../card/card_form.js';
import {authenticate} from '../checkout/authentication.js';
import {confirmIntent, retrieveIntent} from '../page/api.js';
import {payLabel, showEnded, showInvoice} from './view.js';

const token = decodeURIComponent(window.location.pathname.split('/').pop());
const key = document.querySelector('meta[name=publishable-key]').content;
const form = document.getElementById('form');
const notice = document.getElementById('notice');
const button = document.getElementById('pay');
const card = new CardForm({root: document.getElementById('card')});

let page = null;
// One payment at a time: a second click, or Return during the first, does nothing.
let isPaying = false;

form.addEventListener('submit', (event) => {
  event.preventDefault();
  submit();
});
document.getElementById('print').addEventListener('click', () => window.print());
window.addEventListener('pageshow', (event) => event.persisted && window.location.reload());
await start();

// What the page shows, null when there is no such invoice; throws when there is no answer.
async function load() {
  const answer = await fetch(`/_sandbox/invoice_page/${encodeURIComponent(token)}`);
  if (answer.status === 404) {
    return null;
  }
  if (!answer.ok) {
    throw new Error(`The invoice could not be read: ${answer.status}`);
  }
  return answer.json();
}

async function start() {
  try {
    page = await load();
  } catch {
    showEnded('unreachable', {});
    return;
  }
  if (!page) {
    showEnded('unknown', {});
    return;
  }
  show();
}

function show() {
  document.body.classList.remove('is-loading');
  form.setAttribute('aria-busy', 'false');
  showInvoice(page);
  if (page.client_secret) {
    payLabel(null, page.invoice);
    button.disabled = false;
  } else {
    showEnded(page.invoice.status, page);
  }
}

async function submit() {
  if (isPaying || !page?.client_secret || card.validate()) {
    return;
  }
  setPaying(true);
  const {card: details, billing_details: typed} = card.data;
  const paymentMethod = {type: 'card', card: details, billing_details: {...typed, email: page.invoice.customer_email}};
  const result = await confirmIntent({
    key, clientSecret: page.client_secret, params: {payment_method_data: paymentMethod, return_url: window.location.href},
  });
  await follow(result);
}

async function follow({intent, error}) {
  if (intent?.status === 'requires_action') {
    await authenticate(intent.next_action.use_stripe_sdk.stripe_js);
    await follow(await retrieveIntent({key, clientSecret: page.client_secret}));
  } else if (intent?.status === 'succeeded') {
    button.classList.add('is-done');
    payLabel('Paid');
    await lookAgain();
  } else {
    await lookAgain(error ?? intent?.last_payment_error);
  }
}

// Only the invoice knows how it stands: paid in another tab, voided meanwhile, or still open after a refusal.
async function lookAgain(problem) {
  const now = await load().catch(() => null);
  if (now) {
    page = now;
  }
  if (now && !now.client_secret) {
    show();
    return;
  }
  setPaying(false);
  if (problem?.type === 'card_error') {
    card.showDecline(problem);
  } else {
    say(problem?.message ?? 'The payment did not go through. Please try again.');
  }
}

function say(text) {
  notice.textContent = text;
  notice.hidden = false;
}

function setPaying(paying) {
  isPaying = paying;
  notice.hidden = true;
  button.disabled = paying;
  card.disabled = paying;
  button.querySelector('.spinner')?.remove();
  if (paying) {
    const spinner = document.createElement('span');
    spinner.className = 'spinner';
    button.prepend(spinner);
    payLabel('Processing…');
  } else {
    payLabel(null, page.invoice);
  }
}
