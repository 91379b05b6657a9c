import type { components } from "../api.gen";

export type Code = components["schemas"]["Code"];
export type Resource = components["schemas"]["Resource"];
type Problem = components["schemas"]["Problem"];

/** Words of this page for what the vault refuses: no text of a server's is shown. */
const WORDS: Record<Code, string> = {
  unauthenticated: "This session has ended. Log in again.",
  login_failed: "E-mail and passphrase do not go together. Check both.",
  key_revoked: "This session was ended. Log in again.",
  key_expired: "This session has ended. Log in again.",
  permission_missing: "This session may not do that. Log in again.",
  owner_required: "Only the account’s owner may do that. Log in again.",
  environment_out_of_scope: "There is no such environment any more. Reload the list.",
  environment_ambiguous: "Several environments are meant. Choose one.",
  address_not_allowed: "This may not be done from your network address.",
  canary_read: "This secret is a canary.",
  not_found: "It is not there any more. Reload the list.",
  method_not_allowed: "This vault is of another version than this page. Reload the page.",
  manifest_outdated: "Somebody else keeps changing this. Try again in a moment.",
  email_taken: "There is an account with this e-mail already. Log in instead.",
  id_taken: "That id is in use. Try again.",
  quota_exceeded: "The plan’s limit is reached, so nothing was stored. Delete something you no longer need.",
  reads_exhausted: "Today’s reads are used up. They are counted anew from midnight UTC.",
  too_many_requests: "Too many requests.",
  invalid_request: "The vault does not understand this page. Reload it.",
  body_too_large: "That is too large for one request. Store less at once.",
  integrity_failure: "Stored access rules do not verify, so the vault gives nothing out. Tell its operator.",
  log_damaged: "The audit log is not as the vault wrote it. Tell its operator.",
  unavailable: "The vault cannot reach its database. Try again in a moment.",
  internal: "The vault failed. Try again; if it stays, tell its operator.",
};

const RESOURCES: Record<Resource, string> = {
  projects: "projects",
  keys: "API keys",
  secrets: "secrets",
  value_bytes: "bytes of one value",
  reads: "reads a day",
};

/** What was not done and why: a refusal of the vault's, or what the sealing says. Crosses from the worker as it is. */
export interface Trouble {
  kind: "Refused" | "Unreachable" | "Mistake" | "Distrusted" | "Failure";
  message: string;
  code: Code | null;
}

export class Refused extends Error {
  constructor(
    readonly code: Code,
    message: string,
  ) {
    super(message);
  }
}

export class Unreachable extends Error {}

/** The refusal that an answer is. */
export function refusal(status: number, text: string): Error {
  let problem: Partial<Problem> = {};
  try {
    problem = JSON.parse(text) as Partial<Problem>;
  } catch {
    // Not the vault's own words: something in front of it.
  }
  const code = problem.code;
  if (code === undefined || !(code in WORDS)) {
    return new Unreachable(`Something before the vault answered with status ${status}. Try again in a moment.`);
  }
  let words = WORDS[code];
  if (code === "quota_exceeded" && problem.limit) {
    words = `The plan’s limit of ${RESOURCES[problem.limit]} is reached, so nothing was stored.`;
  }
  if (problem.retry_after) words += ` Go on in ${duration(problem.retry_after)}.`;
  return new Refused(code, words);
}

function duration(seconds: number): string {
  if (seconds < 90) return `${seconds} seconds`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} minutes` : `${Math.ceil(seconds / 3600)} hours`;
}

/** What to tell of anything that was thrown. */
export function trouble(error: unknown): Trouble {
  if (error instanceof Refused) return { kind: "Refused", message: error.message, code: error.code };
  if (error instanceof Unreachable) return { kind: "Unreachable", message: error.message, code: null };
  if (error instanceof Error) {
    const message = sentence(error.message);
    if (error.name === "Mistake" || error.name === "Failure") return { kind: error.name, message, code: null };
    if (error.name === "Distrusted") {
      const words = `The vault’s answer does not hold, so nothing of it is used: ${error.message}.`;
      return { kind: "Distrusted", message: `${words} Do not go on before its operator explains.`, code: null };
    }
    return { kind: "Failure", message: `This page failed: ${message}`, code: null };
  }
  return { kind: "Failure", message: "This page failed. Reload it.", code: null };
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
