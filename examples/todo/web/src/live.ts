import type { Listing, Todo } from "./api";
import { backoff, sleep } from "./backoff";
import { readEvents, type ServerEvent, StreamBroken } from "./eventstream";

/** A change of the list, as the stream tells it. */
export type Change = { kind: "saved"; todo: Todo } | { kind: "deleted"; id: string };

/** Where changes come from. */
export interface Source {
  list(signal: AbortSignal): Promise<Listing>;
  events(signal: AbortSignal): Promise<Response>;
}

/** What is told about the list. */
export interface Listener {
  listed(listing: Listing): void;
  changed(change: Change): void;
  failed(error: unknown): void;
  /** The list is up to date, and stays so. */
  live(): void;
}

const silence = 45_000; // the server sends a comment every 15 s
const firstRetry = 1_000;
const longestRetry = 30_000;
const settled = 5_000; // a stream that lasted this long was a good one

/**
 * Keeps the list up to date until the signal: opens the stream, lists once the
 * stream is ready, so that no change is missed in between, and applies what it
 * tells. A stream that ends is opened again: at once when it lasted for a while,
 * which is how it ends when the token expires, and otherwise after a growing wait.
 */
export async function follow(source: Source, listener: Listener, signal: AbortSignal): Promise<void> {
  let failures = 0;
  let listed = false;
  while (!signal.aborted) {
    const begun = Date.now();
    try {
      await followOnce(source, listener, signal, () => (listed = true));
      failures = Date.now() - begun >= settled ? 0 : failures + 1;
    } catch (error) {
      if (isAborted(signal)) {
        return;
      }
      failures = Date.now() - begun >= settled ? 1 : failures + 1;
      listener.failed(error);
      if (!listed) {
        listed = await listAlone(source, listener, signal);
      }
    }
    if (failures > 0) {
      await sleep(backoff(failures - 1, firstRetry, longestRetry), signal);
    }
  }
}

/** A function of its own, because the compiler would not believe that the signal changes. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function followOnce(source: Source, listener: Listener, signal: AbortSignal, done: () => void): Promise<void> {
  const silent = new AbortController();
  const watchdog = new Watchdog(() => { silent.abort(new Error("the stream is silent")); });
  const either = AbortSignal.any([signal, silent.signal]);
  try {
    watchdog.heard();
    const response = await source.events(either);
    if (response.body === null) {
      throw new Error("the stream has no body");
    }
    for await (const event of readEvents(response.body, () => { watchdog.heard(); })) {
      if (event.name === "ready") {
        listener.listed(await source.list(either));
        done();
        listener.live();
      } else if (["expired", "lagging", "stopping"].includes(event.name)) {
        return;
      } else {
        const change = changeOf(event);
        if (change !== null) {
          listener.changed(change);
        }
      }
    }
    throw new StreamBroken("the stream ended without a word");
  } finally {
    watchdog.stop();
  }
}

/** Without the stream, the list is still worth showing. */
async function listAlone(source: Source, listener: Listener, signal: AbortSignal): Promise<boolean> {
  try {
    listener.listed(await source.list(signal));
    return true;
  } catch {
    return false; // the failure of the stream has been told
  }
}

/** An event of a name that is not known is for a newer page. */
function changeOf(event: ServerEvent): Change | null {
  switch (event.name) {
    case "created":
    case "updated": {
      const { todo, etag } = JSON.parse(event.data) as { todo: Todo; etag: string };
      return { kind: "saved", todo: { ...todo, etag } };
    }
    case "deleted":
      return { kind: "deleted", id: (JSON.parse(event.data) as { id: string }).id };
    default:
      return null;
  }
}

/** Barks when nothing was heard for too long: a connection may die without a word. */
class Watchdog {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly bark: () => void) {}

  heard(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.bark, silence);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
