import type { Browser, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { launch, visit, type Visitor } from "./browser";
import { aDay, renewals, twoPeople } from "./journey";
import { expectAccessible } from "./looks";
import { unique } from "./names";
import { devIssuer, rotate } from "./provider";
import { startServer, type Server } from "./server";
import { TodoPage } from "./todopage";

let browser: Browser;
let server: Server;
const visitors: Visitor[] = [];

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), startServer()]);
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

// Whatever a test does, the browser must have nothing to complain about: a violation of the policy above all.
afterEach(async () => {
  const complaints = visitors.flatMap((visitor) => visitor.complaints);
  await Promise.all(visitors.map((visitor) => visitor.close()));
  visitors.length = 0;
  expect(complaints).toEqual([]);
});

async function open(url = server.url): Promise<{ todo: TodoPage; visitor: Visitor }> {
  const visitor = await visit(browser, url);
  visitors.push(visitor);
  return { todo: new TodoPage(visitor.page), visitor };
}

/** Another window of the same person, whose session comes along. */
async function openAnother(visitor: Visitor): Promise<TodoPage> {
  const other = await visitor.another();
  visitors.push(other);
  const todo = new TodoPage(other.page);
  await todo.field.waitFor();
  return todo;
}

describe("a session", () => {
  it("lets alice sign in, work, reload, and sign out", async () => {
    const { todo } = await open();
    await aDay(todo, devIssuer);
  });

  it("shows bob nothing of alice's", async () => {
    const [alice, bob] = [await open(), await open()];
    await twoPeople(alice.todo, bob.todo, devIssuer);
  });

  it("says who one is, and what the token says", async () => {
    const { todo } = await open();
    await todo.signIn(devIssuer, "alice");
    await todo.page.getByText("The API has verified this token").waitFor();
    const facts = await todo.page.locator(".facts").first().innerText();
    for (const fact of ["alice", `${server.url}/dev-issuer`, "todo-api", "todos:read", "todos:write", "todo-admin"]) {
      expect(facts).toContain(fact);
    }
    expect(await todo.claim("client_id")).toBe("todo-web");
    const before = await todo.left();
    await expect.poll(() => todo.left()).toBeLessThan(before); // it ticks
  });

  it("is found by another window, and ends in all of them", async () => {
    const first = await open();
    await first.todo.signIn(devIssuer, "alice");
    const second = await openAnother(first.visitor);
    await second.signOut();
    await first.todo.signInButton.waitFor();
  });

  it("works when the page is opened at localhost", async () => {
    const { todo } = await open(server.url.replace("127.0.0.1", "localhost"));
    await todo.signIn(devIssuer, "bob");
    const title = unique("at localhost");
    await todo.add(title);
    await todo.page.reload();
    await todo.box(title).waitFor();
    await todo.signOut();
  });

  it("works when the server is called localhost and the page is opened at the number", async () => {
    const named = await startServer({ TODO_ADDR: "localhost:0" });
    onTestFinished(named.stop);
    const { todo } = await open(named.url);
    await todo.signIn(devIssuer, "bob");
    await todo.page.reload();
    await todo.field.waitFor();
    await todo.signOut();
  });

  it("is there also at an address with an answer from before, and a stranger finds the way in there", async () => {
    const { todo } = await open();
    const answers: string[] = [];
    todo.page.on("request", (request) => { if (request.url().includes("/?code=")) answers.push(request.url()); });
    await todo.signIn(devIssuer, "alice");
    const [old = ""] = answers;
    await todo.page.goto(old);
    await todo.field.waitFor();
    expect(answers).toHaveLength(3); // the old one again, and the one to the page's own question

    const stranger = await open(old);
    await stranger.todo.signInButton.waitFor();
    await stranger.todo.untold();
  });

  it.each(["/?error=x&state=y", "/#error=x&state=y"])("is there also at somebody else's link: %s", async (link) => {
    const { todo } = await open();
    await todo.signIn(devIssuer, "alice");
    await todo.page.goto("about:blank"); // from the page itself, the browser would only move to the fragment
    await todo.page.goto(server.url + link);
    await todo.field.waitFor();
    await todo.untold();
    expect(todo.page.url()).toBe(`${server.url}/`);
  });

  it("does not send one in circles when the answers do not fit", async () => {
    const { todo } = await open();
    await todo.signIn(devIssuer, "alice");
    let asked = 0;
    await todo.page.route("**/authorize?*", async (route) => {
      asked++;
      await route.continue({ url: route.request().url().replace(/state=[^&]*/, "state=another") });
    });
    await todo.page.reload();
    await todo.told(/Signing in did not work \(No matching state/);
    expect(asked).toBe(1);
    await todo.page.unrouteAll();
    await todo.page.reload(); // nothing is lost
    await todo.field.waitFor();
  });

  it("ends at the page also when the provider has lost its key", async () => {
    const { todo, visitor } = await open();
    await todo.signIn(devIssuer, "alice");
    // As after a restart, which the page has not noticed.
    await todo.page.route("**/end_session?*", async (route) => {
      const url = new URL(route.request().url());
      url.searchParams.set("id_token_hint", `${url.searchParams.get("id_token_hint") ?? ""}AAAA`);
      await route.continue({ url: url.href });
    });
    await todo.signOut();
    expect(await visitor.page.content()).not.toContain("id_token_hint");
  });

  it("cannot begin where the browser stores nothing, and the page says so", async () => {
    const { todo } = await open("about:blank");
    await todo.page.addInitScript(() => {
      Object.defineProperty(window, "sessionStorage", { get: () => { throw new DOMException("denied", "SecurityError"); } });
    });
    await todo.page.goto(server.url);
    await todo.told(/does not let the page store anything/);
    await expectAccessible(todo.page, "no-storage");
  });

  it("notices nothing of rotated keys", async () => {
    const { todo } = await open();
    await todo.signIn(devIssuer, "alice");
    await rotate(server);
    await todo.add(unique("under the old key"));
    await todo.page.reload(); // a new token, under the new key
    await todo.add(unique("under the new key"));
    await rotate(server);
    await todo.add(unique("after another rotation"));
    expect(await todo.page.locator(".notice").count()).toBe(0);
  });
});

describe("several windows", () => {
  it("show what is done in another", async () => {
    const first = await open();
    await first.todo.signIn(devIssuer, "alice");
    await first.todo.live();
    const second = await openAnother(first.visitor);
    await second.live();
    const title = unique("seen elsewhere");
    await second.add(title);
    await first.todo.box(title).click();
    await expect.poll(() => second.box(title).isChecked()).toBe(true);
    await first.todo.page.getByRole("button", { name: `Delete ${title}` }).click();
    await second.box(title).waitFor({ state: "detached" });
  });

  it("do not overwrite each other's edits unless told to", async () => {
    const first = await open();
    await first.todo.signIn(devIssuer, "alice");
    await first.todo.live();
    const [title, theirs, ours] = [unique("draft"), unique("theirs"), unique("ours")];
    await first.todo.add(title);
    const second = await openAnother(first.visitor);
    await second.box(title).waitFor();

    await first.todo.page.getByRole("button", { name: `Edit ${title}` }).click();
    await second.page.getByRole("button", { name: `Edit ${title}` }).click();
    await second.page.getByLabel(`New title of ${title}`).fill(theirs);
    await second.page.keyboard.press("Enter");
    await second.box(theirs).waitFor();

    await first.todo.page.getByLabel(`New title of ${title}`).fill(ours);
    await first.todo.page.keyboard.press("Enter");
    await first.todo.told(new RegExp(`changed elsewhere: it is now “${theirs}”`));
    await expectAccessible(first.todo.page, "changed-elsewhere");
    await first.todo.page.getByLabel(`New title of ${title}`).focus();
    await first.todo.page.keyboard.press("Enter");
    await first.todo.box(ours).waitFor();
    await second.box(ours).waitFor();
  });
});

describe("tokens that last a moment", () => {
  const tokenLife = 12; // seconds
  let shortLived: Server;
  beforeAll(async () => { shortLived = await startServer({ TODO_DEV_TOKEN_LIFETIME: `${tokenLife.toString()}s`, TODO_LEEWAY: "0s" }); });
  afterAll(async () => { await shortLived.stop(); });

  it("are renewed and their keys rotated, and nobody notices", async () => {
    const { todo } = await open(shortLived.url);
    await renewals(todo, devIssuer, tokenLife, () => rotate(shortLived));
  });

  it("serve until they expire while the provider is away, and the page says what is wrong", async () => {
    const { todo } = await open(shortLived.url);
    await todo.signIn(devIssuer, "alice");
    await todo.page.route(devIssuer.traffic, (route) => route.abort("connectionrefused"));
    await todo.told(/The identity provider is away\. You can go on working/);
    await todo.add(unique("while it is away"));
    await todo.told(/The identity provider is away, and your access token has expired/);
    // The API may take the token for a second more: the page rounds its life down.
    await expect.poll(() => todo.submit("too late")).toBe(401);
    await todo.told(/identity provider.*is away\. Nothing was changed/);
    expect(await todo.field.inputValue()).toBe("too late");
    await todo.told(/could renew it is away\. Trying again/); // the stream has ended with the token
    await expectAccessible(todo.page, "expired");

    await todo.page.unroute(devIssuer.traffic);
    await todo.page.getByRole("alert").filter({ hasText: /has expired/ }).waitFor({ state: "detached" });
    expect(await todo.submit("in time")).toBe(201);
    await todo.untold();
  });

  it("are not renewed when the session has ended, and one signs in again", async () => {
    const { todo } = await open(shortLived.url);
    await todo.signIn(devIssuer, "bob");
    const token = "**/oauth/token";
    await todo.page.route(token, (route) =>
      route.request().postData()?.includes("grant_type=refresh_token") ? route.fulfill({ status: 400, json: { error: "invalid_grant" } }) : route.continue(),
    );
    await todo.told(/session has ended at the identity provider/);
    // The session's notice and, as the stream ends with the token, the list's.
    await todo.page.getByRole("alert").filter({ hasText: /Your session has ended\. Sign in again/ }).nth(1).waitFor();
    await expectAccessible(todo.page, "ended");
    await todo.page.getByRole("button", { name: "Sign in again" }).first().click();
    await todo.untold();
    await todo.page.unroute(token);
    await todo.add(unique("signed in again"));
  });
});

describe("errors are sentences", () => {
  it("a provider that is away at the sign-in, and at a reload", async () => {
    const { todo } = await open();
    await todo.page.route(devIssuer.traffic, (route) => route.abort("connectionrefused"));
    await todo.signInButton.click();
    await todo.told(/identity provider is away, so nobody can sign in/);
    await expectAccessible(todo.page, "sign-in-away");
    await todo.page.unroute(devIssuer.traffic);
    await todo.signIn(devIssuer, "alice");

    await todo.page.route(devIssuer.traffic, (route) => route.abort("connectionrefused"));
    await todo.page.reload();
    await todo.told(/Your session comes back with it/);
    await expectAccessible(todo.page, "restoring-away");
    await todo.page.unroute(devIssuer.traffic);
    await todo.field.waitFor();
  });

  it("a provider that is away at the sign-out", async () => {
    const { todo } = await open();
    await todo.signIn(devIssuer, "alice");
    await todo.page.route(devIssuer.traffic, (route) => route.abort("connectionrefused"));
    await todo.signOut();
    await todo.told(/signed out of this page/);
    await expectAccessible(todo.page, "signed-out-away");
  });

  it("a provider that does not let one in", async () => {
    const { todo } = await open();
    await todo.page.route("**/authorize?*", (route) => route.fulfill({ status: 302, headers: { Location: denial(route) } }));
    await todo.signInButton.click();
    await todo.told(/Signing in did not work \(not today\)/);
    await expectAccessible(todo.page, "denied");
  });

  it("a provider that is away, or ends the session, when the API does not take the token any more", async () => {
    const { todo } = await open();
    await todo.signIn(devIssuer, "alice");
    await todo.live();
    await todo.page.route(devIssuer.traffic, (route) => route.abort("connectionrefused"));
    await todo.page.route("**/todos", (route) => route.fulfill({ status: 401 }));
    await todo.submit("refused");
    await todo.told(/The identity provider is away\. You can go on working/);
    await todo.told(/not accepted, and the identity provider that could renew it is away\. Nothing was changed/);
    await expectAccessible(todo.page, "provider-away");

    await todo.page.unroute(devIssuer.traffic);
    await todo.page.route("**/oauth/token", (route) => route.fulfill({ status: 400, json: { error: "invalid_grant" } }));
    await todo.submit("refused again");
    await todo.told(/session has ended at the identity provider, and this page can go on for a moment only/);
    await todo.told(/Your session has ended\. Sign in again/);
    await expectAccessible(todo.page, "session-ended");
  });

  it("a server that is away at the start", async () => {
    const { todo } = await open("about:blank");
    await todo.page.route("**/config.json", (route) => route.abort("connectionrefused"));
    await todo.page.goto(server.url);
    await todo.told(/The server cannot be reached\. Reload the page/);
    await expectAccessible(todo.page, "no-server");
  });

  it("a scope that is missing", async () => {
    const { todo } = await open("about:blank");
    await todo.page.route("**/config.json", async (route) => {
      const response = await route.fetch();
      const config = (await response.json()) as { scope: string };
      await route.fulfill({ response, json: { ...config, scope: "openid profile todos:read offline_access" } });
    });
    await todo.page.goto(server.url);
    await todo.signIn(devIssuer, "alice");
    await todo.field.fill("not allowed");
    await todo.field.press("Enter");
    await todo.told(/lacks the scope todos:write/);
    await expectAccessible(todo.page, "no-scope");
    expect(await todo.field.inputValue()).toBe("not allowed");
  });

  it.each([
    ["an API that cannot check tokens", 503, "access tokens cannot be verified at the moment", /identity provider or the database is away.*cannot be verified.*Trying again/],
    ["an API that does not take the token", 401, "the access token is not acceptable", /Sign in again/],
    ["an API that allows nothing", 403, "", /you may not do this/],
  ])("%s", async (_, status, detail, sentence) => {
    const { todo } = await open();
    for (const path of ["**/todos**", "**/todos/**", "**/me"]) {
      await todo.page.route(path, (route) => route.fulfill({ status, contentType: "application/problem+json", json: { status, detail } }));
    }
    await todo.signIn(devIssuer, "alice");
    await todo.told(sentence);
    await todo.page.getByText("has not said anything about this token yet").waitFor();
    await expectAccessible(todo.page, `list-${status.toString()}`);
  });

  it("a server that is away when the list is fetched", async () => {
    const { todo } = await open();
    await todo.page.route("**/todos**", (route) => route.abort("connectionrefused"));
    await todo.page.route("**/todos/**", (route) => route.abort("connectionrefused"));
    await todo.signIn(devIssuer, "alice");
    await todo.told(/The server cannot be reached\. Trying again/);
    await expectAccessible(todo.page, "list-away");
    await todo.page.unrouteAll();
    await todo.live();
    await todo.untold();
  });

  it("a server that is away, until it is back", async () => {
    const { todo } = await open();
    await todo.signIn(devIssuer, "alice");
    await todo.live();
    await todo.page.route("**/todos**", (route) => route.abort("connectionrefused"));
    await todo.page.route("**/todos/**", (route) => route.abort("connectionrefused"));
    await todo.field.fill("lost?");
    await todo.field.press("Enter");
    await todo.told(/The server did not answer/);
    await expectAccessible(todo.page, "no-answer");
    await todo.page.unrouteAll();
    await todo.field.press("Enter");
    await todo.box("lost?").first().waitFor();
  });
});

describe("the looks", () => {
  it("are accessible and fit", async () => {
    const fresh = await startServer();
    onTestFinished(fresh.stop);
    const { todo } = await open(fresh.url);
    await todo.signInButton.waitFor();
    await expectAccessible(todo.page, "sign-in");
    await todo.signInButton.click();
    await devIssuer.asks(todo.page);
    await expectAccessible(todo.page, "login");
    await devIssuer.login(todo.page, "alice");
    await todo.page.getByText("There is nothing to do.").waitFor();
    await todo.live();
    await expectAccessible(todo.page, "empty");
    for (const title of ["Water the plants", "Read RFC 6750 once more, the part about the WWW-Authenticate field", "Call the dentist", "Buy milk"]) {
      await todo.add(title);
    }
    await todo.box("Water the plants").check();
    await todo.saved();
    await expectAccessible(todo.page, "list");
    await todo.claim("iss");
    await expectAccessible(todo.page, "claims");
    await todo.page.getByRole("button", { name: "Edit Water the plants" }).click();
    await expectAccessible(todo.page, "edit");
    await todo.page.keyboard.press("Escape");
    await todo.page.route("**/todos/*", (route) => route.fulfill({ status: 403, headers: { "WWW-Authenticate": 'Bearer scope="todos:write"' }, json: {} }));
    await todo.page.getByRole("button", { name: "Delete Read RFC 6750 once more" }).click();
    await todo.told(/lacks the scope/);
    await expectAccessible(todo.page, "error");
    await todo.page.unrouteAll();
    await todo.add("x".repeat(100));
    await expectAccessible(todo.page, "long");
  });

  it("are accessible when there is more to do than fits", async () => {
    const { todo } = await open();
    const todos = Array.from({ length: 1000 }, (_, i) => ({ id: i.toString(), title: "again", done: false, created_at: "", updated_at: "" }));
    await todo.page.route("**/todos?*", (route) => route.fulfill({ headers: { Link: '</todos?after=9>; rel="next"' }, json: todos }));
    await todo.signIn(devIssuer, "alice");
    await todo.page.getByText("There are more todos than this page shows.").waitFor();
    // Over ten thousand of them axe would take minutes.
    await todo.page.locator(".todos").evaluate((list) => { list.replaceChildren(...[...list.children].slice(0, 3)); });
    await expectAccessible(todo.page, "too-many");
  });

  it("are accessible while the session comes back", async () => {
    const { todo } = await open();
    await todo.signIn(devIssuer, "alice");
    await todo.page.route(devIssuer.traffic, () => undefined); // no answer comes, for 10 s
    await todo.page.reload();
    await todo.page.getByText("Getting your session back…").waitFor();
    await expectAccessible(todo.page, "restoring");
  });

  it.each([
    ["end", "/dev-issuer/end_session", "Logged out"],
    ["refusal", "/dev-issuer/login?id=of-yesterday", "This login cannot be continued"],
  ])("are those of the development issuer too: %s", async (view, path, heading) => {
    const { todo } = await open(`${server.url}${path}`);
    await todo.page.getByRole("heading", { name: heading }).waitFor();
    await expectAccessible(todo.page, `issuer-${view}`);
  });

  it("need no mouse", async () => {
    const { todo } = await open();
    const { keyboard } = todo.page;
    await todo.signInButton.waitFor();
    await keyboard.press("Enter"); // the button has the focus
    await devIssuer.asks(todo.page);
    await keyboard.press("Enter"); // alice is the first
    await todo.field.waitFor();
    const title = unique("by keyboard");
    await todo.field.focus();
    await keyboard.type(title);
    await keyboard.press("Enter");
    await todo.box(title).waitFor();
    await keyboard.press("Tab"); // Add
    await keyboard.press("Tab"); // the newest todo
    await keyboard.press("Space");
    await expect.poll(() => todo.box(title).isChecked()).toBe(true);
    await keyboard.press("Tab");
    await keyboard.press("Enter"); // Edit
    await keyboard.type(`${title}!`);
    await keyboard.press("Enter");
    await todo.box(`${title}!`).waitFor();
    await keyboard.press("Tab");
    await keyboard.press("Enter"); // Delete
    await todo.box(`${title}!`).waitFor({ state: "detached" });
    await expect.poll(() => todo.field.evaluate((field) => field === document.activeElement)).toBe(true);
  });
});

/** The answer of a provider that does not let one in (RFC 6749, section 4.1.2.1). */
function denial(route: Route): string {
  const asked = new URL(route.request().url()).searchParams;
  const answer = new URL(asked.get("redirect_uri") ?? "");
  answer.search = new URLSearchParams({ error: "access_denied", error_description: "not today", state: asked.get("state") ?? "" }).toString();
  return answer.href;
}
