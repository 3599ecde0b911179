import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { seriousFindings } from "./browser";

interface Look {
  name: string;
  colorScheme: "light" | "dark";
  viewport: { width: number; height: number };
}

const usual: Look = { name: "light", colorScheme: "light", viewport: { width: 1280, height: 720 } };
const looks: Look[] = [{ ...usual, name: "dark", colorScheme: "dark" }, { ...usual, name: "360px", viewport: { width: 360, height: 740 } }, usual];

// The pictures in docs/images, which are called after what they show.
const inDocs = new Map([
  ["sign-in-light", "page-sign-in"],
  ["login-light", "page-login"],
  ["list-light", "page-list"],
  ["error-light", "page-error"],
  ["list-dark", "page-dark"],
  ["list-360px", "page-360px"],
]);

const pictures = process.env.TODO_TEST_SCREENSHOTS; // a directory

/** In each look, the view fits and axe finds nothing serious in it. Pictures are taken if somebody wants them. */
export async function expectAccessible(page: Page, view: string): Promise<void> {
  const told = await alerts(page);
  for (const look of looks) {
    await page.emulateMedia({ colorScheme: look.colorScheme });
    await page.setViewportSize(look.viewport);
    const name = `${view}-${look.name}`;
    expect(await seriousFindings(page), name).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${name} fits`).toBe(true);
    if (pictures !== undefined) {
      await mkdir(pictures, { recursive: true });
      await page.evaluate(() => { window.scrollTo(0, 0); });
      await page.mouse.move(0, 0); // where nothing lights up
      await page.screenshot({ path: path.join(pictures, `${inDocs.get(name) ?? name}.png`) });
    }
  }
  expect(await alerts(page), `${view} is still what is seen`).toEqual(told);
}

function alerts(page: Page): Promise<string[]> {
  return page.getByRole("alert").allInnerTexts();
}
