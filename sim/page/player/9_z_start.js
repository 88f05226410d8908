// The page's data stands in the page, or at the server's address; a run in its burn-in has no picture yet.

async function fromServer() {
  const data = await (await fetch("data")).json();
  if (!data.is_settling) { start(data); return; }
  byId("readout").textContent = data.live.failure || `The burn-in is computed: day ${Math.round(data.live.day)}. Pictures begin on day 0.`;
  setTimeout(fromServer, 500);
}

const embedded = byId("data").textContent.trim();
if (embedded) start(JSON.parse(embedded));
else fromServer();
