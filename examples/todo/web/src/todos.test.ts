import { describe, expect, it } from "vitest";
import type { Todo } from "./api";
import { withListing, withSaved, without } from "./todos";

function todo(id: string, second: number, more: Partial<Todo> = {}): Todo {
  return { id, title: id, done: false, created_at: "2026-01-01T00:00:00Z", updated_at: `2026-01-01T00:00:0${second.toString()}Z`, ...more };
}

const list = { items: [todo("a", 1, { etag: '"1"' }), todo("c", 1)], complete: true };

describe("the list", () => {
  it("is replaced by a fresh one, and keeps the tags of what did not change", () => {
    const fresh = withListing(list, { items: [todo("a", 1), todo("c", 2)], complete: false });
    expect(fresh).toEqual({ items: [todo("a", 1, { etag: '"1"' }), todo("c", 2)], complete: false });
    expect(withListing({ items: [todo("a", 1, { etag: '"1"' })], complete: true }, { items: [todo("a", 2)], complete: true }).items[0]?.etag).toBeUndefined();
    expect(withListing(null, { items: [todo("a", 1)], complete: true }).items).toHaveLength(1);
  });

  it("takes new todos in the order of their ids", () => {
    expect(withSaved(list, todo("b", 1)).items.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  it("takes later versions, and no earlier ones", () => {
    const later = withSaved(list, todo("a", 2, { title: "later" }));
    expect(later.items[0]?.title).toBe("later");
    expect(withSaved(later, todo("a", 1, { title: "earlier" })).items[0]?.title).toBe("later");
    expect(later.items).toHaveLength(2);
  });

  it("does not ask the clocks of two replicas which version is newer", () => {
    const at = (etag: string, second: number) => todo("a", second, { title: etag, etag });
    const known = (item: Todo) => ({ items: [item], complete: true });
    // The replica that made version 10 has a clock that is behind.
    expect(withSaved(known(at('"9"', 5)), at('"10"', 4)).items[0]?.title).toBe('"10"');
    expect(withSaved(known(at('"10"', 4)), at('"9"', 5)).items[0]?.title).toBe('"10"');
    // An answer that is late, within the same moment.
    expect(withSaved(known(at('"10"', 5)), at('"9"', 5)).items[0]?.title).toBe('"10"');
    // Tags that are no numbers do not tell, and the clock has to.
    expect(withSaved(known(at('"a9"', 5)), at('"a10"', 4)).items[0]?.title).toBe('"a9"');
    // A list says no numbers; what the stream tells follows it.
    expect(withSaved(known(todo("a", 5)), at('"10"', 4)).items[0]?.title).toBe('"10"');
  });

  it("does not give a todo the tag of another version of the same moment", () => {
    const known = { items: [todo("a", 1, { etag: '"1"' })], complete: true };
    for (const other of [{ done: true }, { title: "other" }]) {
      expect(withListing(known, { items: [todo("a", 1, other)], complete: true }).items).toEqual([todo("a", 1, other)]);
    }
  });

  it("forgets what is deleted", () => {
    expect(without(list, "a").items.map(({ id }) => id)).toEqual(["c"]);
    expect(without(list, "x").items).toHaveLength(2);
  });
});
