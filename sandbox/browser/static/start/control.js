// The control API under /_sandbox/: answers are JSON; a refusal is thrown as an Error with its sentence.

export async function get(path, query = {}) {
  return answered(await fetch(`/_sandbox/${path}?${new URLSearchParams(query)}`));
}

export async function post(path, sent = {}) {
  return answered(
    await fetch(`/_sandbox/${path}`, {
      method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(sent),
    }),
  );
}

export async function remove(path) {
  return answered(await fetch(`/_sandbox/${path}`, {method: 'DELETE'}));
}

async function answered(answer) {
  const body = await answer.json();
  if (!answer.ok) {
    throw new Error(body.error?.message ?? `The sandbox answered ${answer.status}.`);
  }
  return body;
}
