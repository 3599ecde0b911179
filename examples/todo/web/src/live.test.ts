import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Listing, Todo } from "./api";
import { StreamBroken } from "./eventstream";
import { follow } from "./live";

const milk: Todo = { id: "1", title: "milk", done: false, created_at: "", updated_at: "" };

/** A server that tells what the test makes it tell. */
class Stream {
  readonly body: ReadableStream<Uint8Array>;
  private controller!: ReadableStreamDefaultController<Uint8Array>;

  constructor(signal: AbortSignal) {
    this.body = new ReadableStream({ start: (controller) => { this.controller = controller; } });
    signal.addEventListener("abort", () => {
      try {
        this.controller.error(signal.reason);
      } catch {
        // closed before
      }
    });
  }

  tell(name: string, data: unknown = {}): Promise<unknown> {
    this.controller.enqueue(new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`));
    return settle();
  }

  comment(): Promise<unknown> {
    this.controller.enqueue(new TextEncoder().encode(": keep-alive\n\n"));
    return settle();
  }

  fail(): Promise<unknown> {
    this.controller.error(new TypeError("network error"));
    return settle();
  }

  end(): Promise<unknown> {
    this.controller.close();
    return settle();
  }
}

const settle = () => vi.advanceTimersByTimeAsync(1);

const streams: Stream[] = [];
const listener = { listed: vi.fn(), changed: vi.fn(), failed: vi.fn(), live: vi.fn() };
const source = {
  list: vi.fn<(signal: AbortSignal) => Promise<Listing>>(),
  events: vi.fn<(signal: AbortSignal) => Promise<Response>>(),
};
let stop: AbortController;
let ended: Promise<void>;

beforeEach(() => {
  vi.useFakeTimers();
  streams.length = 0;
  Object.values(listener).forEach((f) => f.mockReset());
  source.list.mockReset().mockResolvedValue({ items: [milk], complete: true });
  source.events.mockReset().mockImplementation((signal) => {
    const stream = new Stream(signal);
    streams.push(stream);
    return Promise.resolve(new Response(stream.body));
  });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await ended; // follow must end with its signal
  vi.useRealTimers();
});

async function begin(): Promise<void> {
  ended = follow(source, listener, stop.signal);
  await settle();
}

function last(): Stream {
  const stream = streams.at(-1);
  if (stream === undefined) {
    throw new Error("no stream was opened");
  }
  return stream;
}

describe("follow", () => {
  it("lists once the stream is ready, and not before", async () => {
    await begin();
    expect(source.list).not.toHaveBeenCalled();
    await last().tell("ready");
    expect(listener.listed).toHaveBeenCalledWith({ items: [milk], complete: true });
    expect(listener.live).toHaveBeenCalledTimes(1);
  });

  it("tells changes in their order, also those that come while the list is on its way", async () => {
    let listed: (listing: Listing) => void = () => undefined;
    source.list.mockReturnValue(new Promise((resolve) => { listed = resolve; }));
    await begin();
    await last().tell("ready");
    await last().tell("created", { todo: milk, etag: '"1"' });
    await last().tell("updated", { todo: { ...milk, done: true }, etag: '"2"' });
    await last().tell("deleted", { id: "1" });
    expect(listener.changed).not.toHaveBeenCalled();
    listed({ items: [], complete: true });
    await settle();
    expect(listener.listed.mock.invocationCallOrder[0]).toBeLessThan(listener.changed.mock.invocationCallOrder[0] ?? 0);
    expect(listener.changed.mock.calls).toEqual([
      [{ kind: "saved", todo: { ...milk, etag: '"1"' } }],
      [{ kind: "saved", todo: { ...milk, done: true, etag: '"2"' } }],
      [{ kind: "deleted", id: "1" }],
    ]);
  });

  it("does not mind events that it does not know", async () => {
    await begin();
    await last().tell("ready");
    await last().tell("shared", { with: "bob" });
    expect(listener.changed).not.toHaveBeenCalled();
    expect(listener.failed).not.toHaveBeenCalled();
  });

  it.each(["expired", "lagging", "stopping"])("goes on at once, with a new list, when the stream ends with %s after a while", async (name) => {
    await begin();
    await last().tell("ready");
    await vi.advanceTimersByTimeAsync(10_000);
    await last().comment();
    await last().tell(name);
    expect(source.events).toHaveBeenCalledTimes(2);
    await last().tell("ready");
    expect(source.list).toHaveBeenCalledTimes(2);
    expect(listener.failed).not.toHaveBeenCalled();
  });

  it("does not run in circles when each stream ends at once", async () => {
    source.events.mockImplementation((signal) => {
      const stream = new Stream(signal);
      void stream.tell("expired");
      return Promise.resolve(new Response(stream.body));
    });
    await begin();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(source.events.mock.calls.length).toBeLessThan(60);
    expect(source.events.mock.calls.length).toBeGreaterThan(15);
  });

  it("comes back after failures, in bounded waits, and tells each", async () => {
    const failure = new Error("away");
    source.events.mockRejectedValue(failure);
    source.list.mockRejectedValue(failure);
    await begin();
    expect(listener.failed).toHaveBeenCalledWith(failure);
    await vi.advanceTimersByTimeAsync(600_000);
    const attempts = source.events.mock.calls.length;
    expect(attempts).toBeGreaterThanOrEqual(600 / 30);
    expect(attempts).toBeLessThan(60);
    expect(listener.failed).toHaveBeenCalledTimes(attempts);
    source.events.mockImplementation((signal) => {
      const stream = new Stream(signal);
      streams.push(stream);
      return Promise.resolve(new Response(stream.body));
    });
    source.list.mockResolvedValue({ items: [], complete: true });
    await vi.advanceTimersByTimeAsync(30_000);
    await last().tell("ready");
    expect(listener.live).toHaveBeenCalledTimes(1);
  });

  it("comes back soon when a stream breaks off that lasted for a while, whatever was before", async () => {
    source.events.mockRejectedValueOnce(new Error("away")).mockRejectedValueOnce(new Error("away")).mockRejectedValueOnce(new Error("away"));
    await begin();
    await vi.advanceTimersByTimeAsync(7_000); // 1 + 2 + 4 s at most
    expect(source.events).toHaveBeenCalledTimes(4);
    await last().tell("ready");
    await vi.advanceTimersByTimeAsync(10_000);
    await last().fail();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(source.events).toHaveBeenCalledTimes(5);
  });

  it("shows the list even if the stream cannot be had", async () => {
    source.events.mockRejectedValue(new Error("no stream"));
    await begin();
    expect(listener.listed).toHaveBeenCalledTimes(1);
    expect(listener.live).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(listener.listed).toHaveBeenCalledTimes(1);
  });

  it("fails, and comes back, when the list cannot be had, or the stream breaks off", async () => {
    source.list.mockRejectedValueOnce(new Error("no list"));
    await begin();
    await last().tell("ready");
    expect(listener.failed).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(2_000);
    await last().tell("ready");
    expect(listener.live).toHaveBeenCalledTimes(1);
    await last().end(); // without a word
    expect(listener.failed).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(source.events.mock.calls.length).toBeGreaterThan(2);
  });

  it("tells when the stream breaks off", async () => {
    await begin();
    await last().tell("ready");
    await last().fail();
    expect(listener.failed).toHaveBeenCalledWith(expect.any(StreamBroken));
    expect(source.list).toHaveBeenCalledTimes(1); // the next stream lists again
  });

  it("gives up a stream that is silent for too long, and none that sends comments", async () => {
    await begin();
    await last().tell("ready");
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(15_000);
      await last().comment();
    }
    expect(source.events).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(46_000);
    expect(listener.failed).toHaveBeenCalledTimes(1);
    expect(listener.failed).toHaveBeenCalledWith(expect.any(StreamBroken));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(source.events).toHaveBeenCalledTimes(2);
  });

  const untilAborted = (signal: AbortSignal) => new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => { reject(signal.reason as Error); });
  });

  it("gives up an opening that takes too long", async () => {
    source.events.mockImplementationOnce(untilAborted);
    await begin();
    await vi.advanceTimersByTimeAsync(50_000);
    expect(source.events).toHaveBeenCalledTimes(2);
  });

  it("gives up a list that takes too long", async () => {
    source.list.mockImplementationOnce(untilAborted);
    await begin();
    await last().tell("ready");
    await vi.advanceTimersByTimeAsync(50_000);
    expect(source.events).toHaveBeenCalledTimes(2);
  });

  it("closes the stream with its signal, and tells nothing more", async () => {
    await begin();
    await last().tell("ready");
    stop.abort();
    await ended;
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(source.events).toHaveBeenCalledTimes(1);
    expect(listener.failed).not.toHaveBeenCalled();
  });
});
