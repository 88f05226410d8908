// The page's data stands in the page, or at the server's address.

/** @param {Player} _player */
function startLive(_player) {}

const embedded = byId("data").textContent.trim();
if (embedded) start(JSON.parse(embedded));
else fetch("data").then((answer) => answer.json()).then(start);
