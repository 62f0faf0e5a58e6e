// The service's REST interface: JSON, cells and events; what goes wrong is a Problem.

import { withKey } from "./key.js";
import { readNpy } from "./npy.js";

/** An answer that is no success, told as the service tells it (RFC 9457). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `the service answered ${status}`);
    this.status = status;
    this.kind = (body.type ?? "").replace("/problems/", "");
  }
}

async function ask(path, { headers = {}, ...options } = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: withKey(headers) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "the service cannot be reached" });
  }
  if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => ({})));
  return answer;
}

/** What an address answers, as JSON. */
export async function getJson(path, options = {}) {
  return (await ask(path, { ...options, headers: { Accept: "application/json", ...options.headers } })).json();
}

/** An order without a body: what it answers. */
export async function order(path) {
  return (await ask(path, { method: "POST", headers: { Accept: "application/json" } })).json();
}

/** Call something off, or drop it. */
export async function remove(path) {
  await ask(path, { method: "DELETE" });
}

/** Cells of a level or a map tile; never waits for a build. */
export async function getCells(path, options = {}) {
  const headers = { Accept: "application/x-npy", Prefer: "wait=0" };
  const answer = await ask(path, { ...options, headers });
  if (answer.status === 202) throw new Problem(202, { detail: "the build goes on" });
  return readNpy(await answer.arrayBuffer());
}

/** Call `tell` with the data of every server-sent event, until the service has no more. */
export async function watch(path, tell, options = {}) {
  const answer = await ask(path, { ...options, headers: { Accept: "text/event-stream" } });
  let text = "";
  for await (const piece of readPieces(answer.body.pipeThrough(new TextDecoderStream()))) {
    text += piece;
    const events = text.split(/\r?\n\r?\n/);
    text = events.pop();
    events.map(dataOf).filter(Boolean).forEach((data) => tell(JSON.parse(data)));
  }
}

function dataOf(event) {
  const lines = event.split(/\r?\n/).filter((line) => line.startsWith("data:"));
  return lines.map((line) => line.slice(5).trimStart()).join("\n");
}

async function* readPieces(stream) {
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
}
