// A client as those are that are in use: it does what they do, and is as strict where they are.
//
// It reads the token itself, byte for byte. It goes by the status of a reply, and only for what
// it has no name for by the body. Its stream knows no name but `update`, and no id.

const CODES = { 400: "invalid_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 429: "rate_limited" };
const LATER = [408, 429];
const QUEUED_MAX = 100;
const ATTEMPTS_MAX = 5;
const RETRY_AFTER_MS = [2000, 4000, 8000, 16000];
const RECONNECT_AFTER_MS = [1000, 2000, 4000, 8000, 16000];
const POLL_MS = 5000;
const TIMEOUT_MS = 10000;

class ClientError extends Error {
  constructor(code, status, message) {
    super(message || code);
    Object.assign(this, { code, status });
  }
}

async function mintToken(baseUrl, appId, appSecret, userId, kind) {
  const reply = await fetch(`${baseUrl}/v1/auth/token`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ appId, appSecret, userId, kind }),
  });
  if (!reply.ok) throw await refusalOf(reply);
  const { token, expiresAt } = await reply.json();
  return { token, expiresAt };
}

async function refusalOf(reply) {
  const code = CODES[reply.status] || "server_error";
  let said;
  try {
    said = (await reply.json()).error;
  } catch {
    said = undefined;
  }
  return new ClientError(code, reply.status, said);
}

function pathOf(path, query) {
  const given = Object.entries(query || {}).filter(([, value]) => value !== undefined);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

class Client {
  // `getToken` asks the app's backend for a token; it is asked again when one is refused.
  constructor(baseUrl, getToken) {
    Object.assign(this, { baseUrl, getToken, queue: [], token: undefined });
  }

  async getUserId() {
    const [, payload] = (await this.#held()).split(".");
    // As Latin-1: a character for each byte.
    return JSON.parse(atob(payload.replace(/-/g, "+").replace(/_/g, "/"))).sub;
  }

  async fireEvent(name, payload, { key = crypto.randomUUID(), timestamp = Date.now() } = {}) {
    const event = { userId: await this.getUserId(), name, payload, timestamp, idempotencyKey: key };
    try {
      return await this.#sendEvent(event);
    } catch (failure) {
      if (failure.status && failure.status < 500 && !LATER.includes(failure.status)) throw failure;
      if (this.queue.length < QUEUED_MAX) this.queue.push({ event, attempts: 1, due: 0 });
      // Only now is it looked what waits already; and this one with it, at once.
      await this.#drain(Date.now());
      return { accepted: false, queued: this.queue.some((one) => one.event === event) };
    }
  }

  async flushEvents() {
    await this.#drain(Infinity);
    return this.queue.length;
  }

  getMissions(query) {
    return this.#ask("GET", pathOf("/v1/missions", query));
  }

  getMission(id) {
    return this.#ask("GET", `/v1/missions/${encodeURIComponent(id)}`);
  }

  claimMission(id, key = crypto.randomUUID()) {
    const headers = { "Idempotency-Key": key };
    return this.#ask("POST", `/v1/missions/${encodeURIComponent(id)}/claim`, headers);
  }

  async getBalances() {
    return (await this.#ask("GET", "/v1/balance")).balances;
  }

  async getBalance(currency) {
    return (await this.#ask("GET", `/v1/balance/${encodeURIComponent(currency)}`)).balance;
  }

  async getCampaigns(query) {
    return (await this.#ask("GET", pathOf("/v1/campaigns", query))).campaigns;
  }

  getCampaign(id, query) {
    return this.#ask("GET", pathOf(`/v1/campaigns/${encodeURIComponent(id)}`, query));
  }

  getRecommendations() {
    return this.#ask("GET", "/v1/recommendations");
  }

  demoReset() {
    return this.#ask("POST", "/v1/demo/reset");
  }

  // Return what ends it. `onChange` hears whether it is connected, comes back, or polls.
  subscribe(onUpdate, onChange = () => {}) {
    const ending = new AbortController();
    this.#follow(onUpdate, onChange, ending.signal);
    return () => ending.abort();
  }

  // One that is being fetched is waited for by all.
  #held() {
    return (this.token ??= this.getToken());
  }

  async #send(method, path, more = {}, body = undefined) {
    const headers = {
      Authorization: `Bearer ${await this.#held()}`,
      "Content-Type": "application/json",
      ...more,
    };
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return await fetch(this.baseUrl + path, { method, headers, body, signal });
  }

  async #ask(method, path, more) {
    let reply = await this.#send(method, path, more);
    if (reply.status === 401) {
      this.token = undefined;
      reply = await this.#send(method, path, more);
    }
    if (!reply.ok) throw await refusalOf(reply);
    return await reply.json();
  }

  async #sendEvent(event) {
    const headers = { "Idempotency-Key": event.idempotencyKey };
    const reply = await this.#send("POST", "/v1/events", headers, JSON.stringify(event));
    if (!reply.ok) throw await refusalOf(reply);
    return await reply.json();
  }

  async #drain(now) {
    for (const one of this.queue.filter((each) => each.due <= now)) {
      try {
        await this.#sendEvent(one.event);
        one.attempts = Infinity;
      } catch {
        one.due = Date.now() + RETRY_AFTER_MS[Math.min(one.attempts, RETRY_AFTER_MS.length) - 1];
        one.attempts += 1;
      }
    }
    this.queue = this.queue.filter((one) => one.attempts <= ATTEMPTS_MAX);
  }

  async #follow(onUpdate, onChange, signal) {
    let failures = 0;
    while (!signal.aborted && failures < RECONNECT_AFTER_MS.length) {
      try {
        await this.#stream(onUpdate, signal, () => {
          failures = 0;
          onChange("connected");
        });
      } catch {
        // Whatever it was, it comes back.
      }
      if (signal.aborted) return;
      onChange("reconnecting");
      await new Promise((after) => setTimeout(after, RECONNECT_AFTER_MS[failures]));
      failures += 1;
    }
    while (!signal.aborted) {
      onChange("polling");
      await Promise.allSettled([this.getMissions(), this.getBalances()]);
      await new Promise((after) => setTimeout(after, POLL_MS));
    }
  }

  async #stream(onUpdate, signal, onOpen) {
    const headers = { Authorization: `Bearer ${await this.#held()}`, Accept: "text/event-stream" };
    const reply = await fetch(`${this.baseUrl}/v1/sse/updates`, { headers, signal });
    if (!reply.ok) throw await refusalOf(reply);
    onOpen();
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const blocks = text.split(/\r?\n\r?\n/);
      text = blocks.pop();
      for (const block of blocks) {
        const update = updateOf(block);
        if (update) onUpdate(update);
      }
    }
  }
}

function updateOf(block) {
  let event = "message";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (field === "event") event = value;
    if (field === "data") data.push(value);
  }
  return event === "update" && data.length ? JSON.parse(data.join("\n")) : undefined;
}
