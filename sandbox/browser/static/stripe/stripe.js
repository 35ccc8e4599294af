// `Stripe(publishableKey, options)`: the object a shop's page works with.

class StripeClient {
  #api;
  #locale;
  #controller = new Controller();

  constructor(publishableKey, options = {}) {
    StripeClient.#checkKey(publishableKey);
    this.#api = {key: publishableKey, account: options.stripeAccount ?? null};
    this.#locale = options.locale ?? 'auto';
  }

  elements(options = {}) {
    requireObject(options, 'elements()');
    return new Elements({stripe: {...this.#api, locale: options.locale ?? this.#locale}, options});
  }

  // With `elements`, or for a card on file: `{clientSecret, confirmParams: {payment_method: 'pm_…'}}`.
  confirmPayment(options) {
    return this.#confirmOnPage({caller: 'stripe.confirmPayment()', kind: 'pi', options});
  }

  // The same for a SetupIntent: the card is checked and kept, nothing is charged.
  confirmSetup(options) {
    return this.#confirmOnPage({caller: 'stripe.confirmSetup()', kind: 'seti', options});
  }

  // For a card on file: `{payment_method: 'pm_…'}`. New cards are confirmed with the Payment Element.
  confirmCardPayment(clientSecret, data = {}, options = {}) {
    return this.#confirmSaved({caller: 'stripe.confirmCardPayment()', kind: 'pi', clientSecret, data, options});
  }

  confirmCardSetup(clientSecret, data = {}, options = {}) {
    return this.#confirmSaved({caller: 'stripe.confirmCardSetup()', kind: 'seti', clientSecret, data, options});
  }

  async handleNextAction(options) {
    requireObject(options, 'stripe.handleNextAction()');
    requireClientSecret(options.clientSecret, 'stripe.handleNextAction(): clientSecret');
    const result = await this.#controller.call('retrieve', {...this.#api, clientSecret: options.clientSecret});
    if (result.intent && result.intent.status !== 'requires_action') {
      const noun = result.intent.object === 'setup_intent' ? 'SetupIntent' : 'PaymentIntent';
      throw new IntegrationError(`handleNextAction: The ${noun} supplied is not in the requires_action state.`);
    }
    return settle({controller: this.#controller, api: this.#api, result});
  }

  retrievePaymentIntent(clientSecret) {
    return this.#retrieve({caller: 'stripe.retrievePaymentIntent()', kind: 'pi', clientSecret});
  }

  retrieveSetupIntent(clientSecret) {
    return this.#retrieve({caller: 'stripe.retrieveSetupIntent()', kind: 'seti', clientSecret});
  }

  async createPaymentMethod(options) {
    requireObject(options, 'stripe.createPaymentMethod()');
    if (!options.elements) {
      throw new IntegrationError('stripe.createPaymentMethod(): card details can only come from `elements`.');
    }
    const payment = options.elements.mountedPayment('stripe.createPaymentMethod()');
    const result = await payment.ask('createPaymentMethod', {params: options.params ?? {}});
    return result.error ? {error: result.error} : {paymentMethod: result.paymentMethod};
  }

  async #confirmOnPage({caller, kind, options}) {
    requireObject(options, caller);
    const {elements, confirmParams = {}, redirect = 'always'} = options;
    if (redirect === 'always' && !confirmParams.return_url) {
      throw new IntegrationError(`${caller}: the \`confirmParams.return_url\` argument is required when \`redirect\` is "always".`);
    }
    const clientSecret = options.clientSecret ?? elements?.clientSecret;
    requireClientSecret(clientSecret, `${caller}: clientSecret`, kind);
    const result = await this.#confirm({caller, elements, clientSecret, confirmParams});
    const settled = await settle({controller: this.#controller, api: this.#api, result});
    if (settled.error || redirect === 'if_required') {
      return settled;
    }
    return returnTo({returnUrl: confirmParams.return_url, intent: settled.paymentIntent ?? settled.setupIntent});
  }

  async #confirmSaved({caller, kind, clientSecret, data, options: {handleActions = true}}) {
    requireClientSecret(clientSecret, `${caller}: clientSecret`, kind);
    if (data.payment_method !== undefined && typeof data.payment_method !== 'string') {
      throw new IntegrationError(
        `${caller}: the sandbox takes payment_method as an id; a new card comes from a Payment Element (confirmPayment(), confirmSetup()).`,
      );
    }
    const result = await this.#confirm({caller, clientSecret, confirmParams: data});
    if (result.error || !handleActions) {
      return result.error ? {error: result.error} : named(result.intent);
    }
    return settle({controller: this.#controller, api: this.#api, result});
  }

  async #retrieve({caller, kind, clientSecret}) {
    requireClientSecret(clientSecret, caller, kind);
    const result = await this.#controller.call('retrieve', {...this.#api, clientSecret});
    return result.error ? {error: result.error} : named(result.intent);
  }

  #confirm({caller, elements, clientSecret, confirmParams}) {
    const params = {...this.#api, clientSecret, confirmParams};
    if (!elements) {
      return this.#controller.call('confirm', params);
    }
    if (elements.isDeferred && !elements.isSubmitted) {
      throw new IntegrationError(`You must call elements.submit() before ${caller}.`);
    }
    return elements.mountedPayment(caller).confirm({caller, ...params});
  }

  static #checkKey(key) {
    if (typeof key !== 'string' || key === '') {
      throw new IntegrationError('Please call Stripe() with your publishable key. You used an empty string.');
    }
    if (/^[sr]k_/.test(key)) {
      throw new IntegrationError('You should not use your secret key with Stripe.js. Please pass a publishable key instead.');
    }
  }
}

// Callable with and without `new`, as the real one.
window.Stripe = function Stripe(publishableKey, options) {
  return new StripeClient(publishableKey, options);
};
window.Stripe.version = 'dahlia';
window.Stripe.sandbox = SANDBOX_ORIGIN;
