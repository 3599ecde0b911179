import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** The todo server as a process of its own, with a database that is gone with it. */
export interface Server {
  url: string;
  log: () => string;
  stop: () => Promise<void>;
}

/**
 * Starts the server on a free port. TODO_TEST_BINARY names a built one; without
 * it, it is built. `settings` are its environment variables.
 */
export async function startServer(settings: Record<string, string> = {}): Promise<Server> {
  const dir = await mkdtemp(path.join(tmpdir(), "todo-e2e-"));
  const server = spawn(await binary(dir), [], {
    cwd: dir,
    env: { PATH: process.env.PATH, TODO_ADDR: "127.0.0.1:0", ...settings },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const lines: string[] = [];
  const stop = async () => {
    await end(server);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    const address = await listening(server, lines);
    return { url: `http://${address}`, log: () => lines.join("\n"), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function binary(dir: string): Promise<string> {
  const given = process.env.TODO_TEST_BINARY;
  if (given !== undefined) {
    return given;
  }
  const built = path.join(dir, "todo");
  await promisify(execFile)("go", ["build", "-o", built, "."], { cwd: path.resolve(import.meta.dirname, "../..") });
  return built;
}

/** Waits for the line that says where the API is served. */
async function listening(server: ChildProcess, lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (code) => { reject(new Error(`the server exited with ${String(code)}:\n${lines.join("\n")}`)); });
    if (server.stderr === null) {
      reject(new Error("no stderr"));
      return;
    }
    createInterface(server.stderr).on("line", (line) => {
      lines.push(line);
      const address = /msg=serving what=API addr=(\S+)/.exec(line)?.[1];
      if (address !== undefined) {
        resolve(address);
      }
    });
  });
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) {
    return;
  }
  const gone = once(server, "exit");
  server.kill("SIGTERM");
  const hung = setTimeout(() => server.kill("SIGKILL"), 25_000);
  await gone;
  clearTimeout(hung);
}
