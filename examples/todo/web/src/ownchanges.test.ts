import { expect, it } from "vitest";
import type { Todo } from "./api";
import { OwnChanges } from "./ownchanges";

const at = (second: number, id = "1"): Todo => ({ id, title: "", done: false, created_at: "", updated_at: second.toString() });

/** Lets everything happen that waits for nothing. */
const turn = () => new Promise((resolve) => { setTimeout(resolve, 0); });

it("builds each change on the ones before", async () => {
  const own = new OwnChanges();
  const seen: string[] = [];
  const change = (to: Todo) => (current: Todo) => {
    seen.push(current.updated_at);
    return Promise.resolve(to);
  };
  await Promise.all([own.run(at(0), change(at(1))), own.run(at(0), change(at(2))), own.run(at(0), change(at(3)))]);
  await own.run(at(1), change(at(4)));
  expect(seen).toEqual(["0", "1", "2", "3"]);
});

it("makes one change at a time, also when the one before has just ended", async () => {
  const own = new OwnChanges();
  const first = own.run(at(0), () => Promise.resolve(at(1)));
  let finish: (todo: Todo) => void = () => undefined;
  const second = own.run(at(0), () => new Promise<Todo>((resolve) => { finish = resolve; }));
  await first;
  await turn();
  const seen: string[] = [];
  const third = own.run(at(0), (current) => {
    seen.push(current.updated_at);
    return Promise.resolve(at(3));
  });
  await turn();
  expect(seen).toEqual([]);
  finish(at(2));
  await Promise.all([second, third]);
  expect(seen).toEqual(["2"]);
});

it("leaves alone what was changed elsewhere, and other todos", async () => {
  const own = new OwnChanges();
  await own.run(at(0), () => Promise.resolve(at(1)));
  await own.run(at(5), (current) => {
    expect(current).toEqual(at(5));
    return Promise.resolve(null);
  });
  await own.run(at(0, "2"), (current) => {
    expect(current).toEqual(at(0, "2"));
    return Promise.resolve(null);
  });
});

it("does not search for ever when the clock stands still or goes back", async () => {
  const own = new OwnChanges();
  await own.run(at(0), () => Promise.resolve(at(0)));
  await own.run(at(0), () => Promise.resolve(at(1)));
  await own.run(at(1), () => Promise.resolve(at(0)));
  await own.run(at(0), (current) => {
    expect(current).toEqual(at(0));
    return Promise.resolve(null);
  });
});

it("goes on after a failure", async () => {
  const own = new OwnChanges();
  await expect(own.run(at(0), () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  await expect(own.run(at(0), () => Promise.resolve(at(1)))).resolves.toEqual(at(1));
});
