import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Api, ApiError, ChangedElsewhere, Unreachable, type Todo } from "./api";
import { SessionEnded } from "./renewal";

const access = { token: vi.fn<() => string>(), renew: vi.fn<() => Promise<void>>() };
const api = new Api(access);
const fetched = vi.fn<(url: string, init: RequestInit) => Promise<Response>>();

beforeEach(() => {
  access.token.mockReset().mockReturnValue("t0");
  access.renew.mockReset();
  fetched.mockReset();
  vi.stubGlobal("fetch", fetched);
});

afterEach(() => { vi.unstubAllGlobals(); });

const shown: Todo = { id: "7", title: "milk", done: false, created_at: "2026-01-01T00:00:00Z", updated_at: "2026-01-01T00:00:00Z" };

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(status === 204 ? null : JSON.stringify(body), { status, headers });
}

/** The requests that were sent, as method, path and the header. */
function sent(header: string): [string, string, string | null][] {
  return fetched.mock.calls.map(([url, init]) => [init.method ?? "GET", url, new Headers(init.headers).get(header)]);
}

describe("Api", () => {
  it("sends the token in the header and no cookies", async () => {
    fetched.mockResolvedValue(answer(200, []));
    await api.list();
    expect(sent("Authorization")).toEqual([["GET", "/todos?limit=1000", "Bearer t0"]]);
    expect(fetched.mock.calls[0]?.[1]).toMatchObject({ cache: "no-store", credentials: "omit", redirect: "error" });
  });

  it("follows the pages of the list", async () => {
    fetched
      .mockResolvedValueOnce(answer(200, [shown], { Link: '</todos?limit=1000&after=7>; rel="next"' }))
      .mockResolvedValueOnce(answer(200, [{ ...shown, id: "8" }]));
    expect(await api.list()).toEqual({ items: [shown, { ...shown, id: "8" }], complete: true });
    expect(sent("Accept").map(([, url]) => url)).toEqual(["/todos?limit=1000", "/todos?limit=1000&after=7"]);
  });

  it("follows them no further than it can show", async () => {
    const page = Array.from({ length: 1000 }, (_, i) => ({ ...shown, id: i.toString() }));
    fetched.mockImplementation(() => Promise.resolve(answer(200, page, { Link: '</todos?after=9>; rel="next"' })));
    expect(await api.list()).toMatchObject({ complete: false });
    expect(fetched).toHaveBeenCalledTimes(10);
  });

  // What a browser's URL parser makes of the rest: a backslash is a slash, and a tab is nothing.
  it.each(["https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example/", "/\t/evil.example/", "todos?after=9"])("follows them not to %j", async (target) => {
    fetched.mockImplementation(() => Promise.resolve(answer(200, [shown], { Link: `<${target}>; rel="next"` })));
    expect(await api.list()).toEqual({ items: [shown], complete: true });
    expect(fetched).toHaveBeenCalledTimes(1);
  });

  it("renews the token once when it is refused, and tries again", async () => {
    access.renew.mockImplementation(() => {
      access.token.mockReturnValue("t1");
      return Promise.resolve();
    });
    fetched.mockResolvedValueOnce(answer(401, {})).mockResolvedValueOnce(answer(200, []));
    await api.list();
    expect(sent("Authorization").map(([, , token]) => token)).toEqual(["Bearer t0", "Bearer t1"]);
    fetched.mockImplementation(() => Promise.resolve(answer(401, { detail: "the access token is not acceptable" })));
    await expect(api.list()).rejects.toMatchObject({ status: 401, detail: "the access token is not acceptable" });
    expect(access.renew).toHaveBeenCalledTimes(2);
  });

  it("does not renew a token that was renewed meanwhile", async () => {
    access.token.mockReturnValueOnce("t0").mockReturnValue("t1");
    fetched.mockResolvedValueOnce(answer(401, {})).mockResolvedValueOnce(answer(200, []));
    await api.list();
    expect(access.renew).not.toHaveBeenCalled();
  });

  it("passes on that the session has ended", async () => {
    access.renew.mockRejectedValue(new SessionEnded());
    fetched.mockResolvedValue(answer(401, {}));
    await expect(api.list()).rejects.toBeInstanceOf(SessionEnded);
  });

  it("tells a server that is away from one that refuses", async () => {
    fetched.mockRejectedValueOnce(new TypeError("Failed to fetch"));
    await expect(api.list()).rejects.toBeInstanceOf(Unreachable);
    fetched.mockRejectedValueOnce(new DOMException("late", "TimeoutError"));
    await expect(api.list()).rejects.toBeInstanceOf(Unreachable);
    fetched.mockResolvedValueOnce(answer(403, { detail: "no" }, { "WWW-Authenticate": 'Bearer realm="todo", error="insufficient_scope", scope="todos:write"' }));
    await expect(api.create("x")).rejects.toMatchObject({ status: 403, missingScope: "todos:write" });
    fetched.mockResolvedValueOnce(new Response("<html>", { status: 503 }));
    await expect(api.list()).rejects.toMatchObject({ status: 503, detail: "" });
  });

  it("takes an answer that breaks off, or comes from something else, for none", async () => {
    const broken = () => new Response(new ReadableStream({ start: (controller) => { controller.error(new TypeError("network error")); } }));
    for (const answered of [broken, () => new Response("<html>")]) {
      fetched.mockImplementation(() => Promise.resolve(answered()));
      for (const request of [api.me(), api.list(), api.create("x")]) {
        await expect(request).rejects.toBeInstanceOf(Unreachable);
      }
    }
  });

  it("stops with the signal, which is no failure of the server", async () => {
    const stop = new AbortController();
    fetched.mockImplementation((_, init) => new Promise((_, reject) => {
      init.signal?.addEventListener("abort", () => { reject(init.signal?.reason as Error); });
    }));
    const listed = api.list(stop.signal);
    stop.abort();
    await expect(listed).rejects.toMatchObject({ name: "AbortError" });
  });

  it("gives up an answer that takes too long, which is a failure of the server", async () => {
    fetched.mockImplementation((_, init) => new Promise((_, reject) => {
      init.signal?.addEventListener("abort", () => { reject(init.signal?.reason as Error); });
    }));
    const late = new AbortController();
    vi.spyOn(AbortSignal, "timeout").mockReturnValue(late.signal);
    const requests = [api.list(), api.list(new AbortController().signal)];
    late.abort(new DOMException("late", "TimeoutError"));
    for (const request of requests) {
      await expect(request).rejects.toBeInstanceOf(Unreachable);
    }
  });

  it("sets no limit to a stream", async () => {
    const timeout = vi.spyOn(AbortSignal, "timeout");
    fetched.mockResolvedValue(new Response(""));
    const { signal } = new AbortController();
    await api.events(signal);
    expect(sent("Accept")).toEqual([["GET", "/todos/events", "text/event-stream"]]);
    expect(fetched.mock.calls[0]?.[1].signal).toBe(signal);
    expect(timeout).not.toHaveBeenCalled();
  });

  it("shows who one is", async () => {
    fetched.mockResolvedValue(answer(200, { subject: "alice" }));
    expect(await api.me()).toEqual({ subject: "alice" });
    expect(sent("Authorization")).toEqual([["GET", "/me", "Bearer t0"]]);
  });
});

