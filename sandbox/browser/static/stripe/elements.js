// `stripe.elements(…)`: for one PaymentIntent or SetupIntent (by its client secret), or deferred (a mode and an amount
// now, the intent when the customer confirms).

class Elements {
  #settings;
  #payment = null;
  #submitted = false;

  constructor({stripe, options}) {
    if (options.clientSecret !== undefined) {
      requireClientSecret(options.clientSecret, 'elements(): clientSecret');
    } else {
      Elements.#checkDeferred(options);
    }
    this.#settings = {...options, ...stripe};
  }

  create(type, options = {}) {
    if (type !== 'payment') {
      throw new IntegrationError(`The sandbox has no Element of type "${type}": it knows "payment" only (see sandbox/README.md).`);
    }
    if (this.#payment && !this.#payment.isDestroyed) {
      throw new IntegrationError('Can only create one Element of type payment through the same Elements instance.');
    }
    this.#payment = new PaymentElement({options, settings: () => this.#settings});
    return this.#payment;
  }

  getElement(type) {
    return type === 'payment' && this.#payment && !this.#payment.isDestroyed ? this.#payment : null;
  }

  update(options = {}) {
    if (options.clientSecret !== undefined) {
      throw new IntegrationError('elements.update(): clientSecret cannot be changed. Create new Elements instead.');
    }
    this.#settings = {...this.#settings, ...options};
    this.#submitted = false;
    this.#payment?.refresh();
  }

  async fetchUpdates() {
    const result = await this.mountedPayment('elements.fetchUpdates()').ask('fetchUpdates', {});
    return result.error ? {error: result.error} : {};
  }

  // Validates, and marks the wrong fields. Deferred payments must pass here before the intent is made.
  async submit() {
    const result = await this.mountedPayment('elements.submit()').ask('submit', {});
    this.#submitted = !result.error;
    return result.error ? {error: result.error} : {selectedPaymentMethod: 'card'};
  }

  // --- for Stripe alone ---

  get clientSecret() {
    return this.#settings.clientSecret;
  }

  get isDeferred() {
    return this.#settings.clientSecret === undefined;
  }

  get isSubmitted() {
    return this.#submitted;
  }

  mountedPayment(caller) {
    if (!this.#payment?.isMounted) {
      throw new IntegrationError(`Invalid value for ${caller}: elements should have a mounted Payment Element.`);
    }
    return this.#payment;
  }

  static #checkDeferred(options) {
    if (!['payment', 'setup'].includes(options.mode)) {
      throw new IntegrationError('elements() needs either a clientSecret, or a mode of "payment" or "setup".');
    }
    if (options.mode === 'payment' && !(Number.isInteger(options.amount) && options.amount >= 0)) {
      throw new IntegrationError('elements(): amount must be a positive integer in the smallest currency unit.');
    }
    if (!/^[a-z]{3}$/.test(options.currency ?? '')) {
      throw new IntegrationError('elements(): currency must be a three-letter ISO code in lowercase.');
    }
  }
}
