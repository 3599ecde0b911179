import type { UserManager } from "oidc-client-ts";
import { useEffect, useState } from "react";
import { useAuth } from "react-oidc-context";
import { backoff, sleep } from "./backoff";
import { isAway } from "./sentences";
import { askProvider, dropAnswer, isAnswered, needsInteraction, remembered } from "./session";

/** What becomes of an earlier session when the page is loaded. */
export interface Restore {
  /** Nothing can be said yet: the answer is being read, or the page is on its way to the provider. */
  pending: boolean;
  /** Why it did not work, or does not work yet. */
  error: unknown;
}

/**
 * Gets the session back after a reload, without a click: a redirect to the
 * provider with prompt=none (see newUserManager). While the provider is away it
 * waits for it.
 */
export function useRestore(manager: UserManager): Restore {
  const auth = useAuth();
  const answer: unknown = auth.error?.innerError ?? null; // of the provider, in the address
  const [error, setError] = useState<unknown>(null);
  // The way to the provider ends with an answer in the address, so it is not taken twice.
  const [wanted, setWanted] = useState(() => remembered.get() && !isAnswered());
  if (wanted && auth.user) {
    setWanted(false); // there is a session, and whoever has none later has signed out
  }
  const trying = wanted && !auth.isLoading && !auth.user && (error === null || isAway(error));

  useEffect(() => {
    if (auth.isLoading) {
      return;
    }
    if (isAnswered()) {
      dropAnswer();
    }
    if (needsInteraction(answer)) {
      remembered.clear();
    }
  }, [auth.isLoading, answer]);

  useEffect(() => {
    if (!trying) {
      return;
    }
    const effect = new AbortController();
    void restore(manager, setError, effect.signal);
    return () => { effect.abort(); };
  }, [trying, manager]);

  return { pending: auth.isLoading || trying, error: needsInteraction(answer) ? null : (answer ?? error) };
}

async function restore(manager: UserManager, failed: (error: unknown) => void, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      await askProvider(manager, { prompt: "none", redirectMethod: "replace" });
      return;
    } catch (error) {
      failed(error);
      if (!isAway(error)) {
        return;
      }
    }
    await sleep(backoff(failures, 2_000, 15_000), signal);
  }
}
