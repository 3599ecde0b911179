import type { Listing, Todo } from "./api";
import { isNewer, isSame } from "./versions";

/** The list as the page knows it, oldest first, as the API orders it. */
export interface Todos {
  items: Todo[];
  complete: boolean;
}

/** A fresh list replaces the old one. Tags of todos that are as they were stay known. */
export function withListing(old: Todos | null, { todos, complete }: Listing): Todos {
  const known = new Map(old?.items.map((todo) => [todo.id, todo]));
  const items = todos.map((todo) => {
    const before = known.get(todo.id);
    return before !== undefined && isSame(before, todo) ? { ...before, ...todo } : todo;
  });
  return { items, complete };
}

/** Adds the todo, or replaces its older version. */
export function withSaved(old: Todos, todo: Todo): Todos {
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

export function without(old: Todos, id: string): Todos {
  return { ...old, items: old.items.filter((item) => item.id !== id) };
}
