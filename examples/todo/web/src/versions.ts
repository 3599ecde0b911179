import type { Todo } from "./api";

/**
 * Whether what the page knows of a todo is newer than the news of it.
 *
 * Entity tags tell: their content is the number of the version. The time of the
 * change does not, because each replica of the server has a clock of its own. A
 * todo that was listed has no tag, and gives way to news that have one: when the
 * stream has told what followed the listing, it has told the newest version.
 */
export function isNewer(known: Todo, news: Todo): boolean {
  const [mine, theirs] = [numberOf(known), numberOf(news)];
  if (theirs !== null) {
    return mine !== null && mine > theirs;
  }
  return Date.parse(known.updated_at) > Date.parse(news.updated_at);
}

/** Whether both are the same version, as far as one can see it: a clock may stand still or go back. */
export function isSame(a: Todo, b: Todo): boolean {
  return a.updated_at === b.updated_at && a.title === b.title && a.done === b.done;
}

function numberOf(todo: Todo): number | null {
  const number = /^"(\d+)"$/.exec(todo.etag ?? "")?.[1];
  return number === undefined ? null : Number(number);
}
