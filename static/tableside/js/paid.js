// After the return from Stripe: ask our own server how the payment stands. Nothing is decided here.

const box = document.getElementById("confirming");
const words = document.getElementById("confirming-words");
const started = Date.now();

// Stripe adds the intent's secret to the address: it is of no use here, and none in the history.
const payment = new URLSearchParams(window.location.search).get("payment");
history.replaceState(null, "", `${window.location.pathname}?payment=${payment}`);

async function ask() {
  try {
    const answer = await fetch(box.dataset.status, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.ok) {
      const status = await answer.json();
      if (status.next) {
        window.location.replace(status.next);
        return;
      }
      if (status.words) words.textContent = status.words;
    }
  } catch {
    // Offline for a moment: the next round asks again.
  }
  const waited = Date.now() - started;
  if (waited > 30_000) words.textContent = "It takes longer than usual. The payment is not lost: please do not pay again.";
  setTimeout(ask, waited < 10_000 ? 700 : 3_000);
}

ask();
