// `elements.create('payment')`: an iframe in the shop's page, and the events that come out of it.

// About how wide the words about keeping the card are, in their own font size; and that size.
const TERMS_EM = 62;
const SMALL = 0.875;

// Height of the card form before it is there, so that nothing moves when it appears. The same arithmetic,
// from the same variables, as in element.css. `termsWidth` is the width in pixels of the words about keeping the card, 0
// without them.
function estimatedHeight({appearance, options, termsWidth}) {
  const variables = appearance?.variables ?? {};
  const font = pixels(variables.fontSizeBase, 16);
  const unit = pixels(variables.spacingUnit, 4);
  const rows = asksForAddress(options) ? 3 : 2;
  const field = 2.5 * font + 7 * unit;
  const terms = termsWidth ? Math.ceil((TERMS_EM * SMALL * font) / termsWidth) * 1.25 * font + 3 * unit : 0;
  return Math.ceil(rows * field + rows * 6.5 * unit + 1.25 * font + terms + 8);
}

function pixels(value, fallback) {
  const number = Number.parseFloat(value);
  if (Number.isNaN(number)) {
    return fallback;
  }
  return String(value).endsWith('rem') ? number * 16 : number;
}

function asksForAddress(options) {
  const fields = options?.fields?.billingDetails;
  const address = fields?.address;
  const isNever = address?.country === 'never' && address?.postalCode === 'never';
  return !(fields === 'never' || address === 'never' || isNever);
}

// Whether the card will be kept, as far as that is known before the intent: then the form says so.
function savesCard({mode, clientSecret, setupFutureUsage, options}) {
  const isSetup = mode === 'setup' || clientSecret?.startsWith('seti_') || Boolean(setupFutureUsage);
  return isSetup && options?.terms?.card !== 'never';
}

// What the shop told the form not to ask for, it must say itself when it confirms (Stripe insists, too).
function missingDetail({options, confirmParams}) {
  const fields = options?.fields?.billingDetails ?? {};
  const details = confirmParams.payment_method_data?.billing_details ?? {};
  const never = ['name', 'email', 'phone'].filter((name) => fields === 'never' || fields[name] === 'never');
  const missing = never.find((name) => details[name] === undefined);
  if (missing) {
    return missing;
  }
  const parts = asksForAddress(options) ? [] : ['country', 'postal_code'];
  const part = parts.find((name) => details.address?.[name] === undefined);
  return part ? `address.${part}` : null;
}

class PaymentElement {
  #frame = null;
  #listeners = new Map();
  #options;
  #settings;
  #destroyed = false;

  // `settings()` gives what the surrounding Elements object knows: key, client secret, appearance, fonts, …
  constructor({options, settings}) {
    this.#options = options;
    this.#settings = settings;
  }

  mount(place) {
    this.#refuseIfDestroyed('mount');
    const container = typeof place === 'string' ? document.querySelector(place) : place;
    if (!(container instanceof HTMLElement)) {
      throw new IntegrationError(
        `The selector you specified (${String(place)}) applies to no DOM elements that are currently on the page. ` +
        'Make sure the element exists on the page before calling mount().',
      );
    }
    if (this.#frame?.element.parentElement === container) {
      return;
    }
    this.unmount();
    this.#frame = new SandboxFrame({
      path: '/js/payment-element',
      title: 'Secure payment input frame',
      onEvent: (name, payload) => this.#receive(name, payload),
    });
    this.#placeIn(container);
    this.#emit('loaderstart', {elementType: 'payment'});
    this.#frame.call('init', this.#everything());
  }

  unmount() {
    this.#refuseIfDestroyed('unmount');
    this.#frame?.destroy();
    this.#frame = null;
  }

  destroy() {
    this.unmount();
    this.#destroyed = true;
    this.#listeners.clear();
  }

  update(options) {
    this.#refuseIfDestroyed('update');
    this.#options = {...this.#options, ...options};
    this.refresh();
  }

  collapse() {
    this.#refuseIfDestroyed('collapse');
    this.#frame?.call('collapse', {});
  }

  on(name, handler) {
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), handler]);
    return this;
  }

  once(name, handler) {
    const onlyOnce = (event) => {
      this.off(name, onlyOnce);
      handler(event);
    };
    return this.on(name, onlyOnce);
  }

  off(name, handler) {
    const others = (this.#listeners.get(name) ?? []).filter((known) => handler && known !== handler);
    this.#listeners.set(name, others);
    return this;
  }

  // --- for Elements and Stripe alone (Stripe.js documents nothing below) ---

  get isMounted() {
    return Boolean(this.#frame?.element.isConnected);
  }

  get isDestroyed() {
    return this.#destroyed;
  }

  refresh() {
    return this.#frame?.call('update', this.#everything());
  }

  ask(method, params) {
    return this.#frame.call(method, params);
  }

  confirm({caller, ...params}) {
    const missing = missingDetail({options: this.#options, confirmParams: params.confirmParams});
    if (missing) {
      throw new IntegrationError(
        `You specified "never" for fields.billing_details.${missing} when creating the payment Element, but did not ` +
        `pass confirmParams.payment_method_data.billing_details.${missing} when calling ${caller}.`,
      );
    }
    return this.ask('confirm', params);
  }

  #everything() {
    const everything = {...this.#settings(), options: this.#options, asksForAddress: asksForAddress(this.#options)};
    return {...everything, savesCard: savesCard(everything)};
  }

  #placeIn(container) {
    container.replaceChildren();
    container.classList.add('StripeElement');
    const termsWidth = savesCard({...this.#settings(), options: this.#options}) ? container.clientWidth : 0;
    const height = estimatedHeight({appearance: this.#settings().appearance, options: this.#options, termsWidth});
    // Set by CSSOM, never by a style attribute in HTML: a strict style-src allows only the former. The frame is
    // 4px larger on all sides, so that it does not cut the focus rings off.
    Object.assign(this.#frame.element.style, {
      border: '0', display: 'block', margin: '-4px', width: 'calc(100% + 8px)', maxWidth: 'none',
      height: `${height}px`, colorScheme: 'light', background: 'transparent',
    });
    this.#frame.element.setAttribute('allow', 'payment *');
    container.append(this.#frame.element);
  }

  #receive(name, payload) {
    if (name === 'height') {
      this.#frame.element.style.height = `${payload}px`;
    } else if (name === 'enter') {
      // Return in a card field does what Return in any other field of the shop's form does.
      this.#frame.element.closest('form')?.requestSubmit();
    } else {
      this.#emit(name, {elementType: 'payment', ...payload});
    }
  }

  #emit(name, event) {
    (this.#listeners.get(name) ?? []).forEach((handler) => handler(event));
  }

  #refuseIfDestroyed(method) {
    if (this.#destroyed) {
      throw new IntegrationError(`This Element has already been destroyed. Please create a new one before calling ${method}().`);
    }
  }
}
