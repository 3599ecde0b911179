import { useEffect, useState } from "react";
import { type Api, ChangedElsewhere, type Listing, type Todo } from "./api";
import { follow } from "./live";
import { OwnChanges } from "./ownchanges";
import { type Problem, problemOf } from "./sentences";
import { withListing, withSaved, without } from "./todos";

/** The list, and what one can do with it. The actions reject with what problemOf has a sentence for. */
export interface TodoList {
  todos: Listing | null; // null: not known yet
  live: boolean;
  problem: Problem | null; // of keeping the list up to date
  add: (title: string) => Promise<void>;
  change: (shown: Todo, patch: { title?: string; done?: boolean }) => Promise<void>;
  remove: (shown: Todo) => Promise<void>;
}

export function useTodos(api: Api): TodoList {
  const [todos, setTodos] = useState<Listing | null>(null);
  const [live, setLive] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [own] = useState(() => new OwnChanges());
  const visible = useVisible();

  useEffect(() => {
    if (!visible) {
      return;
    }
    const following = new AbortController();
    void follow(
      api,
      {
        listed: (listing) => { setTodos((old) => withListing(old, listing)); },
        changed: (change) => {
          setTodos((old) => old && (change.kind === "saved" ? withSaved(old, change.todo) : without(old, change.id)));
        },
        failed: (error) => {
          setLive(false);
          setProblem(problemOf(error, "retrying"));
        },
        live: () => {
          setLive(true);
          setProblem(null);
        },
      },
      following.signal,
    );
    return () => { following.abort(); };
  }, [api, visible]);

  const saved = (todo: Todo) => { setTodos((old) => old && withSaved(old, todo)); };
  const gone = (id: string) => { setTodos((old) => old && without(old, id)); };

  /** Shows a todo that was changed elsewhere as it is. The action has failed all the same. */
  const showingConflicts = async <T>(id: string, action: Promise<T>): Promise<T> => {
    try {
      return await action;
    } catch (error) {
      if (error instanceof ChangedElsewhere) {
        if (error.current === null) {
          gone(id);
        } else {
          saved(error.current);
        }
      }
      throw error;
    }
  };

  return {
    todos,
    live,
    problem,
    add: async (title) => { saved(await api.create(title)); },
    change: async (shown, patch) => {
      saved(await showingConflicts(shown.id, own.run(shown, (current) => api.update(current, patch))));
    },
    remove: async (shown) => {
      await showingConflicts(shown.id, own.run(shown, async (current) => {
        await api.remove(current);
        return null;
      }));
      gone(shown.id);
    },
  };
}

/**
 * Whether the page can be seen. A hidden one does not follow the changes:
 * without HTTP/2 a browser opens six connections to a server, and a handful of
 * forgotten tabs would hold them all.
 */
function useVisible(): boolean {
  const [visible, setVisible] = useState(() => !document.hidden);
  useEffect(() => {
    const look = () => { setVisible(!document.hidden); };
    document.addEventListener("visibilitychange", look);
    return () => { document.removeEventListener("visibilitychange", look); };
  }, []);
  return visible;
}
