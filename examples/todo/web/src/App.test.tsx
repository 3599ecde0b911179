// @vitest-environment jsdom
import { act, cleanup, configure, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { ErrorResponse, InMemoryWebStorage, User, UserManager, WebStorageStateStore } from "oidc-client-ts";
import { AuthProvider } from "react-oidc-context";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App } from "./App";
import { remembered } from "./session";

const issuer = "https://id.example.com";

function aliceFor(seconds: number): User {
  return new User({
    access_token: "t0",
    refresh_token: "r0",
    id_token: "i0",
    token_type: "Bearer",
    expires_at: Date.now() / 1000 + seconds,
    profile: { sub: "alice", iss: issuer, aud: "todo-web", exp: 0, iat: 0, name: "Alice" },
  });
}

const alice = aliceFor(300);

let manager: UserManager;
const signinRedirect = vi.fn<(args?: object) => Promise<void>>();
const signoutRedirect = vi.fn<(args?: object) => Promise<void>>();
const fetched = vi.fn<(url: string) => Promise<Response>>();
const never = () => new Promise<never>(() => undefined);

beforeEach(() => {
  window.localStorage.clear();
  window.history.replaceState(null, "", "/");
  signinRedirect.mockReset().mockImplementation(never); // the page is left
  signoutRedirect.mockReset().mockImplementation(async () => {
    await manager.removeUser(); // as the real one does, before it leaves the page
    return never();
  });
  fetched.mockReset().mockImplementation(never);
  vi.stubGlobal("fetch", fetched);
  manager = new UserManager({
    authority: issuer,
    client_id: "todo-web",
    redirect_uri: "http://localhost/",
    automaticSilentRenew: false,
    userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
  });
  Object.assign(manager, { signinRedirect, signoutRedirect });
});

configure({ asyncUtilTimeout: 30_000 });

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function show() {
  render(
    <AuthProvider userManager={manager}>
      <App manager={manager} issuer={issuer} />
    </AuthProvider>,
  );
  await act(async () => { await Promise.resolve(); });
}

