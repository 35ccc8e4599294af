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

  async confirmPayment(options) {
    requireObject(options, 'stripe.confirmPayment()');
    const {elements, confirmParams = {}, redirect = 'always'} = options;
    if (redirect === 'always' && !confirmParams.return_url) {
      throw new IntegrationError(
        'stripe.confirmPayment(): the `confirmParams.return_url` argument is required when `redirect` is "always".',
      );
    }
    const clientSecret = options.clientSecret ?? elements?.clientSecret;
    requireClientSecret(clientSecret, 'stripe.confirmPayment(): clientSecret');
    const result = await this.#confirm({elements, clientSecret, confirmParams});
    const settled = await settle({controller: this.#controller, api: this.#api, result});
    if (settled.error || redirect === 'if_required') {
      return settled;
    }
    return returnTo({returnUrl: confirmParams.return_url, intent: settled.paymentIntent});
  }

  // For a card on file: `{payment_method: 'pm_…'}`. New cards are confirmed with the Payment Element.
  async confirmCardPayment(clientSecret, data = {}, {handleActions = true} = {}) {
    requireClientSecret(clientSecret, 'stripe.confirmCardPayment(): clientSecret');
    if (data.payment_method !== undefined && typeof data.payment_method !== 'string') {
      throw new IntegrationError(
        'stripe.confirmCardPayment(): the sandbox takes payment_method as an id; use confirmPayment() with a Payment Element.',
      );
    }
    const result = await this.#confirm({clientSecret, confirmParams: data});
    if (result.error || !handleActions) {
      return result.error ? {error: result.error} : {paymentIntent: result.intent};
    }
    return settle({controller: this.#controller, api: this.#api, result});
  }

  async handleNextAction(options) {
    requireObject(options, 'stripe.handleNextAction()');
    requireClientSecret(options.clientSecret, 'stripe.handleNextAction(): clientSecret');
    const result = await this.#controller.call('retrieve', {...this.#api, clientSecret: options.clientSecret});
    return settle({controller: this.#controller, api: this.#api, result});
  }

  async retrievePaymentIntent(clientSecret) {
    requireClientSecret(clientSecret, 'stripe.retrievePaymentIntent()');
    const result = await this.#controller.call('retrieve', {...this.#api, clientSecret});
    return result.error ? {error: result.error} : {paymentIntent: result.intent};
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

  #confirm({elements, clientSecret, confirmParams}) {
    const params = {...this.#api, clientSecret, confirmParams};
    if (!elements) {
      return this.#controller.call('confirm', params);
    }
    if (elements.isDeferred && !elements.isSubmitted) {
      throw new IntegrationError('You must call elements.submit() before stripe.confirmPayment().');
    }
    return elements.mountedPayment('stripe.confirmPayment()').confirm(params);
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
