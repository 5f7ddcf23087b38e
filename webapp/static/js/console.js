// The console of the background jobs: what is shown stays fresh, and a job is followed live. Works without it, too.

const POLL_MILLISECONDS = 2000;

// A piece of the page that is fetched anew every so many seconds, unless somebody is using it or looking elsewhere.
function keepFresh(piece) {
  setInterval(async () => {
    if (document.hidden || piece.contains(document.activeElement) || document.querySelector("dialog[open]")) return;
    try {
      const answer = await fetch(window.location.href, { redirect: "error" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-refresh]");
      if (answer.ok && fresh) piece.replaceChildren(...fresh.childNodes);
    } catch {
      // the next try may find the server again
    }
  }, piece.dataset.refresh * 1000);
}

// What is known of the job goes into the page; once it stands elsewhere, the page is loaded anew.
function follow(section) {
  const show = (state) => {
    if (state.state !== section.dataset.state || String(state.attempt) !== section.dataset.attempt) {
      reloadWhenFree();
      return false;
    }
    if (state.progress) {
      const bar = section.querySelector("[data-bar]");
      bar.max = Math.max(state.progress.total, 1);
      bar.value = state.progress.done;
      section.querySelector("[data-count]").textContent = `${state.progress.done} / ${state.progress.total}`;
      section.querySelector("[data-note]").textContent = state.progress.note;
    }
    return true;
  };
  const source = new EventSource(section.dataset.follow);
  source.addEventListener("state", (event) => show(JSON.parse(event.data)) || source.close());
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) poll(section.dataset.follow, show); // no place was free
  });
  window.addEventListener("pagehide", () => source.close());
}

async function poll(address, show) {
  let goesOn = true;
  while (goesOn) {
    await new Promise((resume) => setTimeout(resume, POLL_MILLISECONDS));
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" }, redirect: "error" });
      goesOn = answer.ok ? show(await answer.json()) : answer.status >= 500;
    } catch {
      // the next try may find the server again
    }
  }
}

// Not while a question is open: it would vanish under the reader's finger.
function reloadWhenFree() {
  if (document.querySelector("dialog[open], details.confirm[open]")) setTimeout(reloadWhenFree, 1000);
  else window.location.reload();
}

document.querySelectorAll("[data-refresh]").forEach(keepFresh);
document.querySelectorAll("[data-follow]").forEach(follow);
