// Calls to the Stripe-like API with a publishable key, as Stripe.js makes them.

const UNREACHABLE = {
  type: 'api_connection_error',
  message:
    'We are experiencing issues connecting to our payments provider. You have not been charged. Please check your ' +
    'internet connection and try again. If the problem persists please contact us.',
};

// {a: {b: 1}} -> a[b]=1, the form encoding of Stripe's API. null and undefined are left out.
export function formEncode(params) {
  const pairs = new URLSearchParams();
  const add = (name, value) => {
    if (value === null || value === undefined) {
      return;
    }
    if (typeof value === 'object') {
      Object.entries(value).forEach(([key, inner]) => add(`${name}[${key}]`, inner));
      return;
    }
    pairs.append(name, String(value));
  };
  Object.entries(params).forEach(([key, value]) => add(key, value));
  return pairs;
}

async function call({key, account, method, path, params}) {
  const body = formEncode(params);
  const headers = {Authorization: `Bearer ${key}`};
  if (account) {
    headers['Stripe-Account'] = account;
  }
  const query = method === 'GET' ? `?${body}` : '';
  try {
    const answer = await fetch(path + query, {method, headers, body: method === 'GET' ? undefined : body});
    return await answer.json();
  } catch {
    // No answer, or one that is no JSON: from here the two are the same trouble.
    return {error: {...UNREACHABLE}};
  }
}

// `pi_123_secret_abc` names the intent it belongs to.
const intentId = (clientSecret) => clientSecret.split('_secret_')[0];

const intentPath = (clientSecret) => {
  const id = intentId(clientSecret);
  return `/v1/${id.startsWith('seti_') ? 'setup_intents' : 'payment_intents'}/${encodeURIComponent(id)}`;
};

const asIntent = (answer) => (answer.error ? {error: answer.error} : {intent: answer});

export async function retrieveIntent({key, account, clientSecret}) {
  const path = intentPath(clientSecret);
  return asIntent(await call({key, account, method: 'GET', path, params: {client_secret: clientSecret}}));
}

export async function confirmIntent({key, account, clientSecret, params}) {
  const path = `${intentPath(clientSecret)}/confirm`;
  const sent = {...params, use_stripe_sdk: true, client_secret: clientSecret};
  return asIntent(await call({key, account, method: 'POST', path, params: sent}));
}

export async function createPaymentMethod({key, account, params}) {
  const answer = await call({key, account, method: 'POST', path: '/v1/payment_methods', params});
  return answer.error ? {error: answer.error} : {paymentMethod: answer};
}
