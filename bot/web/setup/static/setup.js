// Sends the App's manifest to GitHub, and reloads a page whose state has changed.
"use strict";
const toGitHub = document.getElementById("to-github");
if (toGitHub) toGitHub.submit();
const waiting = document.querySelector("[data-seen]");
if (waiting) {
  setInterval(async () => {
    try {
      const answer = await fetch(waiting.dataset.url);
      if (answer.ok && (await answer.text()) !== waiting.dataset.seen) location.reload();
    } catch { /* the server restarts: the next try may reach it */ }
  }, 1000);
}
