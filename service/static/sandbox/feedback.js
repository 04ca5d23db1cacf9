// Feedback on a card, sent to the service as an EHR does (CDS Hooks 2.0, Feedback).

import { Failure, post } from "./api.js";

export async function accepted(service, card, suggestion) {
  return send(service, {
    card: card.uuid,
    outcome: "accepted",
    acceptedSuggestions: [{ id: suggestion.uuid }],
  });
}

export async function overridden(service, card, reason, comment) {
  const overrideReason = {};
  if (reason) overrideReason.reason = { code: reason.code, system: reason.system };
  if (comment) overrideReason.userComment = comment;
  return send(service, {
    card: card.uuid,
    outcome: "overridden",
    ...(reason || comment ? { overrideReason } : {}),
  });
}

// Returns the sentence to show; never throws for a refusal.
async function send(service, item) {
  const entry = { ...item, outcomeTimestamp: new Date().toISOString() };
  try {
    const { status } = await post(
      `/cds-services/${encodeURIComponent(service)}/feedback`,
      JSON.stringify({ feedback: [entry] }),
    );
    return { kept: true, sentence: `Feedback “${item.outcome}” sent and stored (HTTP ${status}).` };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const why = error.issues.map((issue) => issue.text).join(" ") || error.hint;
    return { kept: false, sentence: `Feedback not stored: ${error.title}. ${why}` };
  }
}
