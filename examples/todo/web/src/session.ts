import { ErrorResponse, InMemoryWebStorage, UserManager, WebStorageStateStore } from "oidc-client-ts";
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

// That somebody signed in here, and nothing about whom: it says that a reload, or
// another window, may try to get the session back. Without it, each first visit
// would be sent to the identity provider and back.
const mark = "todo.signed-in";

export const remembered = {
  get: (): boolean => window.localStorage.getItem(mark) !== null,
  set: (): void => { window.localStorage.setItem(mark, "1"); },
  clear: (): void => { window.localStorage.removeItem(mark); },
};

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
