// "MM / YY" as it is typed, pasted or filled in by the browser.

import {digitsOf} from './card_number.js';

const SEPARATOR = ' / ';

// `previous` is what the field showed before, so that backspace over the separator takes a digit along.
export function formatExpiry(text, {previous = ''} = {}) {
  let digits = digitsOf(text);
  if (digits.length === 6) {
    digits = digits.slice(0, 2) + digits.slice(4); // MM / YYYY, as autofill has it
  }
  const separatorDeleted = previous.endsWith(SEPARATOR) && previous.startsWith(text) && text !== previous;
  if (separatorDeleted) {
    return digits.slice(0, 1);
  }
  if (/^[2-9]/.test(digits) || /^1\s*\//.test(text)) {
    digits = `0${digits}`;
  }
  digits = digits.slice(0, 4);
  return digits.length < 2 ? digits : digits.slice(0, 2) + SEPARATOR + digits.slice(2);
}

export function parseExpiry(text) {
  const digits = digitsOf(text);
  return {month: Number(digits.slice(0, 2)), year: 2000 + Number(digits.slice(2, 4))};
}

export function expiryProblem(text, {today = new Date()} = {}) {
  const digits = digitsOf(text);
  const {month, year} = parseExpiry(text);
  if (digits.length >= 2 && (month < 1 || month > 12)) {
    return {code: 'invalid_expiry_month', message: "Your card's expiration date is invalid."};
  }
  if (digits.length < 4) {
    return {code: 'incomplete_expiry', message: "Your card's expiration date is incomplete."};
  }
  if (year < today.getFullYear()) {
    return {code: 'invalid_expiry_year_past', message: "Your card's expiration year is in the past."};
  }
  if (year === today.getFullYear() && month < today.getMonth() + 1) {
    return {code: 'invalid_expiry_month_past', message: "Your card's expiration date is in the past."};
  }
  if (year > today.getFullYear() + 50) {
    return {code: 'invalid_expiry_year', message: "Your card's expiration year is invalid."};
  }
  return null;
}
