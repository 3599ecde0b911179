import { ErrorResponse, type User, type UserManager } from "oidc-client-ts";
import { backoff } from "./backoff";

/** The identity provider does not continue the session: one has to sign in again. */
export class SessionEnded extends Error {
  override name = "SessionEnded";
}

/** The identity provider gave no usable answer. It may give one later. */
export class IssuerAway extends Error {
  override name = "IssuerAway";
}

/** What keeps a session from going on. */
export type Trouble = SessionEnded | IssuerAway;

/** What the page needs for a request. */
export interface Access {
  /** The access token at this moment. */
  token(): string;
  /** Gets a new one, whatever the age of the old one. Rejects with SessionEnded or IssuerAway. */
  renew(): Promise<void>;
}

// A refresh that fails with one of these will not succeed later (RFC 6749, section 5.2).
const final = ["invalid_grant", "invalid_client", "invalid_request", "invalid_scope", "unauthorized_client", "unsupported_grant_type"];

const lead = 60_000; // before the expiry, or a quarter of a shorter life
const longestSleep = 30_000; // a timer stands still while the machine sleeps, so the clock is looked at in between
const firstRetry = 2_000;
const longestRetry = 30_000;

/**
 * Renewal keeps the access token fresh by the refresh token, which, like the
 * access token, is in memory only. oidc-client-ts would do it too, but gives up
 * when the provider is away for a moment.
 */
export class Renewal implements Access {
  private user: User;
  private due: number;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private underWay: Promise<void> | undefined;
  private failures = 0;
  private stopped = false;

  /** `report` is told what keeps the session from going on, and null when all is well again. */
  constructor(
    private readonly manager: Pick<UserManager, "signinSilent" | "removeUser">,
    user: User,
    private readonly report: (problem: Trouble | null) => void,
  ) {
    this.user = user;
    this.due = dueFor(user);
  }

  start(): void {
    this.stopped = false;
    this.look();
  }

  /** A renewal that is under way is undone when it ends: it must not sign in somebody who has just signed out. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  token(): string {
    return this.user.access_token;
  }

  /**
   * Callers at the same time share one request: a refresh token may be good for one
   * use only. After the stop there is nothing to renew.
   */
  renew(): Promise<void> {
    if (this.stopped && this.underWay === undefined) {
      return Promise.resolve();
    }
    this.underWay ??= this.refresh().finally(() => {
      this.underWay = undefined;
      this.look();
    });
    return this.underWay;
  }

  /** Looks at the clock, and renews or sleeps. To be called when the page wakes up. */
  look = (): void => {
    clearTimeout(this.timer);
    if (this.stopped) {
      return;
    }
    const left = this.due - Date.now();
    if (left > 0) {
      this.timer = setTimeout(this.look, Math.min(left, longestSleep));
    } else {
      this.renew().catch(() => undefined); // reported
    }
  };

  private async refresh(): Promise<void> {
    try {
      const user = await this.ask();
      if (this.stopped) {
        await this.manager.removeUser();
        return;
      }
      this.user = user;
      this.due = dueFor(user);
      this.failures = 0;
      this.report(null);
    } catch (error) {
      const problem = error instanceof SessionEnded ? error : new IssuerAway("no answer", { cause: error });
      this.due = problem instanceof SessionEnded ? Infinity : Date.now() + backoff(this.failures++, firstRetry, longestRetry);
      if (!this.stopped) {
        this.report(problem);
      }
      throw problem;
    }
  }

  private async ask(): Promise<User> {
    if (this.user.refresh_token === undefined) {
      throw new SessionEnded("there is no refresh token"); // without one, oidc-client-ts would try a frame, which the policy forbids
    }
    try {
      const user = await this.manager.signinSilent();
      if (user === null) {
        throw new SessionEnded("nobody is signed in");
      }
      return user;
    } catch (error) {
      if (error instanceof ErrorResponse && final.includes(error.error ?? "")) {
        throw new SessionEnded(error.error ?? "", { cause: error });
      }
      throw error;
    }
  }
}

/** When the token of a user who was loaded just now is to be renewed. */
function dueFor(user: User): number {
  const life = (user.expires_in ?? Infinity) * 1000;
  return Date.now() + life - Math.min(lead, life / 4);
}
