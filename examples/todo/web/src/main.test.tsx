// @vitest-environment jsdom
import { screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const fetched = vi.fn<(url: string) => Promise<Response>>();

function blocked(): never {
  throw new DOMException("The operation is insecure.", "SecurityError");
}

beforeEach(() => {
  vi.resetModules();
  document.body.innerHTML = '<div id="root"></div>';
  window.localStorage.clear();
  window.sessionStorage.clear();
  window.history.replaceState(null, "", "/");
  fetched.mockReset().mockReturnValue(new Promise(() => undefined)).mockResolvedValueOnce(Response.json({ issuer: "https://id.example.com", client_id: "todo-web", scope: "openid" }));
  vi.stubGlobal("fetch", fetched);
});

afterEach(() => { vi.unstubAllGlobals(); });

const sentence = /does not let the page store anything/;

it("shows the way in", async () => {
  await import("./main");
  await screen.findByRole("button", { name: "Sign in" });
});

describe.each([
  ["/?code=c&state=s", "No matching state"],
  ["/#code=c&state=s", "No state in response"],
  ["/#error=x&state=s", "No state in response"],
  ["/?error=x&state=s#error=x&state=s", "No matching state"],
])("an answer in the address, %s,", (address, reason) => {
  beforeEach(() => { window.history.replaceState(null, "", address); });
  afterEach(() => { expect(window.location.href).toBe(`${window.location.origin}/`); });

  it("is no failure if nobody asked for it", async () => {
    await import("./main");
    await screen.findByRole("button", { name: "Sign in" });
    expect(screen.queryByText(/did not work/)).toBeNull();
  });

  it("gives way to the earlier session if nobody asked for it", async () => {
    window.localStorage.setItem("todo.signed-in", "1");
    await import("./main");
    await screen.findByText("Getting your session back…");
    await waitFor(() => { expect(fetched).toHaveBeenLastCalledWith("https://id.example.com/.well-known/openid-configuration", expect.anything()); });
    expect(window.localStorage.getItem("todo.asked")).not.toBeNull();
  });

  it.each(["", "1"])("is a failure once if this browser asked, and its state is lost", async (remembered) => {
    window.localStorage.setItem("todo.asked", "1");
    if (remembered) window.localStorage.setItem("todo.signed-in", remembered);
    await import("./main");
    await screen.findByText(new RegExp(`Signing in did not work \\(${reason}`));
    expect(window.localStorage.getItem("todo.asked")).toBeNull();
  });
});

it.each(["/?code=c&state=s", "/?code=c&state=s#_=_"])("reads the answer in %s if its state is there", async (address) => {
  window.history.replaceState(null, "", address);
  const state = { id: "s", created: 1, request_type: "si:r", authority: "https://elsewhere.example", client_id: "todo-web" };
  window.sessionStorage.setItem("oidc.s", JSON.stringify(state));
  await import("./main");
  await screen.findByText(/Signing in did not work \(authority mismatch/);
});

it("says when the server is away", async () => {
  fetched.mockReset().mockRejectedValue(new TypeError("Failed to fetch"));
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
