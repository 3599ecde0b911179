import { describe, expect, it } from "vitest";
import { claimText, claimsOf, clock, rolesOf } from "./token";

function jwt(payload: unknown): string {
  const bytes = new TextEncoder().encode(JSON.stringify(payload));
  return `e30.${btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "")}.c2ln`;
}

describe("claimsOf", () => {
  it("reads the payload", () => {
    expect(claimsOf(jwt({ sub: "a", name: "Zoë ÿþ你好" }))).toEqual({ sub: "a", name: "Zoë ÿþ你好" });
  });

  it("reads the alphabet of base64url", () => {
    const token = jwt({ text: ">>>> ???? >>>> ???? >>>> ????" });
    expect(token).toMatch(/-.*_|_.*-/);
    expect(claimsOf(token)).toEqual({ text: ">>>> ???? >>>> ???? >>>> ????" });
  });

  it.each(["", "opaque", "a.b", "a.!.c", jwt([1]), jwt("text"), jwt(null)])("has none for %j", (token) => {
    expect(claimsOf(token)).toBeNull();
  });
});

describe("rolesOf", () => {
  it("lists roles of the realm and of clients", () => {
    expect(rolesOf({ realm_access: { roles: ["admin"] }, resource_access: { account: { roles: ["view", "edit"] } } })).toEqual([
      "admin",
      "account:view",
      "account:edit",
    ]);
  });

  it.each([{}, { realm_access: null }, { realm_access: { roles: "admin" } }, { realm_access: { roles: [1] }, resource_access: [] }])(
    "finds none in %j",
    (claims) => { expect(rolesOf(claims)).toEqual([]); },
  );
});

it("shows times as times, and other claims as they are", () => {
  expect(claimText("exp", 0)).toBe(new Date(0).toLocaleString());
  expect(claimText("sub", "alice")).toBe("alice");
  expect(claimText("aud", ["a", "b"])).toBe('["a","b"]');
});

it.each([
  [0.2, "0:01"],
  [65, "1:05"],
  [3600, "1:00:00"],
  [36_061, "10:01:01"],
  [0, "0:00"],
  [-5, "0:00"],
])("shows %d s as %s", (seconds, text) => {
  expect(clock(seconds)).toBe(text);
});
