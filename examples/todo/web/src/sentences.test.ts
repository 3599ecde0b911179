import { ErrorResponse, ErrorTimeout } from "oidc-client-ts";
import { describe, expect, it } from "vitest";
import { ApiError, ChangedElsewhere, Unreachable } from "./api";
import { StreamBroken } from "./eventstream";
import { IssuerAway, SessionEnded } from "./renewal";
import { isAway, problemOf, sessionProblem, signInProblem } from "./sentences";

const todo = { id: "1", title: "milk", done: true, created_at: "", updated_at: "" };

describe("problemOf", () => {
  it.each([
    ["401", new ApiError(401, "the access token has expired"), /Sign in again/],
    ["an ended session", new SessionEnded(), /Sign in again/],
  ])("offers to sign in again after %s", (_, error, text) => {
    expect(problemOf(error, "retrying")).toEqual({ text: expect.stringMatching(text) as string, signIn: true });
  });

  it.each([
    ["403 that names a scope", new ApiError(403, "", "todos:write"), /lacks the scope todos:write/],
    ["403 that names none", new ApiError(403, ""), /may not do this/],
    ["503", new ApiError(503, "access tokens cannot be verified at the moment"), /identity provider.* away.*cannot be verified.*Trying again/],
    ["no answer", new Unreachable(), /cannot be reached.*Trying again/],
    ["a stream that broke off", new StreamBroken(), /cannot be reached.*Trying again/],
    ["an issuer that is away", new IssuerAway(), /identity provider.* away.*Trying again/],
    ["400", new ApiError(400, "title must not be empty"), /did not accept this: title must not be empty/],
    ["413", new ApiError(413, "the body is too long"), /did not accept this: the body is too long/],
    ["415", new ApiError(415, ""), /did not accept this: the request is wrong/],
    ["404", new ApiError(404, ""), /not there/],
    ["429", new ApiError(429, ""), /too often.*Trying again/],
    ["500", new ApiError(500, ""), /error \(500\).*Trying again/],
    ["a bug", new RangeError("secret details"), /Something went wrong/],
  ])("has a sentence for %s", (_, error, text) => {
    const problem = problemOf(error, "retrying");
    expect(problem.text).toMatch(text);
    expect(problem.text).not.toContain("secret");
    expect(problem.signIn).toBeUndefined();
  });

  it("does not say that it retries what it does not", () => {
    for (const error of [new ApiError(429, ""), new IssuerAway()]) {
      expect(problemOf(error, "try again").text).toMatch(/Nothing was changed. Please try again/);
    }
    // The answer got lost, here or behind the server, and nobody knows about the change.
    for (const error of [new Unreachable(), new ApiError(500, ""), new ApiError(503, ""), new ApiError(504, ""), new RangeError("a bug")]) {
      expect(problemOf(error, "try again").text).toMatch(/Look whether the change was made, or try again/);
      expect(problemOf(error, "try again").text).not.toMatch(/Nothing was changed|Trying again/);
    }
  });

  it("says how a todo was changed elsewhere", () => {
    expect(problemOf(new ChangedElsewhere(todo), "try again").text).toMatch(/“milk”, done\. Your change was not made/);
    expect(problemOf(new ChangedElsewhere(null), "try again").text).toMatch(/deleted elsewhere/);
  });
});

it("says what is wrong with the session, before and after the token's end", () => {
  expect(sessionProblem(new IssuerAway(), 60).text).toMatch(/can go on working/);
  expect(sessionProblem(new IssuerAway(), -1).text).toMatch(/has expired.*Trying again/);
  expect(sessionProblem(new SessionEnded(), 60)).toEqual({ text: expect.stringMatching(/go on for a moment/) as string, signIn: true });
  expect(sessionProblem(new SessionEnded(), 0)).toEqual({ text: expect.stringMatching(/has ended\. Sign in again/) as string, signIn: true });
});

it.each<[string, unknown, boolean]>([
  ["fetch fails", new TypeError("Failed to fetch"), true],
  ["a time-out", new ErrorTimeout("Network timed out"), true],
  ["a gateway says 502", new Error("Bad Gateway (502)"), true],
  ["the provider says no", new ErrorResponse({ error: "access_denied" }), false],
  ["the provider says 400", new Error("Bad Request (400)"), false],
  ["no error at all", "text", false],
])("knows an issuer that is away: %s", (_, error, away) => {
  expect(isAway(error)).toBe(away);
  expect(signInProblem(error).text).toMatch(away ? /is away/ : /did not work/);
});
