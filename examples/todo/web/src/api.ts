import type { Access } from "./renewal";
import { isSame } from "./versions";

/** A todo as the API shows it, with its entity tag where the page has seen it. */
export interface Todo {
  id: string;
  title: string;
  done: boolean;
  created_at: string;
  updated_at: string;
  etag?: string;
}

/** The caller as the API sees the verified token. */
export interface Identity {
  issuer: string;
  subject: string;
  preferred_username?: string;
  client?: string;
  audience: string[];
  scopes: string[];
  expires_at: string;
}

/** An answer that is an error. */
export class ApiError extends Error {
  override name = "ApiError";
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly missingScope: string | null = null,
  ) {
    super(`${status.toString()} ${detail}`);
  }
}

/** No answer came, or not all of it. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

/** The todo is not as the page showed it: `current` is, or null if it is gone. */
export class ChangedElsewhere extends Error {
  override name = "ChangedElsewhere";
  constructor(readonly current: Todo | null) {
    super("the todo was changed elsewhere");
  }
}

const answerLimit = 20_000;
const pageSize = 1000;
const maxTodos = 10_000; // more would be too many to show

/** The list of todos, oldest first as the API orders it, and whether it is all there is. */
export interface Listing {
  items: Todo[];
  complete: boolean;
}

/** The API, with the access token sent as RFC 6750 section 2.1 says and nowhere else. */
export class Api {
  constructor(private readonly access: Access) {}

  async me(): Promise<Identity> {
    return read<Identity>(await this.ask("/me"));
  }

  async list(signal?: AbortSignal): Promise<Listing> {
    const items: Todo[] = [];
    let path: string | null = `/todos?limit=${pageSize.toString()}`;
    while (path !== null && items.length < maxTodos) {
      const response = await this.ask(path, signal ? { signal } : {});
      items.push(...(await read<Todo[]>(response)));
      path = nextPage(response.headers.get("Link"));
    }
    return { items, complete: path === null };
  }

  async create(title: string): Promise<Todo> {
    return tagged(await this.ask("/todos", { method: "POST", ...json({ title }) }));
  }

  /** Changes the todo if it is still as the page showed it. */
  async update(shown: Todo, patch: { title?: string; done?: boolean }): Promise<Todo> {
    return this.guarded(shown, async (tag) =>
      tagged(await this.ask(`/todos/${shown.id}`, { method: "PATCH", ...json(patch, { "If-Match": tag }) })),
    );
  }

  /** Deletes the todo if it is still as the page showed it. One that is gone already is what was asked for. */
  async remove(shown: Todo): Promise<void> {
    try {
      await this.guarded(shown, (tag) => this.ask(`/todos/${shown.id}`, { method: "DELETE", headers: { "If-Match": tag } }));
    } catch (error) {
      if (!(error instanceof ChangedElsewhere && error.current === null)) {
        throw error;
      }
    }
  }

  /** Opens the stream of changes. It lasts until the signal. */
  events(signal: AbortSignal): Promise<Response> {
    return this.send("/todos/events", { signal, headers: { Accept: "text/event-stream" } });
  }

  private async guarded<T>(shown: Todo, change: (tag: string) => Promise<T>): Promise<T> {
    try {
      return await change(await this.tagOf(shown));
    } catch (error) {
      if (error instanceof ApiError && (error.status === 412 || error.status === 404)) {
        throw new ChangedElsewhere(await this.get(shown.id));
      }
      throw error;
    }
  }

  /**
   * The tag of the version that the page shows. The list has no tags. For a todo
   * of which only the list is known, the tag is asked for, and counts if the todo
   * still is as it was shown.
   */
  private async tagOf(shown: Todo): Promise<string> {
    if (shown.etag !== undefined) {
      return shown.etag;
    }
    const now = await this.get(shown.id);
    if (now?.etag === undefined || !isSame(now, shown)) {
      throw new ChangedElsewhere(now);
    }
    return now.etag;
  }

  private async get(id: string): Promise<Todo | null> {
    try {
      return await tagged(await this.ask(`/todos/${id}`));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) {
        return null;
      }
      throw error;
    }
  }

  private async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const limit = AbortSignal.timeout(answerLimit);
    const signal = init.signal ? AbortSignal.any([init.signal, limit]) : limit;
    return this.send(path, { ...init, signal });
  }

  /**
   * Sends a request. A token that the API no longer takes is renewed once: it may
   * have expired on the way, or its key was withdrawn.
   */
  private async send(path: string, init: RequestInit): Promise<Response> {
    const used = this.access.token();
    let response = await fetchWith(used, path, init);
    if (response.status === 401) {
      if (this.access.token() === used) {
        await this.access.renew();
      }
      response = await fetchWith(this.access.token(), path, init);
    }
    if (!response.ok) {
      throw await errorOf(response);
    }
    return response;
  }
}

async function fetchWith(token: string, path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("Authorization", `Bearer ${token}`);
  try {
    return await fetch(path, { ...init, headers, cache: "no-store", credentials: "omit", redirect: "error" });
  } catch (error) {
    throw lost(error);
  }
}

async function read<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    throw lost(error);
  }
}

function lost(error: unknown): Error {
  if (error instanceof DOMException && error.name === "AbortError") {
    return error; // the page itself gave up
  }
  return new Unreachable("no answer", { cause: error });
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as { detail?: unknown };
  const scope = /\bscope="([^"]*)"/.exec(response.headers.get("WWW-Authenticate") ?? "")?.[1] ?? null;
  return new ApiError(response.status, typeof body.detail === "string" ? body.detail : "", scope);
}

async function tagged(response: Response): Promise<Todo> {
  const todo = await read<Todo>(response);
  const etag = response.headers.get("ETag");
  return etag === null ? todo : { ...todo, etag };
}

function json(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } };
}

/** The target of rel="next" in a Link header (RFC 8288), if it is a path of this server. */
function nextPage(link: string | null): string | null {
  // The second slash would begin a host; browsers take a backslash for one, and ignore tabs.
  return /<(\/(?!\/)[^>\\\s]*)>;\s*rel="next"/.exec(link ?? "")?.[1] ?? null;
}
