// @vitest-environment jsdom
import { ErrorResponse, User } from "oidc-client-ts";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { needsInteraction, newUserManager, reach, signOuts } from "./session";

const fetched = vi.fn<(url: string) => Promise<Response>>();

beforeEach(() => { vi.stubGlobal("fetch", fetched.mockReset()); });

afterEach(() => { vi.unstubAllGlobals(); });

it("keeps tokens in memory only, and leaves their renewal to Renewal", async () => {
  const manager = newUserManager({ issuer: "https://id.example.com", client_id: "todo-web", scope: "openid" });
  await manager.storeUser(new User({ access_token: "secret", refresh_token: "secret", id_token: "secret", token_type: "Bearer", profile: { sub: "alice", iss: "", aud: "", exp: 0, iat: 0 } }));
  expect((await manager.getUser())?.access_token).toBe("secret");
  for (const storage of [window.localStorage, window.sessionStorage]) {
    expect(JSON.stringify(Object.entries(storage))).not.toContain("secret");
  }
  expect(manager.settings).toMatchObject({ response_type: "code", disablePKCE: false, automaticSilentRenew: false });
});

it.each([
  ["login_required", true],
  ["interaction_required", true],
  ["consent_required", true],
  ["account_selection_required", true],
  ["access_denied", false],
])("knows whether %s asks for a page of the provider", (error, needs) => {
  expect(needsInteraction(new ErrorResponse({ error }))).toBe(needs);
  expect(needsInteraction(new Error(error))).toBe(false);
});

it.each(["https://id.example.com/realms/x", "https://id.example.com/realms/x/"])("reaches %s, or says that it cannot", async (issuer) => {
  fetched.mockResolvedValueOnce(new Response("{}"));
  await reach(issuer);
  expect(fetched).toHaveBeenCalledWith("https://id.example.com/realms/x/.well-known/openid-configuration", expect.anything());
  fetched.mockResolvedValueOnce(new Response("", { status: 503 }));
  await expect(reach(issuer)).rejects.toThrow("(503)");
});

it("tells other windows of a sign-out, and not this one", async () => {
  const heard = vi.fn();
  const stop = signOuts.hear(heard);
  const elsewhere = new BroadcastChannel("todo.sign-outs");
  const told = new Promise((resolve) => { elsewhere.addEventListener("message", resolve); });
  signOuts.tell();
  await told;
  expect(heard).not.toHaveBeenCalled();
  elsewhere.postMessage("signed out");
  await vi.waitFor(() => { expect(heard).toHaveBeenCalledTimes(1); });
  stop();
  elsewhere.close();
});
