// The calendar by keyboard, the picker of hosts without its button, whole names for the pointer, and a line that moves
// with the time.

document.documentElement.classList.add("scripted");

const rightToLeft = document.documentElement.dir === "rtl";
const KEYS = {
  ArrowLeft: rightToLeft ? "later" : "earlier",
  ArrowRight: rightToLeft ? "earlier" : "later",
  t: "today",
  d: "view-day",
  w: "view-week",
  m: "view-month",
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  const link = document.getElementById(KEYS[event.key] ?? KEYS[event.key.toLowerCase()]);
  if (!link) return;
  event.preventDefault();
  link.click();
});

document.querySelector("[data-submits]")?.addEventListener("change", (event) => event.target.form.requestSubmit());

document.addEventListener("pointerover", (event) => {
  const link = event.target.closest(".month__entry a");
  const isCut = link && (link.scrollWidth > link.clientWidth || link.scrollHeight > link.clientHeight);
  if (isCut) link.title = link.textContent.replace(/\s+/g, " ").trim();
});

const line = document.querySelector(".calendar__now");
const opened = Date.now();
if (line) {
  const from = Number(line.dataset.minute);
  setInterval(() => line.style.setProperty("--from-minute", from + (Date.now() - opened) / 60000), 30000);
}
