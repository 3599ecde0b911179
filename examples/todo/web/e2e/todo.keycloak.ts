import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { launch, visit, type Visitor } from "./browser";
import { aDay, renewals, twoPeople } from "./journey";
import { Keycloak } from "./keycloak";
import { expectAccessible } from "./looks";
import { unique } from "./names";
import { startServer, type Server } from "./server";
import { TodoPage } from "./todopage";

const tokenLife = 24; // seconds, so that a renewal can be waited for

let browser: Browser;
let keycloak: Keycloak;
let server: Server;
const visitors: Visitor[] = [];

beforeAll(async () => {
  [browser, keycloak] = await Promise.all([launch(), Keycloak.boot()]);
  server = await startServer({ TODO_ISSUER: keycloak.issuer, TODO_LEEWAY: "0s" });
  await keycloak.admit(server.url, tokenLife);
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  await keycloak.remove();
});

afterEach(async () => {
  // Keycloak's own pages are not ours to mend.
  const complaints = visitors.flatMap((visitor) => visitor.complaints).filter((complaint) => !complaint.includes(keycloak.issuer));
  await Promise.all(visitors.map((visitor) => visitor.close()));
  visitors.length = 0;
  expect(complaints).toEqual([]);
});

async function open(): Promise<TodoPage> {
  const visitor = await visit(browser, server.url);
  visitors.push(visitor);
  return new TodoPage(visitor.page);
}

describe("with a real Keycloak", () => {
  it("alice signs in, works, reloads, and signs out", async () => {
    await aDay(await open(), keycloak);
  });

  it("bob sees nothing of alice's", async () => {
    await twoPeople(await open(), await open(), keycloak);
  });

  it("the page says what the token says, and is accessible", async () => {
    const todo = await open();
    await todo.signIn(keycloak, "alice");
    await todo.page.getByText("The API has verified this token").waitFor();
    const facts = await todo.page.locator(".facts").first().innerText();
    for (const fact of ["alice", keycloak.issuer, "todo-api", "todos:read", "todos:write", "todo-admin"]) {
      expect(facts).toContain(fact);
    }
    expect(await todo.claim("azp")).toBe("todo-web");
    await expectAccessible(todo.page, "keycloak");
  });

  it("tokens are renewed and keys rotated, and nobody notices", async () => {
    await renewals(await open(), keycloak, tokenLife, () => keycloak.rotate());
  });

  it("goes on for the token's life when Keycloak stops, says what is wrong, and recovers", async () => {
    const todo = await open();
    await todo.signIn(keycloak, "alice");
    await todo.renewed(tokenLife);
    await keycloak.stop();
    await todo.add(unique("while Keycloak is away"));
    // The page asks for a new token only when a quarter of the old one's life is left.
    await todo.told(/The identity provider is away\. You can go on working/, { timeout: 2 * tokenLife * 1000 });
    await todo.told(/The identity provider is away, and your access token has expired/, { timeout: 2 * tokenLife * 1000 });
    await keycloak.start();
    await todo.page.locator(".notice").first().waitFor({ state: "detached", timeout: 90_000 });
    await todo.add(unique("after it came back"));
    await todo.live();
  });
});
