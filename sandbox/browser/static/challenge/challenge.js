// 3-D Secure: the customer passes or fails, the sandbox is told, and then the shop is.
//
// Over the shop's page (in a frame) the end is a message to the embedding page; as a page of its own the end is a
// redirect to `return_url`, with Stripe's parameters.

import {retrieveIntent} from '../page/api.js';
import {formatMoney} from '../page/money.js';

const query = new URLSearchParams(window.location.search);
const intentId = decodeURIComponent(window.location.pathname.split('/').pop());
const clientSecret = query.get('client_secret') ?? '';
const key = document.querySelector('meta[name=publishable-key]').content;
const isFramed = window.parent !== window;
const hostOrigin = decodeURIComponent(window.location.hash.slice(1)) || window.location.origin;

const buttons = [...document.querySelectorAll('button')];
const problem = document.getElementById('problem');

document.documentElement.classList.toggle('is-page', !isFramed);
buttons.forEach((button) => button.addEventListener('click', () => answer(button)));
document.addEventListener('keydown', (event) => event.key === 'Escape' && isFramed && answer(buttons.at(-1)));
await describe();

async function describe() {
  document.getElementById('reference').textContent = intentId;
  const {intent} = await retrieveIntent({key, clientSecret});
  document.getElementById('amount').textContent = intent ? subject(intent) : '–';
  buttons[0].focus();
  if (intent && intent.status !== 'requires_action') {
    finish(intent); // answered already, in another tab perhaps
  }
}

// What the customer is asked about: a payment's amount, or that a card is kept.
function subject(intent) {
  return intent.object === 'setup_intent' ? 'Save this card' : formatMoney({minor: intent.amount, currency: intent.currency});
}

async function answer(button) {
  if (buttons.some((one) => one.disabled)) {
    return;
  }
  buttons.forEach((one) => (one.disabled = true));
  problem.hidden = true;
  const spinner = document.createElement('span');
  spinner.className = 'spinner';
  button.prepend(spinner);
  const intent = await send(button.value);
  if (intent) {
    finish(intent);
    return;
  }
  spinner.remove();
  buttons.forEach((one) => (one.disabled = false));
  problem.textContent = 'The bank could not be reached. Please try again.';
  problem.hidden = false;
}

// The intent as the answer leaves it, or null when there was no answer.
async function send(outcome) {
  try {
    const answered = await fetch(`/_sandbox/3ds/${encodeURIComponent(intentId)}`, {
      method: 'POST',
      headers: {'Content-Type': 'application/json'},
      body: JSON.stringify({client_secret: clientSecret, outcome}),
    });
    const body = await answered.json();
    // A card that authenticates and is then declined: the answer is the refusal, with the intent in it.
    return answered.ok ? body : (body.error?.payment_intent ?? body.error?.setup_intent ?? null);
  } catch {
    return null;
  }
}

function finish(intent) {
  if (isFramed) {
    window.parent.postMessage({sandbox: 'challenge'}, hostOrigin);
    return;
  }
  const target = returnUrl(intent);
  if (target) {
    window.location.replace(target);
    return;
  }
  document.querySelector('.actions').hidden = true;
  document.getElementById('title').textContent = 'That was all';
  document.querySelector('main > p').textContent = 'You can close this page and go back to the shop.';
}

function returnUrl(intent) {
  if (!/^https?:\/\//i.test(query.get('return_url') ?? '')) {
    return null;
  }
  const isPaid = ['succeeded', 'requires_capture', 'processing'].includes(intent.status);
  const url = new URL(query.get('return_url'));
  url.searchParams.set(intent.object, intent.id);
  url.searchParams.set(`${intent.object}_client_secret`, clientSecret);
  url.searchParams.set('redirect_status', isPaid ? 'succeeded' : 'failed');
  return url;
}
