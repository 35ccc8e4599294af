// Hosted Checkout: shows the order, takes the card, and leads to success_url or back to cancel_url.

import {CardForm} from '../card/card_form.js';
import {ErrorLine, Field} from '../card/field.js';
import {authenticate} from './authentication.js';
import * as session from './session.js';
import {payLabel, showEnded, showOrder} from './view.js';

const form = document.getElementById('form');
const notice = document.getElementById('notice');
const button = document.getElementById('pay');
const card = new CardForm({root: document.getElementById('card')});
const email = new Field({
  input: document.getElementById('email'),
  errorLine: new ErrorLine(document.getElementById('email-error')),
  problem: (text) => (/^\S+@\S+\.\S+$/.test(text) ? null : {code: 'incomplete_email', message: 'Please enter your email address.'}),
});

let order = null;
// One payment at a time: a second click, or Return during the first, does nothing.
let isPaying = false;

form.addEventListener('submit', (event) => {
  event.preventDefault();
  submit();
});
// Back from the shop: the browser may show this page as it was left, so it looks again.
window.addEventListener('pageshow', (event) => event.persisted && window.location.reload());
await start();

async function start() {
  try {
    order = await session.load();
  } catch {
    showEnded('unreachable', {});
    return;
  }
  document.body.classList.remove('is-loading');
  form.setAttribute('aria-busy', 'false');
  if (!order) {
    showEnded('unknown', {});
    return;
  }
  showOrder(order);
  if (order.status !== 'open') {
    showEnded(order.status, order);
    return;
  }
  if (order.email) {
    email.input.value = order.email;
  }
  button.disabled = false;
}

async function submit() {
  if (isPaying || !order) {
    return;
  }
  const emailProblem = email.validate();
  const cardProblem = card.validate();
  if (emailProblem || cardProblem) {
    if (emailProblem) {
      email.input.focus();
    }
    return;
  }
  setPaying(true);
  const {card: details, billing_details: typed} = card.data;
  const result = await session.pay({type: 'card', card: details, billing_details: {...typed, email: email.value}});
  await follow(result);
}

async function follow(result) {
  if (result.status === 'requires_action') {
    await authenticate(result.next_action.url);
    await follow(await session.afterAuthentication());
  } else if (result.status === 'complete') {
    button.classList.add('is-done');
    payLabel('Paid');
    window.location.assign(result.redirect ?? order.successUrl);
  } else if (result.status === 'expired') {
    showEnded('expired', order);
  } else if (result.status === 'unreachable') {
    await lookAgain();
  } else {
    setPaying(false);
    decline(result.error);
  }
}

// No answer does not mean no payment: only the session knows.
async function lookAgain() {
  const now = await session.load().catch(() => null);
  if (now?.status === 'complete') {
    await follow({status: 'complete'});
    return;
  }
  setPaying(false);
  say('We could not reach the payment service. You have not been charged. Please try again.');
}

function decline(error) {
  if (error?.type === 'card_error') {
    card.showDecline(error);
  } else {
    say(error?.message ?? 'The payment did not go through. Please try again.');
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
  email.input.disabled = paying;
  button.querySelector('.spinner')?.remove();
  if (paying) {
    const spinner = document.createElement('span');
    spinner.className = 'spinner';
    button.prepend(spinner);
    payLabel('Processing…');
  } else {
    payLabel(null, order);
  }
}
