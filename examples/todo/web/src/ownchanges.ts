import type { Todo } from "./api";

/**
 * Keeps a page from conflicting with itself: whoever ticks a todo and edits it at
 * once has seen it before the tick was saved. Changes of one todo are made one
 * after the other, and each on top of those that the page made before.
 */
export class OwnChanges {
  private readonly last = new Map<string, Promise<unknown>>(); // by id
  private readonly made = new Map<string, Todo>(); // by the version that was changed

  /**
   * Makes a change of the todo as it was shown. `change` gets what the page itself
   * has made of it since, and gives what it makes of that, or null if it is gone.
   */
  run<T extends Todo | null>(shown: Todo, change: (current: Todo) => Promise<T>): Promise<T> {
    const before = this.last.get(shown.id) ?? Promise.resolve();
    const result = before.then(async () => {
      const current = this.current(shown);
      const changed = await change(current);
      if (changed !== null) {
        this.made.set(version(current), changed);
        this.made.delete(version(changed)); // nothing was made of it yet, so no search goes in circles
      }
      return changed;
    });
    const settled = result.catch(() => undefined).then(() => {
      if (this.last.get(shown.id) === settled) {
        this.last.delete(shown.id);
      }
    });
    this.last.set(shown.id, settled);
    return result;
  }

  private current(shown: Todo): Todo {
    let todo = shown;
    for (let next = this.made.get(version(todo)); next !== undefined; next = this.made.get(version(todo))) {
      todo = next;
    }
    return todo;
  }
}

function version(todo: Todo): string {
  return `${todo.id} ${todo.updated_at}`;
}
