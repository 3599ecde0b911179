import { expect } from "vitest";
import type { Locator, Page } from "playwright-core";
import type { Provider } from "./provider";

/** The page as a person sees it. */
export class TodoPage {
  readonly field: Locator;
  readonly signInButton: Locator;

  constructor(readonly page: Page) {
    this.field = page.getByLabel("What is to be done?");
    this.signInButton = page.getByRole("button", { name: "Sign in", exact: true });
  }

  async signIn(provider: Provider, user: "alice" | "bob"): Promise<void> {
    await this.signInButton.click();
    await provider.login(this.page, user);
    await this.page.getByText(`Signed in as ${provider.names[user]}`).waitFor();
  }

  async signOut(): Promise<void> {
    await this.page.getByRole("button", { name: "Sign out" }).click();
    await this.signInButton.waitFor();
  }

  /** Adds a todo and waits until it is on the list. */
  async add(title: string): Promise<void> {
    await this.field.fill(title);
    await this.field.press("Enter");
    await this.box(title).waitFor();
  }

  /** Tries to add a todo, and returns the status of the API's answer. */
  async submit(title: string): Promise<number> {
    await this.field.fill(title);
    const answer = this.page.waitForResponse((response) => response.request().method() === "POST" && response.url().endsWith("/todos"));
    await this.field.press("Enter");
    return (await answer).status();
  }

  box(title: string): Locator {
    return this.page.getByRole("checkbox", { name: title, exact: true });
  }

  /** Waits until no answer is on its way. */
  async saved(): Promise<void> {
    await this.page.waitForFunction(() => document.querySelector("[aria-busy=true]") === null);
  }

  async titles(): Promise<string[]> {
    return this.page.locator(".todos label").allInnerTexts();
  }

  async live(): Promise<void> {
    await this.page.getByRole("status").filter({ hasText: "live" }).waitFor();
  }

  /** Waits until a token that lasts so many seconds is renewed. */
  async renewed(tokenLife: number): Promise<void> {
    await this.page.waitForResponse((response) => response.url().endsWith("/token") && response.ok(), { timeout: 2 * tokenLife * 1000 });
  }

  /** Waits for a sentence in one of the alerts. */
  async told(sentence: RegExp, options: { timeout?: number } = {}): Promise<void> {
    await this.page.getByRole("alert").filter({ hasText: sentence }).waitFor(options);
  }

  /** Waits until nothing is wrong. */
  async untold(): Promise<void> {
    await this.page.locator(".notice").first().waitFor({ state: "detached" });
  }

  /** The seconds that the token lasts, as the page shows them. */
  async left(): Promise<number> {
    const text = await this.page.locator(".clock").innerText();
    return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  }

  async claim(name: string): Promise<string> {
    const details = this.page.locator("details");
    if ((await details.getAttribute("open")) === null) {
      await details.locator("summary").click();
    }
    return details.locator("div", { has: this.page.locator("dt", { hasText: new RegExp(`^${name}$`) }) }).locator("dd").innerText();
  }

  /** Nothing that is secret is where another script could find it. */
  async expectNothingStored(): Promise<void> {
    const stored = await this.page.evaluate(() =>
      JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie, location.href]),
    );
    expect(stored).not.toMatch(/eyJ|refresh|code=/);
  }
}
