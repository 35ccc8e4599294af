// Minus and plus beside a number field; the field itself stays the truth.

function clamp(value, input) {
  const low = input.min === "" ? -Infinity : Number(input.min);
  const high = input.max === "" ? Infinity : Number(input.max);
  return Math.min(high, Math.max(low, value));
}

function showLimits(box, input) {
  const value = Number(input.value || 0);
  for (const button of box.querySelectorAll("[data-step]")) {
    button.disabled = clamp(value + Number(button.dataset.step), input) === value;
  }
}

export function steppers(root) {
  for (const box of root.querySelectorAll("[data-stepper]")) {
    const input = box.querySelector("input");
    showLimits(box, input);
    input.addEventListener("input", () => showLimits(box, input));
    box.addEventListener("click", (event) => {
      const button = event.target.closest("[data-step]");
      if (!button) return;
      input.value = clamp(Number(input.value || 0) + Number(button.dataset.step), input);
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
}
