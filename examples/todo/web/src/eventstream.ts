/** One event of a text/event-stream. */
export interface ServerEvent {
  name: string; // "message" unless the server says otherwise
  data: string;
}

/** The stream broke off, or is no stream of events. */
export class StreamBroken extends Error {
  override name = "StreamBroken";
}

// More than any event that the API sends: a todo has at most 500 characters.
const maxEvent = 64 * 1024;

/**
 * Reads the events of a text/event-stream (WHATWG HTML, section 9.2). The page
 * reads the stream itself because the browser's EventSource sends no
 * Authorization header. `heard` is called whenever bytes arrive, keep-alive
 * comments included.
 */
export async function* readEvents(
  stream: ReadableStream<Uint8Array>,
  heard: () => void = () => undefined,
): AsyncGenerator<ServerEvent, void, undefined> {
  const reader = stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = "";
  let event = new Draft();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw new StreamBroken("the stream broke off", { cause: error });
      });
      if (done) {
        return; // an event without its empty line is incomplete, and dropped
      }
      heard();
      rest += value;
      for (;;) {
        const line = cutLine(rest);
        if (line === null) {
          break;
        }
        rest = line.rest;
        if (line.text !== "") {
          event.take(line.text);
          continue;
        }
        const complete = event.finish();
        event = new Draft();
        if (complete !== null) {
          yield complete;
        }
      }
      if (rest.length + event.size > maxEvent) {
        throw new StreamBroken("an event of the stream is too long");
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** An event whose lines are still coming. */
class Draft {
  size = 0;
  private name = "";
  private readonly data: string[] = [];

  take(line: string): void {
    this.size += line.length;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon); // a comment has an empty field
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") {
      this.name = value;
    } else if (field === "data") {
      this.data.push(value);
    }
  }

  finish(): ServerEvent | null {
    if (this.data.length === 0) {
      return null;
    }
    return { name: this.name === "" ? "message" : this.name, data: this.data.join("\n") };
  }
}

/** A line ends with LF, CR or CRLF. A CR at the very end may be half of a CRLF, so it waits for more. */
function cutLine(text: string): { text: string; rest: string } | null {
  const end = text.search(/[\r\n]/);
  if (end < 0 || (text[end] === "\r" && end === text.length - 1)) {
    return null;
  }
  const length = text[end] === "\r" && text[end + 1] === "\n" ? 2 : 1;
  return { text: text.slice(0, end), rest: text.slice(end + length) };
}
