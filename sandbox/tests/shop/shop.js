// A shop's page as a product would write it. What to do comes in the query: secret, key, and JSON in `with`.
const query = new URLSearchParams(window.location.search);
const chosen = {elements: {}, element: {}, confirm: {}, redirect: 'if_required', ...JSON.parse(query.get('with') ?? '{}')};
const message = document.getElementById('message');
const outcome = document.getElementById('outcome');
const form = document.getElementById('shop');
window.events = [];
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));

const stripe = Stripe(query.get('key'));
const elements = stripe.elements(
  chosen.deferred ? {...chosen.deferred, ...chosen.elements} : {clientSecret: query.get('secret'), ...chosen.elements},
);
const payment = elements.create('payment', chosen.element);
['loaderstart', 'ready', 'change', 'focus', 'blur', 'loaderror'].forEach((name) => {
  payment.on(name, (event) => {
    window.events.push({name, ...event});
    form.dataset[name] = 'true'; // so that a test can wait for it: under this CSP it cannot poll by eval
  });
});
if (!chosen.unmounted) {
  payment.mount('#payment-element');
  window.heights = [];
  const frame = document.querySelector('#payment-element iframe');
  new ResizeObserver(() => window.heights.push(frame.offsetHeight)).observe(frame);
}
Object.assign(window, {stripe, elements, payment});

// Deliberately without a guard against a second click: the sandbox has to cope as Stripe does.
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  message.textContent = '';
  const submitted = await elements.submit();
  const confirm = chosen.saves ? 'confirmSetup' : 'confirmPayment';
  const result = submitted.error ? submitted : await stripe[confirm]({
    elements,
    ...(chosen.deferred ? {clientSecret: query.get('secret')} : {}),
    confirmParams: {return_url: `${window.location.origin}/return?booking=7`, ...chosen.confirm},
    redirect: chosen.redirect,
  });
  window.results = [...(window.results ?? []), result];
  form.dataset.results = window.results.length;
  if (result.error) {
    message.textContent = result.error.message;
  } else {
    outcome.textContent = (result.paymentIntent ?? result.setupIntent).status;
  }
});