describe("changes of a todo", () => {
  it("are made to the version that was shown", async () => {
    fetched.mockResolvedValueOnce(answer(200, { ...shown, done: true }, { ETag: '"4"' }));
    expect(await api.update({ ...shown, etag: '"3"' }, { done: true })).toEqual({ ...shown, done: true, etag: '"4"' });
    fetched.mockResolvedValueOnce(answer(204, null));
    await api.remove({ ...shown, etag: '"4"' });
    expect(sent("If-Match")).toEqual([["PATCH", "/todos/7", '"3"'], ["DELETE", "/todos/7", '"4"']]);
    expect(sent("Content-Type")[0]?.[2]).toBe("application/json");
    expect(fetched.mock.calls[0]?.[1].body).toBe('{"done":true}');
  });

  it("ask for the tag of a todo from the list, which has none", async () => {
    fetched.mockResolvedValueOnce(answer(200, shown, { ETag: '"3"' })).mockResolvedValueOnce(answer(204, null));
    await api.remove(shown);
    expect(sent("If-Match")).toEqual([["GET", "/todos/7", null], ["DELETE", "/todos/7", '"3"']]);
  });

  it.each([{ title: "oat milk" }, { done: true }, { updated_at: "2026-01-02T00:00:00Z" }])("are not made when %j is not what was shown", async (change) => {
    const now = { ...shown, ...change };
    fetched.mockResolvedValueOnce(answer(200, now, { ETag: '"4"' }));
    await expect(api.remove(shown)).rejects.toMatchObject({ current: { ...now, etag: '"4"' } });
    expect(fetched).toHaveBeenCalledTimes(1);
  });

  it("are refused with 412, and the todo as it is now is fetched", async () => {
    fetched.mockResolvedValueOnce(answer(412, {})).mockResolvedValueOnce(answer(200, { ...shown, title: "oat milk" }, { ETag: '"4"' }));
    await expect(api.update({ ...shown, etag: '"3"' }, { title: "x" })).rejects.toMatchObject({ current: { title: "oat milk", etag: '"4"' } });
  });

  it("find out that it is gone", async () => {
    fetched.mockImplementation(() => Promise.resolve(answer(404, {})));
    for (const todo of [shown, { ...shown, etag: '"3"' }]) {
      const failure = await api.update(todo, { title: "x" }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ChangedElsewhere);
      expect(failure).toMatchObject({ current: null });
    }
  });

  it("have nothing to delete when it is gone", async () => {
    fetched.mockImplementation(() => Promise.resolve(answer(404, {})));
    await api.remove(shown);
    await api.remove({ ...shown, etag: '"3"' });
  });

  it("fail with what else goes wrong", async () => {
    fetched.mockResolvedValue(answer(503, {}));
    await expect(api.update({ ...shown, etag: '"3"' }, { title: "x" })).rejects.toBeInstanceOf(ApiError);
  });
});
