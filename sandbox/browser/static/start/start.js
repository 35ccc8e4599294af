// The start page: reads the sandbox every two seconds and shows it; buttons post to the control API.

import {get, post, remove} from './control.js';
import {KINDS, money, short, time, tone} from './kinds.js';

const REFRESH_MS = 2000;
const FAULT_KINDS = {
  request: ['timeout_before', 'timeout_after', 'hangup_before', 'hangup_after', 'error_500_before', 'error_500_after', 'rate_limit', 'lock_timeout', 'delay'],
  webhook: ['duplicate', 'reorder', 'delay', 'drop'],
};
const byId = (name) => document.getElementById(name);
const faultForm = byId('fault-form');
let rows = [];
let chosen = null;
let isPaused = false;
let drawn = '';

const kind = () => KINDS.find((one) => `#${one.key}` === decodeURIComponent(window.location.hash)) ?? KINDS[0];

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Lists of the request log and the faults are the sandbox's own; everything else is an object of the API.
async function load(key) {
  if (key === 'requests') {
    return (await get('requests', {limit: 50})).requests.map((one) => ({...one, id: one.request_id}));
  }
  if (key === 'faults') {
    const {faults} = await get('faults');
    return faults.map((one) => ({...one, id: String(one.id), pattern: one.target === 'request' ? one.path : one.event_type}));
  }
  return (await get('objects', {type: key, limit: 50})).data;
}

async function refresh() {
  const shown = kind();
  const [health, balance, webhooks, found] = await Promise.all([get('health'), get('balance'), get('webhooks'), load(shown.key)]);
  if (shown !== kind()) {
    return; // another list was chosen meanwhile
  }
  rows = found;
  isPaused = webhooks.paused;
  byId('account').textContent = health.account;
  byId('clock').textContent = `${time(health.now)} UTC`;
  document.querySelector('[data-act=real-time]').hidden = health.offset === 0;
  byId('available').textContent = amounts(balance, 'available');
  byId('pending').textContent = amounts(balance, 'pending');
  byId('outstanding').textContent = isPaused ? `${webhooks.outstanding}, paused` : String(webhooks.outstanding);
  document.querySelector('[data-act=pause]').textContent = isPaused ? 'Let them go' : 'Pause';
  drawKinds(shown);
  const now = JSON.stringify([shown.key, rows, chosen]);
  if (now !== drawn) {
    drawn = now; // an unchanged list keeps focus and selection
    drawList(shown);
    await drawDetail(shown);
  }
}

const amounts = (balance, part) =>
  Object.entries(balance).map(([currency, entry]) => money(entry[part], currency)).join(' · ') || money(0, 'usd');

function drawKinds(shown) {
  const nav = byId('kinds');
  if (!nav.children.length) {
    nav.append(...KINDS.map((one) => element('a', {href: `#${one.key}`, textContent: one.title})));
  }
  KINDS.forEach((one, index) => {
    if (one === shown) {
      nav.children[index].setAttribute('aria-current', 'page');
    } else {
      nav.children[index].removeAttribute('aria-current');
    }
  });
}

function drawList(shown) {
  byId('list-title').textContent = shown.title;
  faultForm.hidden = shown.key !== 'faults';
  byId('empty').textContent = shown.empty;
  byId('empty').hidden = rows.length > 0;
  document.querySelector('table').hidden = rows.length === 0;
  const heads = shown.columns.map((column) => element('th', {scope: 'col', textContent: column.title, className: column.number ? 'number' : ''}));
  document.querySelector('thead').replaceChildren(element('tr', {}, ...heads));
  const focused = document.activeElement?.dataset?.id;
  document.querySelector('tbody').replaceChildren(...rows.map((one) => drawRow(shown, one)));
  if (focused) {
    [...document.querySelectorAll('[data-id]')].find((button) => button.dataset.id === focused)?.focus();
  }
}

function drawRow(shown, one) {
  const row = element('tr', {}, ...shown.columns.map((column) => drawCell(column, one)));
  row.classList.toggle('chosen', one.id === chosen);
  return row;
}