describe("App", () => {
  it("sends a first visitor nowhere", async () => {
    await show();
    await screen.findByRole("button", { name: "Sign in" });
    expect(signinRedirect).not.toHaveBeenCalled();
  });

  it("leaves for a provider that answers, and for no other", async () => {
    fetched.mockRejectedValueOnce(new TypeError("Failed to fetch"));
    await show();
    const button = await screen.findByRole("button", { name: "Sign in" });
    await userEvent.setup().click(button);
    await screen.findByText(/is away, so nobody can sign in/);
    expect(signinRedirect).not.toHaveBeenCalled();
    fetched.mockResolvedValueOnce(new Response("{}"));
    await userEvent.setup().click(button);
    await waitFor(() => { expect(signinRedirect).toHaveBeenCalledTimes(1); });
    expect(screen.queryByText(/is away/)).toBeNull();
  });

  it("gets a session back without a page", async () => {
    remembered.set();
    await show();
    await screen.findByText("Getting your session back…");
    await waitFor(() => { expect(signinRedirect).toHaveBeenCalledWith({ prompt: "none", redirectMethod: "replace" }); });
    expect(signinRedirect).toHaveBeenCalledTimes(1);
  });

  it("waits for a provider that is away, and says so", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    remembered.set();
    signinRedirect.mockRejectedValueOnce(new TypeError("Failed to fetch"));
    await show();
    await screen.findByText(/provider is away\. Your session comes back with it/);
    await act(() => vi.advanceTimersByTimeAsync(2_000));
    expect(signinRedirect).toHaveBeenCalledTimes(2);
    expect(remembered.get()).toBe(true);
  });

  it("says why the provider cannot be asked, and does not ask again by itself", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    remembered.set();
    signinRedirect.mockRejectedValue(new Error("Metadata does not contain property authorization_endpoint"));
    await show();
    await screen.findByText(/Signing in did not work \(Metadata/);
    await act(() => vi.advanceTimersByTimeAsync(60_000));
    expect(signinRedirect).toHaveBeenCalledTimes(1);
  });

  it("takes the provider's no for an answer", async () => {
    remembered.set();
    window.history.replaceState(null, "", "/?error=login_required&state=s");
    vi.spyOn(manager, "signinCallback").mockRejectedValue(new ErrorResponse({ error: "login_required" }));
    await show();
    await screen.findByRole("button", { name: "Sign in" });
    expect(screen.queryByText(/did not work/)).toBeNull();
    expect(signinRedirect).not.toHaveBeenCalled();
    expect(remembered.get()).toBe(false);
    expect(window.location.search).toBe("");
  });

  it("tells when a sign-in failed, and does not run in circles", async () => {
    remembered.set();
    window.history.replaceState(null, "", "/?code=c&state=s");
    vi.spyOn(manager, "signinCallback").mockRejectedValue(new Error("No matching state found in storage"));
    await show();
    await screen.findByText(/Signing in did not work \(No matching state/);
    expect(signinRedirect).not.toHaveBeenCalled();
    expect(window.location.search).toBe("");
  });

  it.each(["/?error=server_error", "/#error=server_error"])("does not run in circles with a provider that answers without a state: %s", async (address) => {
    remembered.set();
    window.history.replaceState(null, "", address);
    await show();
    await screen.findByRole("button", { name: "Sign in" });
    expect(signinRedirect).not.toHaveBeenCalled();
    expect(window.location.href).toBe(`${window.location.origin}/`);
  });

  it("does not sign in again whoever signs out", async () => {
    remembered.set();
    await manager.storeUser(alice);
    fetched.mockImplementation((url) => (url.startsWith(issuer) ? Promise.resolve(new Response("{}")) : never()));
    const elsewhere = new BroadcastChannel("todo.sign-outs");
    const told = new Promise((resolve) => { elsewhere.addEventListener("message", resolve); });
    await show();
    await userEvent.setup().click(await screen.findByRole("button", { name: "Sign out" }));
    await screen.findByRole("button", { name: "Sign in" });
    await told;
    elsewhere.close();
    // The ID token goes along, and the client with it, for a provider that has lost the token's key meanwhile.
    expect(signoutRedirect).toHaveBeenCalledWith({ extraQueryParams: { client_id: "todo-web" } });
    expect(signinRedirect).not.toHaveBeenCalled();
    expect(remembered.get()).toBe(false);
  });

  it("does not send the ID token of a session that the provider has ended", async () => {
    const ended = vi.spyOn(manager, "signinSilent").mockRejectedValue(new ErrorResponse({ error: "invalid_grant" }));
    await manager.storeUser(aliceFor(1));
    fetched.mockImplementation((url) => (url.startsWith(issuer) ? Promise.resolve(new Response("{}")) : never()));
    const hints: (string | undefined)[] = [];
    signoutRedirect.mockImplementation(async () => {
      hints.push((await manager.getUser())?.id_token);
      return never();
    });
    await show();
    await screen.findByRole("button", { name: "Sign in again" });
    expect(ended).toHaveBeenCalled();
    await userEvent.setup().click(screen.getByRole("button", { name: "Sign out" }));
    await waitFor(() => { expect(signoutRedirect.mock.calls).toEqual([[]]); });
    await waitFor(() => { expect(hints).toEqual([undefined]); });
  });

  it("promises no renewal once the provider has ended the session", async () => {
    vi.spyOn(manager, "signinSilent").mockRejectedValue(new ErrorResponse({ error: "invalid_grant" }));
    await manager.storeUser(alice);
    fetched.mockImplementation(() => Promise.resolve(new Response("{}", { status: 401 })));
    await show();
    await screen.findByText(/this page can go on for a moment only/);
    expect(document.querySelector(".clock")?.parentElement?.textContent).toMatch(/^in \d:\d\d$/);
  });

  it("ends the session here if the provider cannot be told", async () => {
    await manager.storeUser(alice);
    fetched.mockImplementation((url) => (url.startsWith(issuer) ? Promise.reject(new TypeError("Failed to fetch")) : never()));
    await show();
    await userEvent.setup().click(await screen.findByRole("button", { name: "Sign out" }));
    await screen.findByText(/signed out of this page/);
    expect(await manager.getUser()).toBeNull();
  });

  it("ends the session when another window signs out", async () => {
    await manager.storeUser(alice);
    await show();
    await screen.findByText("Alice");
    expect(remembered.get()).toBe(true);
    const channel = new BroadcastChannel("todo.sign-outs");
    channel.postMessage("signed out");
    await screen.findByRole("button", { name: "Sign in" });
    channel.close();
  });
});
