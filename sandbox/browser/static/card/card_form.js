// The card fields of a page: wiring, what is in them, what is wrong with them. Used by the Payment Element's
// frame and by hosted Checkout, whose markup differs but whose `data-field` names do not.

import {brandOf, digitsOf, formatNumber, numberProblem} from './card_number.js';
import {fillCountries, needsPostalCode, postalProblem} from './countries.js';
import {expiryProblem, formatExpiry, parseExpiry} from './expiry.js';
import {ErrorLine, Field} from './field.js';

// Which field a decline is about, by the API's error code. Everything else stands under the number.
const FIELD_OF_CODE = {
  expired_card: 'expiry', invalid_expiry_month: 'expiry', invalid_expiry_year: 'expiry',
  incorrect_cvc: 'cvc', invalid_cvc: 'cvc', incorrect_zip: 'postalCode',
};

export class CardForm {
  #root;
  #fields = {};
  #country;
  #brandImage;
  #brandName;

  constructor({root, onChange = () => {}}) {
    this.#root = root;
    this.#brandImage = root.querySelector('[data-brand]');
    this.#brandName = root.querySelector('[data-brand-name]');
    this.#country = root.querySelector('[data-field=country]');
    this.#addFields();
    if (this.#country) {
      fillCountries(this.#country);
      this.#country.addEventListener('change', () => this.#showPostalCode());
    }
    this.#moveOn();
    root.addEventListener('input', () => {
      this.#showBrand();
      onChange(this.state);
    });
    root.addEventListener('change', () => onChange(this.state));
    this.#showBrand();
    this.#showPostalCode();
  }

  get state() {
    const fields = this.#active();
    return {
      empty: fields.every((field) => field.isEmpty),
      complete: fields.every((field) => field.isComplete),
    };
  }

  // As the API wants it: `card` and the part of `billing_details` that is asked for here.
  get data() {
    const {month, year} = parseExpiry(this.#fields.expiry.value);
    const address = {
      country: this.#country?.value,
      postal_code: needsPostalCode(this.#country?.value) ? this.#fields.postalCode?.value || undefined : undefined,
    };
    return {
      card: {number: digitsOf(this.#fields.number.value), exp_month: month, exp_year: year, cvc: this.#fields.cvc.value},
      billing_details: {name: this.#fields.name?.value || undefined, address: this.#country ? address : undefined},
    };
  }

  // Marks what is wrong, puts the focus there; the first problem as {code, message}, or null.
  validate() {
    const wrong = this.#active().filter((field) => field.validate() !== null);
    wrong[0]?.input.focus();
    return wrong[0]?.problem ?? null;
  }

  // Shows what the issuer said at the field it is about.
  showDecline(error) {
    const name = FIELD_OF_CODE[error.code] ?? 'number';
    const field = this.#fields[name] ?? this.#fields.number;
    field.showDecline(error.message);
    field.input.focus();
  }

  clearDecline() {
    this.#active().forEach((field) => field.show(null));
  }

  set disabled(disabled) {
    this.#root.querySelectorAll('input, select').forEach((control) => {
      control.disabled = disabled;
    });
  }

  setDefaults({country, postalCode, name}) {
    if (country && this.#country) {
      this.#country.value = country;
    }
    if (postalCode && this.#fields.postalCode) {
      this.#fields.postalCode.input.value = postalCode;
    }
    if (name && this.#fields.name) {
      this.#fields.name.input.value = name;
    }
    this.#showPostalCode();
  }

  // Takes the address out of the form (the shop asks for it itself).
  removeAddress() {
    this.#country.closest('[data-row]').remove();
    this.#country = null;
    delete this.#fields.postalCode;
  }

  #active() {
    const needed = needsPostalCode(this.#country?.value);
    return Object.entries(this.#fields).filter(([name]) => name !== 'postalCode' || needed).map(([, field]) => field);
  }

  #addFields() {
    const lines = new Map();
    const rules = {
      number: {problem: numberProblem, format: formatNumber},
      expiry: {problem: (text) => expiryProblem(text), format: formatExpiry},
      cvc: {problem: (text) => this.#cvcProblem(text), format: (text) => digitsOf(text).slice(0, this.#cvcLength())},
      name: {problem: nameProblem},
      postalCode: {problem: (text) => postalProblem({text, country: this.#country?.value})},
    };
    Object.entries(rules).forEach(([name, rule]) => {
      const input = this.#root.querySelector(`[data-field=${name}]`);
      if (!input) {
        return;
      }
      const place = document.getElementById(input.getAttribute('aria-describedby').split(' ')[0]);
      if (!lines.has(place)) {
        lines.set(place, new ErrorLine(place));
      }
      this.#fields[name] = new Field({input, errorLine: lines.get(place), ...rule});
    });
  }

  // From number to expiry to CVC without the Tab key, and back with Backspace.
  #moveOn() {
    const chain = ['number', 'expiry', 'cvc'].map((name) => this.#fields[name]);
    chain.forEach((field, index) => {
      const next = chain[index + 1];
      const previous = chain[index - 1];
      field.input.addEventListener('input', (event) => {
        const isTyped = event.inputType === 'insertText' || event.inputType === 'insertFromPaste';
        const atEnd = field.input.selectionStart === field.input.value.length;
        if (next && isTyped && atEnd && field.isComplete) {
          next.input.focus();
        }
      });
      field.input.addEventListener('keydown', (event) => {
        if (event.key === 'Backspace' && previous && field.input.value === '') {
          previous.input.focus();
        }
      });
    });
  }

  #cvcLength() {
    return brandOf(this.#fields.number.value).cvc;
  }

  #cvcProblem(text) {
    return digitsOf(text).length === this.#cvcLength()
      ? null
      : {code: 'incomplete_cvc', message: "Your card's security code is incomplete."};
  }

  #showBrand() {
    const brand = brandOf(this.#fields.number.value);
    const source = `/js/static/brands/${brand.name}.svg`;
    if (this.#brandImage.getAttribute('src') !== source) {
      this.#brandImage.src = source;
      this.#brandName.textContent = brand.label ? `Card brand: ${brand.label}` : '';
      this.#fields.cvc.input.placeholder = brand.cvc === 4 ? '4 digits' : 'CVC';
    }
  }

  #showPostalCode() {
    const field = this.#fields.postalCode;
    if (!field || !this.#country) {
      return;
    }
    const needed = needsPostalCode(this.#country.value);
    field.input.closest('[data-cell]').hidden = !needed;
    const label = this.#country.value === 'US' ? 'ZIP code' : 'Postal code';
    this.#root.querySelector('[data-postal-label]').textContent = label;
    field.input.placeholder = this.#country.value === 'US' ? '12345' : label;
    if (!needed) {
      field.show(null);
    }
  }
}

function nameProblem(text) {
  return text === '' ? {code: 'incomplete_name', message: 'Please enter the name on your card.'} : null;
}