function drawCell(column, one) {
  const cell = element('td', {className: column.number ? 'number' : column.long ? 'long' : ''});
  const value = column.of(one);
  if (column.id) {
    const button = element('button', {type: 'button', className: 'plain', textContent: short(value), title: value});
    button.dataset.id = one.id;
    button.addEventListener('click', () => choose(one.id));
    cell.append(button);
  } else if (column.pill) {
    cell.append(element('span', {className: `pill ${tone(value.split(' ')[0])}`, textContent: value.replaceAll('_', ' ')}));
  } else {
    cell.textContent = value;
  }
  return cell;
}

async function drawDetail(shown) {
  const one = rows.find((row) => row.id === chosen);
  byId('detail').hidden = !one;
  if (!one) {
    return;
  }
  byId('detail-title').textContent = one.id;
  byId('actions').replaceChildren(...shown.actions(one).map(drawAction));
  byId('json').textContent = JSON.stringify(one, null, 2);
  const {deliveries} = shown.key === 'event' ? await get('deliveries', {event: one.id}) : {deliveries: []};
  const items = deliveries.map((delivery) =>
    element('li', {}, element('span', {className: `pill ${tone(delivery.state)}`, textContent: delivery.state}),
      ` after ${delivery.attempts} ${delivery.attempts === 1 ? 'try' : 'tries'}, last answer ${delivery.response ?? delivery.problem ?? 'none'}`));
  byId('deliveries').replaceChildren(...(items.length ? [element('ul', {}, ...items)] : []));
}

function drawAction(action, index) {
  const className = index === 0 ? 'button primary' : 'button';
  if (action.href) {
    return element('a', {className, href: action.href, target: '_blank', rel: 'noopener', textContent: action.label});
  }
  const button = element('button', {className, type: 'button', textContent: action.label});
  button.addEventListener('click', () => perform(action.label, () => (action.removes ? remove(action.path) : post(action.path, action.sent))));
  return button;
}

function choose(id) {
  chosen = id;
  refreshOrSay();
}

async function perform(label, action) {
  try {
    await action();
    say(`${label}: done.`);
  } catch (problem) {
    say(problem.message, 'problem');
  }
  drawn = '';
  await refreshOrSay();
}

function say(words, className = '') {
  Object.assign(byId('notice'), {textContent: words, className});
}

async function refreshOrSay() {
  try {
    await refresh();
  } catch {
    say('The sandbox does not answer.', 'problem');
  }
}

function offerFaults() {
  const kinds = FAULT_KINDS[faultForm.elements.target.value];
  faultForm.elements.kind.replaceChildren(...kinds.map((one) => element('option', {textContent: one})));
}

faultForm.elements.target.addEventListener('change', offerFaults);
faultForm.addEventListener('submit', (event) => {
  event.preventDefault();
  const {target, kind: sort, pattern, count} = Object.fromEntries(new FormData(faultForm));
  const place = target === 'request' ? {path: pattern} : {event_type: pattern};
  perform('Fault', () => post('faults', {target, kind: sort, count: Number(count), ...place}));
});
document.querySelector('[data-act=pay-out]').addEventListener('click', () => perform('Payout', () => post('payouts', {currency: 'usd'})));
document.querySelector('[data-act=pause]').addEventListener('click', () => perform('Webhooks', () => post('webhooks', {paused: !isPaused})));
document.querySelector('[data-act=close]').addEventListener('click', () => choose(null));
document.querySelectorAll('[data-advance]').forEach((button) =>
  button.addEventListener('click', () => perform('Clock', () => post('clock', {advance: Number(button.dataset.advance)}))));
document.querySelector('[data-act=real-time]').addEventListener('click', () => perform('Clock', () => post('clock', {to: null})));
window.addEventListener('hashchange', () => choose(null));

offerFaults();
await refreshOrSay();
setInterval(refreshOrSay, REFRESH_MS);
