// Booking pages on any site:
//   <div data-almanac="studio/intro"></div>          a frame in its place, as high as need be
//   <a href="…" data-almanac="studio/intro">Book</a>  a frame that opens over the page; also on a <button>
// data-language="de" chooses the language, data-title and data-close name the frame and what closes it.
// The element hears of what was booked:
//   element.addEventListener("almanac:booked", (event) => console.log(event.detail));

(() => {
  const origin = new URL(document.currentScript.src).origin;
  const frames = new Map(); // a frame's window → [the frame, its element]

  function makeFrame(element, title) {
    const frame = document.createElement("iframe");
    const address = new URL(`/embed/${element.dataset.almanac.replace(/^\/+/, "")}`, origin);
    address.searchParams.set("site", window.location.origin);
    if (element.dataset.language) address.searchParams.set("language", element.dataset.language);
    frame.src = address.href;
    frame.title = title;
    Object.assign(frame.style, { display: "block", width: "100%", height: "40rem", border: "0", colorScheme: "auto" });
    return frame;
  }

  function register(frame, element) {
    frames.set(frame.contentWindow, [frame, element]);
  }

  function open(element, title) {
    const dialog = document.createElement("dialog");
    const close = document.createElement("button");
    const frame = makeFrame(element, title);
    const size = { width: "min(66rem, 96vw)", maxWidth: "none", maxHeight: "94vh", overflow: "auto" };
    Object.assign(dialog.style, size, { padding: "0", border: "0", borderRadius: "12px" });
    const place = { position: "sticky", top: "8px", float: "inline-end", margin: "8px", width: "44px", height: "44px" };
    Object.assign(close.style, place, { border: "0", borderRadius: "50%", font: "24px sans-serif", cursor: "pointer" });
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", element.dataset.close || "Close");
    dialog.setAttribute("aria-label", title);
    dialog.append(close, frame);
    document.body.append(dialog);
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target === close) dialog.close();
    });
    dialog.addEventListener("close", () => {
      frames.delete(frame.contentWindow);
      dialog.remove();
      element.focus();
    });
    dialog.showModal();
    register(frame, element);
  }

  function show(element) {
    if (element.dataset.almanacReady) return;
    element.dataset.almanacReady = "yes";
    const title = element.dataset.title || element.textContent.trim() || "Almanac";
    if (element.matches("a, button")) {
      element.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        open(element, title);
      });
    } else {
      const frame = makeFrame(element, title);
      element.replaceChildren(frame);
      register(frame, element);
    }
  }

  // Only our own pages count, in a frame that was made here.
  window.addEventListener("message", (event) => {
    const known = event.origin === origin && frames.get(event.source);
    if (!known || typeof event.data !== "object" || event.data === null) return;
    const [frame, element] = known;
    const { almanac, close } = event.data;
    if (almanac === "size") {
      if (close && !element.dataset.close) frame.previousSibling?.setAttribute("aria-label", close);
      frame.style.height = `${Math.min(Math.max(Number(event.data.height) || 0, 100), 10000)}px`;
      if (event.data.isNew && frame.getBoundingClientRect().top < 0) frame.scrollIntoView();
    } else if (almanac === "booked") {
      element.dispatchEvent(new CustomEvent("almanac:booked", { bubbles: true, detail: event.data.booking }));
    }
  });

  const showAll = () => document.querySelectorAll("[data-almanac]").forEach(show);
  window.almanac = { showAll };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", showAll);
  else showAll();
})();
