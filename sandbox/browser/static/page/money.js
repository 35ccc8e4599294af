// Amounts are integers in minor units; they become text here, and nothing is computed with the text.

// https://docs.stripe.com/currencies: what differs from two decimals.
const NO_DECIMALS = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf'.split(' '));
const THREE_DECIMALS = new Set('bhd jod kwd omr tnd'.split(' '));

export function formatMoney({minor, currency, locale = 'en-US'}) {
  const decimals = NO_DECIMALS.has(currency) ? 0 : THREE_DECIMALS.has(currency) ? 3 : 2;
  const digits = String(Math.abs(minor)).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const decimal = decimals ? `${whole}.${digits.slice(-decimals)}` : whole;
  const format = new Intl.NumberFormat(locale, {
    style: 'currency', currency, minimumFractionDigits: decimals, maximumFractionDigits: decimals,
  });
  // A string, not a number: Intl formats decimal strings exactly.
  return format.format(minor < 0 ? `-${decimal}` : decimal);
}
