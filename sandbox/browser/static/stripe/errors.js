// How Stripe.js speaks of trouble: a programmer's mistake throws an IntegrationError, everything that can
// happen to a customer is returned as {error}.

class IntegrationError extends Error {
  constructor(message) {
    super(message);
    this.name = 'IntegrationError';
  }
}

function requireObject(value, what) {
  if (value === null || typeof value !== 'object') {
    throw new IntegrationError(`Invalid value for ${what}: value should be an object. You specified: ${String(value)}.`);
  }
}

// `kind` narrows it down to payment intents ("pi") or setup intents ("seti").
function requireClientSecret(value, what, kind = 'pi|seti') {
  if (typeof value !== 'string' || !new RegExp(`^(${kind})_[A-Za-z0-9]+_secret_[A-Za-z0-9]+$`).test(value)) {
    throw new IntegrationError(
      `Invalid value for ${what}: value should be a client secret of the form \${id}_secret_\${secret}` +
      `${kind === 'seti' ? ' of a SetupIntent' : kind === 'pi' ? ' of a PaymentIntent' : ''}. ` +
      `You specified: ${String(value)}.`,
    );
  }
}
