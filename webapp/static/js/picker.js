// The calendar without a reload: follows the picker's own links in place and guesses the visitor's time zone.
// Every address it uses is one that works in the address bar, too.

const HEADERS = { "X-Fragment": "picker" };
let latest = 0;

const picker = () => document.getElementById("picker");

async function show(address, { focus = null, record = "push" } = {}) {
  const turn = ++latest;
  picker().setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { headers: HEADERS, cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const html = await answer.text();
    if (turn !== latest) return; // somebody was quicker than the network
    replace(html);
    if (record === "push") history.pushState({ picker: true }, "", address);
    if (record === "replace") history.replaceState({ picker: true }, "", address);
    focusOn(focus);
    announce();
  } catch {
    window.location.assign(address); // let the browser try, and say what is wrong
  }
}

function replace(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  picker().replaceWith(template.content.querySelector("#picker"));
  prepare();
}

function focusOn(id) {
  if (!id) return;
  const target = document.getElementById(id) ?? document.getElementById("times");
  target.focus({ preventScroll: target.id !== "times" });
}

// Screen readers hear of a change in a region that stays where it is.
function announce() {
  const told = [...document.querySelectorAll("#times, .picker__count")].map((element) => element.textContent.trim());
  document.getElementById("picker-status").textContent = told.join(". ");
}

// On a phone the times lie below the calendar: a chosen day brings them into view.
function revealTimes() {
  const times = document.querySelector(".picker__times");
  if (times.getBoundingClientRect().top > window.innerHeight * 0.85) times.scrollIntoView({ block: "nearest" });
}

async function follow(link) {
  await show(link.href, { focus: link.id });
  if (link.classList.contains("day")) revealTimes();
}

// Arrow keys go to the next day with free times; every day can be reached with Tab as well.
const forwards = document.documentElement.dir === "rtl" ? -1 : 1;
const STEPS = { ArrowLeft: -forwards, ArrowRight: forwards, ArrowUp: -7, ArrowDown: 7 };

function step(event) {
  const day = event.target.closest(".day--free");
  if (!day || !(event.key in STEPS)) return;
  event.preventDefault();
  const days = [...picker().querySelectorAll(".day--free")];
  const date = (link) => Date.parse(link.id.slice(4)) / 86400000;
  const wanted = date(day) + STEPS[event.key];
  const ahead = STEPS[event.key] > 0;
  const next = ahead ? days.find((link) => date(link) >= wanted) : days.findLast((link) => date(link) <= wanted);
  if (next) next.focus();
  else document.getElementById(ahead ? "later" : "earlier")?.focus();
}

function addressOf(form) {
  return `${form.action}?${new URLSearchParams(new FormData(form))}`;
}

function guessZone() {
  const guess = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!picker().dataset.guess || !guess || guess === picker().dataset.zone) return;
  const address = new URL(window.location.href);
  address.searchParams.set("timezone", guess);
  show(address.href, { record: "replace" });
}

function prepare() {
  picker().classList.add("scripted");
  picker().dispatchEvent(new Event("almanac:placed", { bubbles: true }));
}

const plainClick = (event) => event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || !plainClick(event)) return;
  event.preventDefault();
  follow(link);
});
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-swap-form]");
  if (form) show(addressOf(form), { focus: document.activeElement?.id });
});
document.addEventListener("keydown", step);
window.addEventListener("popstate", () => show(window.location.href, { record: "none" }));
// A page that the browser kept for its back button may offer times that are gone.
window.addEventListener("pageshow", (event) => event.persisted && show(window.location.href, { record: "none" }));

prepare();
guessZone();
