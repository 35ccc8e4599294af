// How much to pay: choosing shows that amount at once.
const form = document.getElementById("amounts");

form?.addEventListener("change", () => form.submit());
