// The pages for Zelle and Venmo: copying, the countdown, one claim per click. Without it, the text can be selected.
import { countdown } from "./countdown.js";
import { guardSubmit } from "./submit_once.js";

const told = document.getElementById("copied");

async function copy(button) {
  const text = document.getElementById(button.dataset.copy).textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const range = document.createRange();
    range.selectNodeContents(document.getElementById(button.dataset.copy));
    window.getSelection().removeAllRanges();
    window.getSelection().addRange(range);
    told.textContent = "Selected: copy it with your keyboard.";
    return;
  }
  told.textContent = `${text} is copied.`;
  const words = button.firstChild;
  words.textContent = "Copied";
  button.classList.add("copy-done");
  setTimeout(() => {
    words.textContent = "Copy";
    button.classList.remove("copy-done");
  }, 2500);
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(button));
}
guardSubmit(document.getElementById("claim-form"));
countdown();
