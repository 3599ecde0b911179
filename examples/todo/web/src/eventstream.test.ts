import { describe, expect, it, vi } from "vitest";
import { readEvents, type ServerEvent } from "./eventstream";

/** A stream that brings the bytes in the given pieces. */
function streamOf(...pieces: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) {
        controller.enqueue(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
      }
      controller.close();
    },
  });
}

async function eventsOf(...pieces: (string | Uint8Array)[]): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of readEvents(streamOf(...pieces))) {
    events.push(event);
  }
  return events;
}

describe("readEvents", () => {
  it("reads names and data", async () => {
    expect(await eventsOf('event: created\ndata: {"a":1}\n\nevent: deleted\ndata: {}\n\n')).toEqual([
      { name: "created", data: '{"a":1}' },
      { name: "deleted", data: "{}" },
    ]);
  });

  it.each([
    ["CRLF", "event: a\r\ndata: b\r\n\r\n"],
    ["CR", "event: a\rdata: b\r\r:\n"], // the last CR counts once more has come
    ["a mixture", "event: a\rdata: b\n\r\n"],
    ["no space after the colon", "event:a\ndata:b\n\n"],
    ["fields that are not known", "id: 7\nretry: 5\nwhatever\nevent: a\ndata: b\n\n"],
    ["a byte order mark", "\uFEFFevent: a\ndata: b\n\n"],
    ["comments", ": keep-alive\n\n: keep-alive\nevent: a\n: more\ndata: b\n\n"],
  ])("understands %s", async (_, text) => {
    expect(await eventsOf(text)).toEqual([{ name: "a", data: "b" }]);
  });

  it("gives the same for every cut of the bytes", async () => {
    const bytes = new TextEncoder().encode("event: a\r\ndata: grüße, 你好 🎉\r\n\r\ndata: x\n\n");
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(await eventsOf(bytes.slice(0, cut), bytes.slice(cut)), `cut at ${cut.toString()}`).toEqual([
        { name: "a", data: "grüße, 你好 🎉" },
        { name: "message", data: "x" },
      ]);
    }
  });

  it("joins lines of data", async () => {
    expect(await eventsOf("data: one\ndata\ndata:  two\n\n")).toEqual([{ name: "message", data: "one\n\n two" }]);
  });

  it("drops an event without data, and one whose empty line did not come", async () => {
    expect(await eventsOf("event: a\n\nevent: b\ndata: cut\n")).toEqual([]);
  });

  it("says when it hears something, comments included", async () => {
    const heard = vi.fn();
    for await (const event of readEvents(streamOf(": keep-alive\n\n", ": keep-alive\n\n"), heard)) {
      expect.unreachable(event.name);
    }
    expect(heard).toHaveBeenCalledTimes(2);
  });

  it.each([
    ["a line", "data: " + "x".repeat(70_000)],
    ["many lines", "data: 1234567890\n".repeat(7_000)],
  ])("gives up on %s without an end", async (_, text) => {
    await expect(eventsOf(text)).rejects.toThrow("too long");
  });

  it("ends the stream when its reader stops", async () => {
    const cancel = vi.fn();
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) { controller.enqueue(new TextEncoder().encode("data: x\n\n")); },
      cancel,
    });
    for await (const event of readEvents(endless)) {
      expect(event.data).toBe("x");
      break;
    }
    expect(cancel).toHaveBeenCalled();
  });
});
