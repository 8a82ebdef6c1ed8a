// What a page does with a token that its backend has given it, by the browser's own means alone.

const seen = []; // What the stream said: [id, event, data], in the order in which it was said.
const errors = []; // The state of the stream at each of its errors: 0 comes back, 2 does not.
let opens = 0;
let source;

function listen(api, token) {
  source = new EventSource(`${api}/v1/sse/updates?token=${encodeURIComponent(token)}`);
  source.onopen = () => (opens += 1);
  source.onerror = () => errors.push(source.readyState);
  for (const event of ["update", "reset", "message"]) {
    source.addEventListener(event, (told) => seen.push([told.lastEventId, event, told.data]));
  }
}

async function ask(api, token, method, path, body, key) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  if (key) headers["Idempotency-Key"] = key;
  const reply = await fetch(api + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await reply.text();
  return {
    status: reply.status,
    replay: reply.headers.get("X-Idempotent-Replay"),
    body: text && JSON.parse(text),
  };
}

function fire(api, token, userId, name, payload, key) {
  const body = { userId, name, payload, timestamp: Date.now() };
  return ask(api, token, "POST", "/v1/events", body, key);
}
