import { ErrorResponse, InMemoryWebStorage, type SigninRedirectArgs, UserManager, WebStorageStateStore } from "oidc-client-ts";
import type { Config } from "./config";

/**
 * Makes the OpenID Connect client of the page: authorization code flow with PKCE.
 *
 * All tokens are kept in memory. A script that got into the page could read
 * every kind of storage at leisure, and storage outlives the page. What is
 * stored, for this tab only, is the state and the PKCE verifier of a sign-in
 * that is under way: one use, and of no use without the code.
 *
 * So a reload loses the tokens, and gets new ones by a redirect of the whole page
 * to the identity provider with prompt=none, which comes back at once: with a
 * code as long as the provider's own session lasts, and with login_required
 * after it. A hidden frame would do the same without the flicker, but the
 * provider's cookies are third-party cookies in it, which browsers take away
 * (Safari and Firefox do, Chromium may), and both page and provider would have
 * to allow framing. Nobody frames this page.
 */
export function newUserManager(config: Config): UserManager {
  const here = `${window.location.origin}/`;
  return new UserManager({
    authority: config.issuer,
    client_id: config.client_id,
    redirect_uri: here,
    post_logout_redirect_uri: here,
    response_type: "code",
    scope: config.scope,
    userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    stateStore: new WebStorageStateStore({ store: window.sessionStorage }),
    automaticSilentRenew: false, // see Renewal
    requestTimeoutInSeconds: 10,
  });
}

/** A note that all windows of this browser see. None says about whom it is. */
function note(name: string) {
  return {
    get: (): boolean => window.localStorage.getItem(name) !== null,
    set: (): void => { window.localStorage.setItem(name, "1"); },
    clear: (): void => { window.localStorage.removeItem(name); },
  };
}

// That somebody signed in here: a reload, or another window, may try to get the
// session back. Without it, each first visit would be sent to the identity
// provider and back.
export const remembered = note("todo.signed-in");

// That the provider was asked, and its answer has not come.
const asked = note("todo.asked");

/** Leaves the page for the provider, whose answer comes back in the address. */
export function askProvider(manager: UserManager, args?: SigninRedirectArgs): Promise<void> {
  asked.set();
  return manager.signinRedirect(args);
}

/**
 * Whether the address has what may be an answer of the provider. It belongs in the
 * query; one in the fragment is an answer too, and always a failure.
 */
export function isAnswered(): boolean {
  return window.location.search !== "" || window.location.hash !== "";
}

/** Takes the answer out of the address: its code is used up, and nothing that others need to see. */
export function dropAnswer(): void {
  window.history.replaceState(null, "", "/");
}

/**
 * Takes an answer out of the address that nobody waits for: one of the history,
 * of a bookmark, of somebody else's link, or of a window that the browser has
 * restored. The answer to a question of this browser stays, even if its state is
 * lost: the failure is told, and the question is not asked for ever.
 */
export async function dropStaleAnswer(manager: UserManager): Promise<void> {
  if (!isAnswered()) {
    return;
  }
  const state = new URLSearchParams(window.location.search).get("state") ?? "";
  if (!asked.get() && (await manager.settings.stateStore.get(state)) === null) {
    dropAnswer();
  }
  asked.clear();
}

/** Whether the provider says that it will not sign anybody in without showing a page (OpenID Connect Core, section 3.1.2.6). */
export function needsInteraction(error: unknown): boolean {
  return (
    error instanceof ErrorResponse &&
    ["login_required", "interaction_required", "consent_required", "account_selection_required"].includes(error.error ?? "")
  );
}

/** Rejects if the provider does not answer: a redirect would leave the reader at the browser's error page. */
export async function reach(issuer: string): Promise<void> {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const response = await fetch(url, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(10_000) });
  if (!response.ok) {
    throw new Error(`no metadata (${response.status.toString()})`);
  }
}

/** Tells the page's other windows that somebody signed out, and hears it from them. */
class SignOuts {
  private opened: BroadcastChannel | undefined;

  tell(): void {
    this.channel().postMessage("signed out");
  }

  hear(heard: () => void): () => void {
    const channel = this.channel();
    channel.addEventListener("message", heard);
    return () => { channel.removeEventListener("message", heard); };
  }

  /** Opened late: it fails where the page may not store anything, and then there must be a page that says so. */
  private channel(): BroadcastChannel {
    return (this.opened ??= new BroadcastChannel("todo.sign-outs"));
  }
}

export const signOuts = new SignOuts();
