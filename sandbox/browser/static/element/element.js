// The Payment Element's frame: holds the card, and confirms with it. Nothing typed here leaves but to the API.

import {CardForm} from '../card/card_form.js';
import {confirmIntent, createPaymentMethod, retrieveIntent} from '../page/api.js';
import {listen} from '../page/port.js';
import {applyAppearance, applyFonts} from './appearance.js';

const main = document.getElementById('payment');
const form = document.getElementById('card');
const card = new CardForm({root: form, onChange: (state) => emitChange(state)});

// Set by `init`: {key, account, clientSecret?, appearance, fonts, options, asksForAddress, savesCard, …}
let settings = {};
let hasAddress = true;

const host = listen({init, update, submit, collapse: () => {}, fetchUpdates: loadIntent, confirm, createPaymentMethod: create});

form.addEventListener('submit', (event) => event.preventDefault());
form.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && event.target.tagName === 'INPUT') {
    event.preventDefault();
    host.emit('enter');
  } else if (event.key === 'Escape') {
    host.emit('escape');
  }
});
form.addEventListener('focusin', (event) => event.relatedTarget === null && host.emit('focus'));
form.addEventListener('focusout', (event) => event.relatedTarget === null && host.emit('blur'));
const resized = new ResizeObserver(() => host.emit('height', Math.ceil(main.getBoundingClientRect().height) + 8));

function emitChange({empty, complete}) {
  host.emit('change', {empty, complete, collapsed: false, value: {type: 'card'}});
}

async function init(given) {
  applyFonts(given.fonts);
  update(given);
  const address = given.options?.defaultValues?.billingDetails?.address;
  card.setDefaults({country: address?.country, postalCode: address?.postal_code});
  // Not before: until the shop's sizes are known there is nothing to show, nor a height to tell.
  main.classList.remove('is-waiting');
  resized.observe(main);
  const {error} = await loadIntent();
  main.classList.remove('is-loading');
  main.setAttribute('aria-busy', 'false');
  if (error) {
    document.getElementById('load-error').textContent = 'The card form could not be loaded. Please reload the page.';
    document.getElementById('load-error').hidden = false;
    form.hidden = true;
    host.emit('loaderror', {error});
    return;
  }
  host.emit('ready');
}

function update(given) {
  settings = given;
  applyAppearance(given.appearance);
  if (hasAddress && !given.asksForAddress) {
    card.removeAddress();
    hasAddress = false;
  }
  card.disabled = given.options?.readOnly === true;
  document.getElementById('terms').hidden = !given.savesCard;
}

// A shop that mounts a finished or foreign intent learns it at once, by `loaderror`, as with Stripe.
async function loadIntent() {
  if (!settings.clientSecret) {
    return {};
  }
  const {intent, error} = await retrieveIntent(settings);
  if (error) {
    return {error};
  }
  if (['succeeded', 'canceled'].includes(intent.status)) {
    const noun = intent.object === 'setup_intent' ? 'SetupIntent' : 'PaymentIntent';
    const message = `This ${noun} is in a terminal state and cannot be used to initialize Elements.`;
    return {error: {type: 'invalid_request_error', code: `${intent.object}_unexpected_state`, message}};
  }
  const isKept = intent.setup_future_usage && settings.options?.terms?.card !== 'never';
  document.getElementById('terms').hidden = !(settings.savesCard || isKept);
  return {};
}

function submit() {
  const problem = card.validate();
  return problem ? {error: {type: 'validation_error', ...problem}} : {};
}

// `clientSecret` comes with the call: in deferred mode this frame has none before.
async function confirm({clientSecret, confirmParams}) {
  const problem = card.validate();
  if (problem) {
    return {error: {type: 'validation_error', ...problem}};
  }
  const {payment_method_data: shopData = {}, ...params} = confirmParams;
  return declined(await confirmIntent({
    ...settings, clientSecret, params: {...params, payment_method_data: paymentMethodParams(shopData)},
  }));
}

async function create({params}) {
  const problem = card.validate();
  if (problem) {
    return {error: {type: 'validation_error', ...problem}};
  }
  return declined(await createPaymentMethod({...settings, params: paymentMethodParams(params)}));
}

function declined(result) {
  if (result.error?.type === 'card_error') {
    card.showDecline(result.error);
  }
  return result;
}

// What the shop knows about the payer, and what was typed here.
function paymentMethodParams({billing_details: shopDetails = {}, ...others}) {
  const {card: details, billing_details: typed} = card.data;
  const address = {...settings.options?.defaultValues?.billingDetails?.address, ...typed.address, ...shopDetails.address};
  const {address: _, ...defaults} = settings.options?.defaultValues?.billingDetails ?? {};
  return {type: 'card', ...others, card: details, billing_details: {...defaults, ...shopDetails, address}};
}
