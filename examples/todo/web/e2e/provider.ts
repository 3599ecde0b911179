import type { Page } from "playwright-core";
import type { Server } from "./server";

/** The identity provider that the tests sign in at. */
export interface Provider {
  /** Who can sign in, as the page names them. */
  names: { alice: string; bob: string };
  /** Gives the answer of the provider's login page. */
  login: (page: Page, user: "alice" | "bob") => Promise<void>;
  /** Waits for the provider's login page. */
  asks: (page: Page) => Promise<void>;
  /** What the page fetches from the provider, as a pattern of addresses. */
  traffic: string;
}

/** The issuer that the server brings along. */
export const devIssuer: Provider = {
  names: { alice: "Alice Example", bob: "Bob Example" },
  asks: (page) => page.getByRole("heading", { name: "Log in" }).waitFor(),
  login: async (page, user) => {
    await page.getByRole("button", { name: `Log in as ${devIssuer.names[user]}` }).click();
  },
  traffic: "**/dev-issuer/**",
};

/** Makes the development issuer sign with a new key. */
export async function rotate(server: Server): Promise<void> {
  const response = await fetch(`${server.url}/dev-issuer/rotate`, { method: "POST" });
  if (!response.ok) {
    throw new Error(`the key was not rotated: ${response.status.toString()}`);
  }
}
