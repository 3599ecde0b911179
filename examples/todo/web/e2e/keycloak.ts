import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import type { Provider } from "./provider";

const script = path.resolve(import.meta.dirname, "../../keycloak/keycloak.sh");
const startLimit = 240_000;

/**
 * A real Keycloak with the example's realm, as a process of its own that can be
 * stopped and started again. keycloak.sh downloads it, once a machine.
 */
export class Keycloak implements Provider {
  readonly names = { alice: "Alice Archer", bob: "Bob Baker" };
  readonly issuer: string;
  readonly traffic: string;
  private process: ChildProcess | undefined;
  private readonly output: string[] = [];

  private constructor(private readonly base: string, private readonly dir: string) {
    this.issuer = `${base}/realms/myrealm`;
    this.traffic = `${base}/**`;
  }

  static async boot(): Promise<Keycloak> {
    await promisify(execFile)(script, ["fetch"], { maxBuffer: 16 << 20 });
    const keycloak = new Keycloak(`http://127.0.0.1:${(await freePort()).toString()}`, await mkdtemp(path.join(tmpdir(), "keycloak-e2e-")));
    await keycloak.start();
    return keycloak;
  }

  async start(): Promise<void> {
    const child = spawn(script, ["run", "-p", new URL(this.base).port, "-d", this.dir], { stdio: ["ignore", "pipe", "pipe"] });
    this.process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data: Buffer) => this.output.push(data.toString()));
    }
    const limit = Date.now() + startLimit;
    while (!(await this.answers())) {
      if (child.exitCode !== null || Date.now() > limit) {
        throw new Error(`Keycloak does not start:\n${this.output.join("").slice(-2000)}`);
      }
      await delay(250);
    }
  }

  async stop(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) {
      return;
    }
    const gone = once(child, "exit");
    child.kill("SIGTERM"); // the launcher passes it on to Java, and waits
    await gone;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.dir, { recursive: true, force: true });
  }

  async asks(page: Page): Promise<void> {
    await page.getByLabel("Username or email").waitFor();
  }

  async login(page: Page, user: "alice" | "bob"): Promise<void> {
    await page.getByLabel("Username or email").fill(user);
    await page.locator("input[name=password]").fill(user);
    await page.getByRole("button", { name: "Sign In" }).click();
  }

  /** Lets the page be at the origin, which the realm knows with port 8080 only, and its tokens last so many seconds. */
  async admit(origin: string, tokenLife: number): Promise<void> {
    const [client] = (await this.admin("GET", "clients?clientId=todo-web")) as { id: string; redirectUris: string[]; webOrigins: string[]; attributes: object }[];
    if (client === undefined) {
      throw new Error("the realm has no client todo-web");
    }
    await this.admin("PUT", `clients/${client.id}`, {
      ...client,
      redirectUris: [...client.redirectUris, `${origin}/*`],
      webOrigins: [...client.webOrigins, origin],
      attributes: { ...client.attributes, "access.token.lifespan": tokenLife.toString() },
    });
  }

  /** Makes it sign with a new key. The old one stays published. */
  async rotate(): Promise<void> {
    const realm = (await this.admin("GET", "")) as { id: string };
    await this.admin("POST", "components", {
      name: `rsa-${Date.now().toString()}`,
      providerId: "rsa-generated",
      providerType: "org.keycloak.keys.KeyProvider",
      parentId: realm.id,
      config: { priority: [Math.floor(Date.now() / 1000).toString()], keySize: ["2048"], algorithm: ["RS256"], active: ["true"], enabled: ["true"] },
    });
  }

  private async admin(method: string, what: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.base}/realms/master/protocol/openid-connect/token`, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "password", client_id: "admin-cli", username: "admin", password: "admin" }),
    });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    const response = await fetch(`${this.base}/admin/realms/myrealm${what === "" ? "" : `/${what}`}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) {
      throw new Error(`${method} ${what}: ${response.status.toString()} ${await response.text()}`);
    }
    const text = await response.text();
    return text === "" ? null : JSON.parse(text);
  }

  private async answers(): Promise<boolean> {
    try {
      const response = await fetch(`${this.issuer}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(5_000) });
      return response.ok;
    } catch {
      return false;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") {
    throw new Error("no port");
  }
  return address.port;
}
