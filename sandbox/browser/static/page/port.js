// A frame's side of the conversation with the shop's page (the other side: stripe/frames.js).

// Says hello to the page that embeds this frame, and answers its calls by `methods`. The origin to talk to
// comes in the URL's fragment; a message from any other window or origin is not heard.
export function listen(methods) {
  const hostOrigin = decodeURIComponent(window.location.hash.slice(1));
  const early = [];
  let port = null;

  window.addEventListener('message', (message) => {
    const fromHost = message.source === window.parent && message.origin === hostOrigin;
    if (!fromHost || message.data?.sandbox !== 'connect' || port) {
      return;
    }
    [port] = message.ports;
    port.onmessage = async ({data}) => {
      const result = await methods[data.method](data.params);
      port.postMessage({id: data.id, result: result ?? {}});
    };
    early.splice(0).forEach((waiting) => port.postMessage(waiting));
  });
  window.parent.postMessage({sandbox: 'hello'}, hostOrigin);

  return {
    emit(event, payload = {}) {
      const message = {event, payload};
      if (port) {
        port.postMessage(message);
      } else {
        early.push(message);
      }
    },
  };
}
