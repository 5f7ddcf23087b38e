// A long select that can be searched: `<select data-search data-none="…">` gets a combobox in front of it (ARIA 1.2),
// and stays the field that is sent. Without this script it is an ordinary select.

const plain = (text) =>
  text
    .normalize("NFD")
    .replace(/\p{M}|\u2212/gu, (sign) => (sign === "\u2212" ? "-" : ""))
    .replace(/[_/]/g, " ")
    .toLowerCase();

function enhance(select) {
  if (select.dataset.searched) return;
  select.dataset.searched = "yes";
  const input = document.createElement("input");
  const list = document.createElement("ul");
  Object.assign(input, { type: "text", id: `${select.id}-search`, className: "input select", autocomplete: "off" });
  list.id = `${select.id}-list`;
  list.className = "options";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  const label = document.querySelector(`label[for="${select.id}"]`);
  label.id ||= `${select.id}-label`;
  label.htmlFor = input.id;
  list.setAttribute("aria-labelledby", label.id);
  const states = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id };
  Object.entries(states).forEach(([name, value]) => input.setAttribute(name, value));
  if (select.getAttribute("aria-describedby")) input.setAttribute("aria-describedby", select.getAttribute("aria-describedby"));
  input.spellcheck = false;
  const box = document.createElement("div");
  box.className = "search-select";
  select.before(box);
  box.append(input, list, select);
  select.hidden = true;

  const all = [...select.options].map((option) => ({ option, words: plain(`${option.text} ${option.value}`) }));
  let active = -1;

  const rest = () => (input.value = select.selectedOptions[0]?.text ?? "");
  const isOpen = () => !list.hidden;

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function open(search) {
    const wanted = plain(search).split(/\s+/).filter(Boolean);
    const found = all.filter(({ words }) => wanted.every((part) => words.includes(part)));
    list.replaceChildren(...found.map(item));
    if (!found.length) {
      const none = document.createElement("li");
      none.className = "options__none";
      none.textContent = select.dataset.none;
      none.setAttribute("role", "status");
      list.append(none);
    }
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    const chosen = found.findIndex(({ option }) => option.selected);
    move(search || chosen < 0 ? 0 : chosen);
  }

  function item({ option }, index) {
    const element = document.createElement("li");
    element.id = `${list.id}-${index}`;
    element.className = "options__one";
    element.setAttribute("role", "option");
    element.setAttribute("aria-selected", String(option.selected));
    element.textContent = option.text;
    element.dataset.value = option.value;
    return element;
  }

  function move(to) {
    const items = [...list.querySelectorAll("[role=option]")];
    items[active]?.classList.remove("options__one--active");
    active = items.length ? (to + items.length) % items.length : -1;
    if (active < 0) return input.removeAttribute("aria-activedescendant");
    items[active].classList.add("options__one--active");
    items[active].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", items[active].id);
  }

  function choose(value) {
    const isNew = value !== select.value;
    select.value = value;
    close();
    rest();
    if (isNew) select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  input.addEventListener("input", () => open(input.value));
  input.addEventListener("change", (event) => event.stopPropagation()); // what is typed is no choice yet
  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", () => isOpen() || open(""));
  input.addEventListener("blur", () => {
    close();
    rest();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (isOpen()) move(active + (event.key === "ArrowDown" ? 1 : -1));
      else open("");
    } else if (event.key === "Enter" && isOpen()) {
      event.preventDefault();
      const item = list.querySelectorAll("[role=option]")[active];
      if (item) choose(item.dataset.value);
    } else if (event.key === "Escape" && isOpen()) {
      event.stopPropagation();
      close();
      rest();
    }
  });
  // Before the field loses the focus, so that it keeps it.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const item = event.target.closest("[role=option]");
    if (item) choose(item.dataset.value);
  });
  rest();
}

const enhanceAll = () => document.querySelectorAll("select[data-search]").forEach(enhance);
document.addEventListener("almanac:placed", enhanceAll);
enhanceAll();
