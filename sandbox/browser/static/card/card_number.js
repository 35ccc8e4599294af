// What can be told from the digits of a card number alone.

// The first pattern that matches names the brand. `lengths` are what its numbers may have, `gaps` the places of
// the spaces, `cvc` the digits of its security code.
const BRANDS = [
  {name: 'visa', label: 'Visa', pattern: /^4/, lengths: [16], gaps: [4, 8, 12], cvc: 3},
  {name: 'amex', label: 'American Express', pattern: /^3[47]/, lengths: [15], gaps: [4, 10], cvc: 4},
  {name: 'diners', label: 'Diners Club', pattern: /^3(0[0-5]|[689])/, lengths: [14, 16], gaps: [4, 10], cvc: 3},
  {name: 'jcb', label: 'JCB', pattern: /^35/, lengths: [16], gaps: [4, 8, 12], cvc: 3},
  {name: 'mastercard', label: 'Mastercard', pattern: /^(5[1-5]|2[2-7])/, lengths: [16], gaps: [4, 8, 12], cvc: 3},
  {name: 'discover', label: 'Discover', pattern: /^(6011|65|64[4-9])/, lengths: [16], gaps: [4, 8, 12], cvc: 3},
  {name: 'unionpay', label: 'UnionPay', pattern: /^(62|81)/, lengths: [16, 19], gaps: [4, 8, 12, 16], cvc: 3},
];
const UNKNOWN = {name: 'unknown', label: '', pattern: /^/, lengths: [16], gaps: [4, 8, 12], cvc: 3};

export const digitsOf = (text) => text.replace(/\D/g, '');

export function brandOf(number) {
  const digits = digitsOf(number);
  return BRANDS.find((brand) => brand.pattern.test(digits)) ?? UNKNOWN;
}

export function formatNumber(text) {
  const brand = brandOf(text);
  const digits = digitsOf(text).slice(0, Math.max(...brand.lengths));
  // Sixteen digits of Diners Club are grouped by fours, its usual fourteen are not.
  const gaps = digits.length === 16 && !brand.gaps.includes(8) ? [4, 8, 12] : brand.gaps;
  return [...digits].map((digit, index) => (gaps.includes(index) ? ` ${digit}` : digit)).join('');
}

function passesLuhn(digits) {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const doubled = Number(digit) * (index % 2 ? 2 : 1);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

export function numberProblem(text) {
  const digits = digitsOf(text);
  const brand = brandOf(digits);
  if (!brand.lengths.includes(digits.length)) {
    return {code: 'incomplete_number', message: 'Your card number is incomplete.'};
  }
  if (brand === UNKNOWN || !passesLuhn(digits)) {
    return {code: 'invalid_number', message: 'Your card number is invalid.'};
  }
  return null;
}
