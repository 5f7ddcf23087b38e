// Keeps the chosen time for the guest who fills in the form, says for how long, and lets it go when they leave.
// Without it the form books all the same: nothing is kept then until it is sent.

const box = document.querySelector("[data-hold]");
const form = document.querySelector("input[name='hold']")?.form;
const SOON = 60; // seconds before the end, when it is said aloud and more time can be asked for

let endsAt = 0;
let ticking = 0;
let sending = false;

function about(...names) {
  const data = new FormData();
  for (const name of ["csrf_token", "hold", ...names]) {
    const field = form.elements.namedItem(name);
    if (field) data.append(name, field.value);
  }
  return data;
}

async function take() {
  let answer;
  try {
    answer = await fetch(box.dataset.take, { method: "POST", body: about("start", "duration") });
  } catch {
    return; // no network: the form says so itself when it is sent
  }
  // Somebody was quicker, so the page has other times to offer. What was typed already is not thrown away for that.
  if (answer.status === 409 && "fresh" in box.dataset && !typed()) window.location.reload();
  if (!answer.ok) return;
  const { seconds } = await answer.json();
  endsAt = performance.now() + seconds * 1000;
  box.hidden = false;
  say("");
  clearInterval(ticking);
  ticking = setInterval(tick, 500);
  tick();
}

function typed() {
  return [...form.elements].some((field) => field.type !== "hidden" && field.value !== (field.defaultValue ?? ""));
}

function tick() {
  const left = Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
  const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  const over = left === 0;
  part(".hold__time").textContent = time;
  part("[data-kept]").hidden = over;
  part("[data-over]").hidden = !over;
  part("button").hidden = left > SOON;
  if (over) clearInterval(ticking);
  if (over) say(part("[data-over]").textContent);
  else if (left <= SOON) say(box.dataset.ending);
}

// Heard by screen readers when the words change: once near the end, and once at it.
function say(words) {
  const status = part("[role=status]");
  if (status.textContent !== words) status.textContent = words;
}

const part = (selector) => box.querySelector(selector);

function leave() {
  if (!sending) navigator.sendBeacon(box.dataset.leave, about());
  clearInterval(ticking);
}

if (box && form) {
  form.addEventListener("submit", () => (sending = true));
  part("button").addEventListener("click", take);
  window.addEventListener("pagehide", leave);
  // Back from the browser's memory: what was kept has been let go.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) sending = false;
    if (event.persisted) take();
  });
  take();
}
