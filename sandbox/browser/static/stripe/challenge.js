// The card issuer's question ("is it you?") in a dialog over the shop's page.

// Opens the challenge at `url` and resolves when the customer has answered. What the frame says is no proof:
// the caller asks the API for the intent afterwards.
function showChallenge(url) {
  const target = new URL(url, SANDBOX_ORIGIN);
  if (target.origin !== SANDBOX_ORIGIN) {
    return Promise.reject(new IntegrationError(`The challenge must come from ${SANDBOX_ORIGIN}, not ${target.origin}.`));
  }
  target.hash = encodeURIComponent(window.location.origin);
  return new Promise((resolve) => {
    const {dialog, frame} = buildDialog(target);
    const answered = (message) => {
      const isOurs = message.source === frame.contentWindow && message.origin === SANDBOX_ORIGIN;
      if (isOurs && message.data?.sandbox === 'challenge') {
        window.removeEventListener('message', answered);
        dialog.close();
        dialog.remove();
        resolve();
      }
    };
    window.addEventListener('message', answered);
    document.body.append(dialog);
    // A modal <dialog> makes the rest of the page inert, and gives the focus back when it closes.
    dialog.showModal();
    frame.focus();
  });
}

function buildDialog(target) {
  const dialog = document.createElement('dialog');
  dialog.setAttribute('aria-label', 'Card authentication');
  Object.assign(dialog.style, {
    border: '0', padding: '0', margin: '0', background: 'transparent', overflow: 'hidden',
    inset: '0', width: '100%', height: '100%', maxWidth: 'none', maxHeight: 'none',
  });
  // Escape must not close the dialog behind the issuer's back: the frame has its own way to give up.
  dialog.addEventListener('cancel', (event) => event.preventDefault());
  const frame = document.createElement('iframe');
  frame.src = target.href;
  frame.title = '3D Secure authentication';
  Object.assign(frame.style, {border: '0', width: '100%', height: '100%', display: 'block', colorScheme: 'light'});
  dialog.append(frame);
  return {dialog, frame};
}
