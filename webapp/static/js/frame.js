// In somebody else's frame: tell the page around it how high this one is, what closes it in this one's language, and
// that something was booked.
// Only the site that gave its name in the address hears it.

const { site, close } = document.getElementById("frame")?.dataset ?? {};

if (site && window.parent !== window) {
  const tell = (message) => window.parent.postMessage(message, site);
  let told = 0;
  const tellSize = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (height !== told) tell({ almanac: "size", height, close, isNew: told === 0 });
    told = height;
  };
  new ResizeObserver(tellSize).observe(document.body);
  tellSize();
  const booked = document.querySelector("[data-booked]");
  if (booked) {
    const { booked: eventType, status, start, end } = booked.dataset;
    tell({ almanac: "booked", booking: { eventType, status, start, end } });
  }
}
