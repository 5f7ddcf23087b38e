// Adding and removing rows of a form without a reload: the button's own POST, of which only this form is taken.

async function press(form, button) {
  const body = new FormData(form, button);
  const address = form.getAttribute("action") ?? window.location.href; // form.action is the buttons of that name
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(address, { method: "POST", body, redirect: "error" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector(`[data-rows-form="${form.dataset.rowsForm}"]`);
    if (!fresh) throw new Error(`status ${answer.status}`);
    keepOpen(form, fresh);
    form.replaceWith(fresh);
    fresh.dispatchEvent(new Event("almanac:placed", { bubbles: true }));
    focusAfter(fresh, button.value);
  } catch {
    button.dataset.plain = "yes"; // the browser's own way, which says what is wrong
    form.requestSubmit(button);
  }
}

// What was unfolded stays so.
function keepOpen(form, fresh) {
  const folds = [...fresh.querySelectorAll("details")];
  form.querySelectorAll("details").forEach((fold, index) => {
    if (fold.open && folds[index]) folds[index].open = true;
  });
}

// A new row gets the focus; after a removal it goes to a button that adds a row, the nearest thing that is still there.
function focusAfter(form, action) {
  const adds = [...form.querySelectorAll('button[name="action"][value^="add"]')];
  const added = adds.find((button) => button.value === action);
  const row = added?.parentElement.querySelectorAll(".range, .question");
  const target = row?.length ? row[row.length - 1].querySelector("input:not([type=hidden])") : (added ?? adds[0]);
  target?.focus();
}

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  const form = event.target.closest("[data-rows-form]");
  if (!form || button?.name !== "action" || button.dataset.plain) return;
  event.preventDefault();
  press(form, button);
});
