// What is left of a hold, beside the time of day that the page says in words anyway; hours and days need no clock.
const LONGEST_SECONDS = 2 * 60 * 60;

function words(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `, ${minutes}:${String(seconds % 60).padStart(2, "0")} left`;
}

export function countdown(onOver = () => {}) {
  for (const place of document.querySelectorAll("[data-countdown]")) {
    const end = Date.parse(place.dataset.countdown);
    const tick = () => {
      const left = Math.round((end - Date.now()) / 1000);
      place.hidden = left > LONGEST_SECONDS;
      if (left > 0) {
        place.textContent = words(left);
        return;
      }
      clearInterval(timer);
      place.classList.remove("nowrap");
      place.textContent = `. ${place.dataset.over}`;
      onOver();
    };
    const timer = setInterval(tick, 1000);
    tick();
  }
}
