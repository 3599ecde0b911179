import type { Listing, Todo } from "./api";
import { isNewer, isSame } from "./versions";

/** A fresh list replaces the old one. Tags of todos that are as they were stay known. */
export function withListing(old: Listing | null, fresh: Listing): Listing {
  const known = new Map(old?.items.map((todo) => [todo.id, todo]));
  const items = fresh.items.map((todo) => {
    const before = known.get(todo.id);
    return before !== undefined && isSame(before, todo) ? { ...before, ...todo } : todo;
  });
  return { ...fresh, items };
}

/** Adds the todo, or replaces its older version. */
export function withSaved(old: Listing, todo: Todo): Listing {
  const at = old.items.findIndex((item) => item.id === todo.id);
  const before = old.items[at];
  if (before === undefined) {
    return { ...old, items: [...old.items, todo].sort((a, b) => (a.id < b.id ? -1 : 1)) }; // ids grow with time
  }
  if (isNewer(before, todo)) {
    return old; // the answer to an edit may come after the news of a later one
  }
  return { ...old, items: old.items.with(at, todo) };
}

export function without(old: Listing, id: string): Listing {
  return { ...old, items: old.items.filter((item) => item.id !== id) };
}
