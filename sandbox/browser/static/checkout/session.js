// The Checkout session as the page needs it, and the calls about it.

const sessionId = decodeURIComponent(window.location.pathname.split('/').pop());
const base = `/_sandbox/checkout/${encodeURIComponent(sessionId)}`;

// What a page shows of a session; null when there is no such session.
export async function load() {
  const answer = await fetch(base);
  if (answer.status === 404) {
    return null;
  }
  if (!answer.ok) {
    throw new Error(`The session could not be read: ${answer.status}`);
  }
  const {session, line_items: lines, account} = await answer.json();
  return {
    status: session.status,
    merchant: account?.display_name || 'the shop',
    currency: session.currency,
    total: session.amount_total,
    subtotal: session.amount_subtotal,
    tax: session.total_details?.amount_tax ?? 0,
    discount: session.total_details?.amount_discount ?? 0,
    email: session.customer_email ?? session.customer_details?.email ?? null,
    cancelUrl: safeUrl(session.cancel_url),
    successUrl: safeUrl(session.success_url?.replace('{CHECKOUT_SESSION_ID}', session.id)),
    submitType: session.submit_type ?? 'pay',
    message: session.custom_text?.submit?.message ?? '',
    lines: (lines?.data ?? lines ?? []).map(readLine),
  };
}

function readLine(line) {
  return {
    name: line.description ?? line.price?.product?.name ?? 'Item',
    more: line.price?.product?.description ?? '',
    quantity: line.quantity ?? 1,
    unit: line.price?.unit_amount ?? null,
    amount: line.amount_subtotal ?? line.amount_total,
  };
}

// These addresses come from whoever made the session: only web pages are gone to.
function safeUrl(url) {
  return /^https?:\/\//i.test(url ?? '') ? url : null;
}

// Both answer {status: complete|requires_action|declined|expired, redirect?, next_action?, error?}; `unreachable` is
// ours, for no usable answer: the payment may have been made all the same.
export const pay = (paymentMethodData) => post('pay', {payment_method_data: paymentMethodData});
export const afterAuthentication = () => post('after_3ds', {});

async function post(action, body) {
  try {
    const answer = await fetch(`${base}/${action}`, {
      method: 'POST',
      headers: {'Content-Type': 'application/json'},
      body: JSON.stringify(body),
    });
    const result = await answer.json();
    return result.status ? result : {status: answer.status >= 500 ? 'unreachable' : 'declined', error: result.error};
  } catch {
    return {status: 'unreachable'};
  }
}
