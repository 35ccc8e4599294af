// Frames of the sandbox's origin, and how this page talks to them.
//
// The page and a frame say hello by postMessage, each checking the other's window and origin; from then on
// they use a private MessagePort. Card numbers stay behind that port: only results come back through it.

const SANDBOX_ORIGIN = new URL(document.currentScript.src).origin;

class SandboxFrame {
  #iframe;
  #port = null;
  #waiting = [];
  #answers = new Map();
  #lastId = 0;
  #onEvent;
  #hello;

  constructor({path, title, onEvent = () => {}}) {
    this.#onEvent = onEvent;
    this.#iframe = document.createElement('iframe');
    this.#iframe.src = `${SANDBOX_ORIGIN}${path}#${encodeURIComponent(window.location.origin)}`;
    this.#iframe.title = title;
    this.#hello = (message) => this.#connect(message);
    window.addEventListener('message', this.#hello);
  }

  get element() {
    return this.#iframe;
  }

  // Asks the frame to do something; what it answers is the promise's value. Calls made early wait.
  call(method, params) {
    return new Promise((resolve) => {
      this.#lastId += 1;
      this.#answers.set(this.#lastId, resolve);
      const message = {id: this.#lastId, method, params};
      if (this.#port) {
        this.#port.postMessage(message);
      } else {
        this.#waiting.push(message);
      }
    });
  }

  destroy() {
    window.removeEventListener('message', this.#hello);
    this.#port?.close();
    this.#iframe.remove();
  }

  #connect(message) {
    const isOurs = message.source === this.#iframe.contentWindow && message.origin === SANDBOX_ORIGIN;
    if (!isOurs || message.data?.sandbox !== 'hello') {
      return;
    }
    const channel = new MessageChannel();
    this.#port = channel.port1;
    this.#port.onmessage = ({data}) => this.#receive(data);
    this.#iframe.contentWindow.postMessage({sandbox: 'connect'}, SANDBOX_ORIGIN, [channel.port2]);
    this.#waiting.splice(0).forEach((waiting) => this.#port.postMessage(waiting));
  }

  #receive(data) {
    if ('event' in data) {
      this.#onEvent(data.event, data.payload);
      return;
    }
    const resolve = this.#answers.get(data.id);
    this.#answers.delete(data.id);
    resolve?.(data.result);
  }
}

// One invisible frame per page makes the calls that need no card field, so that the shop's page itself
// sends nothing to the API (Stripe.js has such a controller frame, too).
class Controller {
  #frame = null;

  call(method, params) {
    if (!this.#frame) {
      this.#frame = new SandboxFrame({path: '/js/controller', title: 'Payment controller'});
      Object.assign(this.#frame.element.style, {display: 'none'});
      this.#frame.element.setAttribute('aria-hidden', 'true');
      document.body.append(this.#frame.element);
    }
    return this.#frame.call(method, params);
  }
}
