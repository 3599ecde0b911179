import { ApiError, ChangedElsewhere, Unreachable } from "./api";
import { StreamBroken } from "./eventstream";
import { IssuerAway, SessionEnded, type Trouble } from "./renewal";

/** What is wrong, as a sentence, and what helps. */
export interface Problem {
  text: string;
  signIn?: true; // signing in again helps
}

/** What is done about a failure: somebody is waiting for a retry, or has to try again. */
export type Remedy = "retrying" | "try again";

/** The sentence for a failure. */
export function problemOf(error: unknown, remedy: Remedy): Problem {
  const retrying = remedy === "retrying";
  const again = retrying ? "Trying again…" : "Nothing was changed. Please try again.";
  // A change whose answer got lost, here or behind the server, may have been made all the same.
  const unsure = retrying ? "Trying again…" : "Look whether the change was made, or try again.";
  if (error instanceof SessionEnded) {
    return { text: "Your session has ended. Sign in again to go on.", signIn: true };
  }
  if (error instanceof IssuerAway) {
    return { text: `Your access token was not accepted, and the identity provider that could renew it is away. ${again}` };
  }
  if (error instanceof Unreachable || error instanceof StreamBroken) {
    return { text: `${retrying ? "The server cannot be reached." : "The server did not answer."} ${unsure}` };
  }
  if (error instanceof ChangedElsewhere) {
    return error.current === null
      ? { text: "This todo was deleted elsewhere." }
      : { text: `This todo was changed elsewhere: it is now “${error.current.title}”, ${error.current.done ? "done" : "not done"}. Your change was not made.` };
  }
  if (error instanceof ApiError) {
    return answerProblem(error, again, unsure);
  }
  return { text: `Something went wrong that should not have. ${unsure}` };
}

function answerProblem(error: ApiError, again: string, unsure: string): Problem {
  switch (error.status) {
    case 400:
    case 413:
    case 415:
      return { text: `The server did not accept this: ${error.detail || "the request is wrong"}.` };
    case 401:
      return { text: "The API does not accept your access token. Sign in again to go on.", signIn: true };
    case 403:
      return {
        text:
          error.missingScope === null
            ? "You are signed in, but you may not do this."
            : `You are signed in, but your access token lacks the scope ${error.missingScope}, which this needs.`,
      };
    case 404:
      return { text: "This is not there (any more)." };
    case 429:
      return { text: `The server is asked too often. ${again}` };
    case 503:
      return { text: `The identity provider or the database is away (the API says: ${error.detail || "unavailable"}). ${unsure}` };
    default:
      return { text: `The server answered with an error (${error.status.toString()}). ${unsure}` };
  }
}

/** The sentence for what keeps a session from going on. `left` is how long its token lasts, in seconds. */
export function sessionProblem(error: Trouble, left: number): Problem {
  if (error instanceof SessionEnded) {
    return left > 0
      ? { text: "Your session has ended at the identity provider, and this page can go on for a moment only. Sign in again to stay.", signIn: true }
      : { text: "Your session has ended. Sign in again to go on.", signIn: true };
  }
  return left > 0
    ? { text: "The identity provider is away. You can go on working until your access token expires; renewing it is tried again and again." }
    : { text: "The identity provider is away, and your access token has expired. You can go on when it is back. Trying again…" };
}

/** The sentence for a sign-in that failed. */
export function signInProblem(error: unknown): Problem {
  if (isAway(error)) {
    return { text: "The identity provider is away, so nobody can sign in at the moment. Please try again." };
  }
  return { text: `Signing in did not work (${error instanceof Error ? error.message : "no reason given"}). Please try again.` };
}

/** Whether no usable answer came from the identity provider, as opposed to a "no". */
export function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) {
    return false;
  }
  // fetch rejects with a TypeError; oidc-client-ts has its own for a time-out and a plain one that ends with the status.
  return error instanceof TypeError || error.name === "ErrorTimeout" || /\(5\d\d\)/.test(error.message);
}
