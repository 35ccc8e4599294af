// 3-D Secure over the Checkout page: the same challenge page as in a shop, in a dialog.

export function authenticate(url) {
  const target = new URL(url, window.location.href);
  // Checkout asks the session how it ended, so the challenge must not lead anywhere by itself.
  target.searchParams.delete('return_url');
  target.hash = encodeURIComponent(window.location.origin);
  return new Promise((resolve) => {
    const dialog = document.createElement('dialog');
    dialog.setAttribute('aria-label', 'Card authentication');
    dialog.className = 'challenge';
    dialog.addEventListener('cancel', (event) => event.preventDefault());
    const frame = document.createElement('iframe');
    frame.title = '3D Secure authentication';
    frame.src = target.pathname + target.search + target.hash;
    dialog.append(frame);
    const answered = (message) => {
      const isChallenge = message.source === frame.contentWindow && message.origin === window.location.origin;
      if (isChallenge && message.data?.sandbox === 'challenge') {
        window.removeEventListener('message', answered);
        dialog.close();
        dialog.remove();
        resolve();
      }
    };
    window.addEventListener('message', answered);
    document.body.append(dialog);
    dialog.showModal();
    frame.focus();
  });
}
