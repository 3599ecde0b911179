import { expect } from "vitest";
import { unique } from "./names";
import type { Provider } from "./provider";
import type { TodoPage } from "./todopage";

/** What a day with the page is like, whoever the provider is: from the sign-in to the sign-out. */
export async function aDay(todo: TodoPage, provider: Provider): Promise<void> {
  await todo.signIn(provider, "alice");
  const [milk, eggs] = [unique("milk"), unique("eggs")];
  await todo.add(milk);
  await todo.expectNothingStored();

  await todo.page.reload();
  await todo.box(milk).waitFor(); // without a click
  await todo.expectNothingStored();

  await todo.page.getByRole("button", { name: `Edit ${milk}` }).click();
  await todo.page.getByLabel(`New title of ${milk}`).fill(eggs);
  await todo.page.getByRole("button", { name: "Save" }).click();
  await todo.box(eggs).click();
  await todo.saved();

  await todo.page.reload();
  await expect.poll(() => todo.box(eggs).isChecked()).toBe(true);
  await todo.page.getByRole("button", { name: `Delete ${eggs}` }).click();
  await todo.box(eggs).waitFor({ state: "detached" });

  await todo.signOut();
  await todo.page.reload();
  await todo.signInButton.click();
  await provider.asks(todo.page); // the provider's own session has ended too
}

/** Whether bob is shown anything of alice's. */
export async function twoPeople(alice: TodoPage, bob: TodoPage, provider: Provider): Promise<void> {
  const secret = unique("a secret of alice");
  await alice.signIn(provider, "alice");
  await alice.add(secret);
  await bob.signIn(provider, "bob");
  await bob.add(unique("bob's own"));
  expect(await bob.page.content()).not.toContain(secret);
  expect(await bob.titles()).not.toContain(secret);
}

/** Whether anybody notices that tokens, which last so many seconds, are renewed and keys rotated. */
export async function renewals(todo: TodoPage, provider: Provider, tokenLife: number, rotate: () => Promise<void>): Promise<void> {
  const refused: string[] = [];
  todo.page.on("response", (response) => { if (response.status() === 401) refused.push(response.url()); });
  await todo.signIn(provider, "alice");
  for (let i = 0; i < 3; i++) {
    await rotate();
    await todo.renewed(tokenLife);
    await todo.add(unique("after a renewal"));
  }
  await todo.live();
  expect(refused).toEqual([]);
  expect(await todo.page.locator(".notice").count()).toBe(0);
}
