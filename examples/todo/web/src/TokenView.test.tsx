// @vitest-environment jsdom
import { cleanup, render, screen } from "@testing-library/react";
import type { User } from "oidc-client-ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Api, ApiError } from "./api";
import { IssuerAway, SessionEnded, type Trouble } from "./renewal";
import { TokenView } from "./TokenView";

const api = { me: vi.fn() };
const payload = { sub: "alice", realm_access: { roles: ["todo-admin"] } };
const alice = { access_token: `e30.${btoa(JSON.stringify(payload))}.c2ln` } as User;

beforeEach(() => {
  api.me.mockReset().mockResolvedValue({
    issuer: "https://id.example.com",
    subject: "alice",
    preferred_username: "alice.archer",
    audience: ["todo-api", "account"],
    scopes: ["todos:read"],
  });
});

afterEach(cleanup);

function show(user: User, left = 65, trouble: Trouble | null = null) {
  return render(<TokenView api={api as unknown as Api} user={user} left={left} trouble={trouble} />);
}

/** What the page says of something. */
function fact(name: string): string | null | undefined {
  return screen.queryByText(name, { selector: ".facts:not(.claims) > dt" })?.nextElementSibling?.textContent;
}

describe("TokenView", () => {
  it("says what the API has made of the token, and what the token says", async () => {
    show(alice);
    await screen.findByText(/The API has verified this token/);
    expect(["User", "Subject", "Issuer", "Audience", "Scopes", "Roles", "Expires"].map(fact)).toEqual([
      "alice.archer",
      "alice",
      "https://id.example.com",
      "todo-api, account",
      "todos:read",
      "todo-admin",
      "in 1:05, and is renewed before that",
    ]);
    expect(screen.getByText("realm_access").nextElementSibling?.textContent).toBe('{"roles":["todo-admin"]}');
  });

  it("shows nothing as verified that is not, and asks about each new token", async () => {
    api.me.mockRejectedValueOnce(new ApiError(503, ""));
    const { rerender } = show(alice);
    await screen.findByText(/has not said anything about this token yet/);
    expect(fact("Subject")).toBeUndefined();
    expect(fact("Roles")).toBe("todo-admin");
    rerender(<TokenView api={api as unknown as Api} user={{ access_token: "opaque" } as User} left={65} trouble={null} />);
    await screen.findByText(/The API has verified this token/);
    expect(fact("Roles")).toBeUndefined(); // a token that is no JWT says nothing
  });

  it.each([new SessionEnded(), new IssuerAway()])("promises no renewal that may not come: %s", (trouble) => {
    show(alice, 2, trouble);
    expect(fact("Expires")).toBe("in 0:02");
  });

  it.each([
    [0, "It has expired"],
    [-1, "It has expired"],
    [Infinity, "The identity provider does not say when"],
  ])("does not count %d s down", (left, text) => {
    show(alice, left);
    expect(fact("Expires")).toBe(text);
  });
});
