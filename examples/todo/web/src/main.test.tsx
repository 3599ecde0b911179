// @vitest-environment jsdom
import { screen } from "@testing-library/react";
import { afterEach, beforeEach, it, vi } from "vitest";

const fetched = vi.fn<() => Promise<Response>>();

function blocked(): never {
  throw new DOMException("The operation is insecure.", "SecurityError");
}

beforeEach(() => {
  vi.resetModules();
  document.body.innerHTML = '<div id="root"></div>';
  fetched.mockReset().mockResolvedValue(Response.json({ issuer: "https://id.example.com", client_id: "todo-web", scope: "openid" }));
  vi.stubGlobal("fetch", fetched);
});

afterEach(() => { vi.unstubAllGlobals(); });

const sentence = /does not let the page store anything/;

it("shows the way in", async () => {
  await import("./main");
  await screen.findByRole("button", { name: "Sign in" });
});

it("says when the server is away", async () => {
  fetched.mockRejectedValue(new TypeError("Failed to fetch"));
  await import("./main");
  await screen.findByText(/server cannot be reached/);
});

it.each(["sessionStorage", "localStorage"] as const)("says when the browser keeps its %s from the page", async (name) => {
  const before = Object.getOwnPropertyDescriptor(window, name);
  Object.defineProperty(window, name, { configurable: true, get: blocked });
  try {
    await import("./main");
    await screen.findByText(sentence);
  } finally {
    Object.defineProperty(window, name, before ?? {});
  }
});

it("says when the browser lets windows tell each other nothing", async () => {
  vi.stubGlobal("BroadcastChannel", vi.fn(blocked));
  await import("./main");
  await screen.findByText(sentence);
});
