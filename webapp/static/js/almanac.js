// What every page has: copying, forms that are sent once, questions asked in a dialog. Pages work without any of it.

function enhance(root) {
  root.querySelectorAll(".needs-script[hidden]").forEach((element) => element.removeAttribute("hidden"));
  root.querySelectorAll("details[data-dialog]").forEach(openAsDialog);
  root.querySelectorAll(".sections, .tabs").forEach(showCurrent);
  root.querySelector("[data-focus]")?.focus();
}

// A form is sent once: a second click while the first is on its way does nothing.
function sendOnce(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const pressed = event.submitter;
  pressed?.setAttribute("aria-disabled", "true");
  pressed?.setAttribute("aria-busy", "true");
}

// Coming back with the browser's own button finds the form ready again.
function forgetSent() {
  document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((button) => {
      button.removeAttribute("aria-busy");
      button.removeAttribute("aria-disabled");
    });
  });
}

async function copy(button) {
  const label = button.firstChild;
  const words = label.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    window.prompt(words, button.dataset.copy); // no permission: let people copy by hand
    return;
  }
  label.textContent = button.dataset.copied;
  setTimeout(() => (label.textContent = words), 2000);
}

// A row of links that is wider than the screen begins with where one is; the page itself stays where it is.
function showCurrent(row) {
  const current = row.querySelector("[aria-current]");
  if (!current) return;
  const [outer, inner] = [row, current].map((element) => element.getBoundingClientRect());
  row.scrollBy({ left: inner.left + inner.width / 2 - outer.left - outer.width / 2, behavior: "instant" });
}

function openAsDialog(details) {
  const panel = details.querySelector(".confirm__panel");
  if (!panel || typeof HTMLDialogElement === "undefined") return;
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-labelledby", panel.getAttribute("aria-labelledby"));
  details.after(dialog);
  dialog.append(panel);
  if (!panel.querySelector("[data-close]")) addWayBack(panel, details.dataset.back);
  details.querySelector("summary").addEventListener("click", (event) => {
    event.preventDefault();
    panel.querySelectorAll("[data-count]").forEach(count);
    dialog.showModal();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
}

// Beside the button that does it, a quiet one that does not.
function addWayBack(panel, words) {
  const back = document.createElement("button");
  back.type = "button";
  back.className = "button button--quiet confirm__back";
  back.dataset.close = "";
  back.textContent = words;
  const last = [...panel.querySelectorAll("button")].at(-1);
  (last.closest(".confirm__panel .actions") ?? last.parentElement).append(back);
}

// How many of the boxes with that name are ticked.
function count(element) {
  element.textContent = document.querySelectorAll(`[name="${element.dataset.count}"]:checked`).length;
}

function closeMenus(event) {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    const escaped = event.key === "Escape";
    if (!escaped && (event.type === "keydown" || menu.contains(event.target))) return;
    menu.open = false;
    if (escaped) menu.querySelector("summary").focus();
  });
}

document.addEventListener("submit", sendOnce);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
  closeMenus(event);
});
document.addEventListener("keydown", closeMenus);
window.addEventListener("pageshow", forgetSent);
// Other scripts say so when they put a piece of page in place. (They do not import this file: under an address
// without its version it would be another module, and everything here would happen twice.)
document.addEventListener("almanac:placed", (event) => enhance(event.target));
enhance(document);
