// Requests to this service: each gives status, milliseconds, text and the JSON in it. Every failure is
// a Failure with something a person can read.

export class Failure extends Error {
  constructor(title, { status = 0, issues = [], hint = "", body = "" } = {}) {
    super(title);
    Object.assign(this, { title, status, issues, hint, body });
  }
}

const HINTS = {
  401: "This service knows its CDS Clients: make a token with `heme-hooks token` and put it under “Sign the call”.",
  412: "Send the key that is named, or give a FHIR server from which it can be read.",
  413: "Send fewer keys, or raise HEME_HOOKS_MAX_REQUEST_BYTES.",
};

export async function get(path, signal) {
  return exchange(path, { signal });
}

export async function post(path, body, signal, bearer = "") {
  return exchange(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}) },
    body,
    signal,
  });
}

async function exchange(path, options) {
  const begun = performance.now();
  const { answer, text } = await send(path, options);
  const exchanged = { status: answer.status, took: performance.now() - begun, text, value: read(text) };
  if (!answer.ok) throw refusal(answer, exchanged);
  return exchanged;
}

async function send(path, options) {
  try {
    const answer = await fetch(path, { cache: "no-store", credentials: "omit", ...options });
    return { answer, text: await answer.text() };
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Failure("The service does not answer", {
      hint: "Is it still running? Nothing was changed; try again when it is back.",
    });
  }
}

function read(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function refusal(answer, { value, text }) {
  const issues = Array.isArray(value?.issue) ? value.issue : [];
  return new Failure(`The service answered ${answer.status}`, {
    status: answer.status,
    issues: issues.map((issue) => ({
      text: issue.details?.text ?? issue.diagnostics ?? "",
      where: (issue.expression ?? []).join(", "),
    })),
    hint: HINTS[answer.status] ?? "",
    body: text,
  });
}
