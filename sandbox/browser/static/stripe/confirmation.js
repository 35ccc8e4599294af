// From "confirm" to an outcome: next actions are carried out, then the API is asked how it ended.

// What the API answered, as Stripe.js hands it over.
async function settle({controller, api, result}) {
  if (result.error) {
    return {error: result.error};
  }
  let intent = result.intent;
  if (intent.status === 'requires_action') {
    const action = await carryOut(intent);
    if (action === 'left the page') {
      return new Promise(() => {});
    }
    const again = await controller.call('retrieve', {...api, clientSecret: intent.client_secret});
    if (again.error) {
      return {error: again.error};
    }
    intent = again.intent;
  }
  return outcome(intent);
}

// A refusal carries the intent along, under the API's name for it.
function outcome(intent) {
  const refusal = intent.last_payment_error ?? intent.last_setup_error;
  if (intent.status === 'requires_payment_method' && refusal) {
    return {error: {...refusal, [intent.object]: intent}};
  }
  return named(intent);
}

// An intent of either kind, under the name Stripe.js answers with.
const named = (intent) => (intent.object === 'setup_intent' ? {setupIntent: intent} : {paymentIntent: intent});

async function carryOut(intent) {
  const action = intent.next_action;
  if (action.type === 'use_stripe_sdk') {
    await showChallenge(action.use_stripe_sdk.stripe_js);
    return 'done';
  }
  if (action.type === 'redirect_to_url') {
    window.location.assign(action.redirect_to_url.url);
    return 'left the page';
  }
  throw new IntegrationError(`The sandbox's Stripe.js cannot carry out a next action of type "${action.type}".`);
}

const REDIRECT_STATUS = {succeeded: 'succeeded', requires_capture: 'succeeded', processing: 'pending'};

// The return URL with the parameters Stripe adds, whatever parameters it has already.
function returnTo({returnUrl, intent}) {
  const url = new URL(returnUrl, window.location.href);
  url.searchParams.set(intent.object, intent.id);
  url.searchParams.set(`${intent.object}_client_secret`, intent.client_secret);
  url.searchParams.set('redirect_status', REDIRECT_STATUS[intent.status] ?? 'failed');
  window.location.assign(url);
  return new Promise(() => {});
}
