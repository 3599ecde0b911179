import { type SubmitEvent, useRef, useState } from "react";
import { type Api, ChangedElsewhere } from "./api";
import { Notice } from "./Notice";
import { type Problem, problemOf } from "./sentences";
import { type Outcome, TodoItem } from "./TodoItem";
import { useTodos } from "./useTodos";

/** The todos, the newest first: what one adds appears below the field. */
export function TodoList({ api, signIn }: { api: Api; signIn: () => void }) {
  const list = useTodos(api);
  const [failure, setFailure] = useState<Problem | null>(null); // of what was done last
  const field = useRef<HTMLInputElement>(null);
  const items = list.todos?.items ?? [];
  const open = items.filter((todo) => !todo.done).length;

  /** Does what a button asks for, and tells a failure. */
  const attempt = async (action: Promise<void>): Promise<Outcome> => {
    try {
      await action;
      setFailure(null);
      return "done";
    } catch (error) {
      setFailure(problemOf(error, "try again"));
      return error instanceof ChangedElsewhere ? "changed elsewhere" : "failed";
    }
  };

  return (
    <section aria-labelledby="list-heading">
      <div className="heading">
        <h2 id="list-heading">Your list</h2>
        <p role="status" className={list.live ? "live" : "waiting"}>
          {items.length > 0 && (open === 0 ? "all done · " : `${open.toString()} of ${items.length.toString()} to do · `)}
          {list.live ? "live" : "connecting…"}
        </p>
      </div>
      <Notice problem={list.problem} signIn={signIn} />
      <AddTodo field={field} add={(title) => attempt(list.add(title))} />
      <Notice problem={failure} signIn={signIn} dismiss={() => { setFailure(null); }} />
      {list.todos && items.length === 0 && <p className="hint">There is nothing to do.</p>}
      <ul className="todos">
        {items.toReversed().map((todo) => (
          <TodoItem
            key={todo.id}
            todo={todo}
            change={(shown, patch) => attempt(list.change(shown, patch))}
            remove={async () => {
              if ((await attempt(list.remove(todo))) === "done") {
                field.current?.focus(); // the button that had the focus is gone
              }
            }}
          />
        ))}
      </ul>
      {list.todos?.complete === false && <p className="hint">There are more todos than this page shows.</p>}
    </section>
  );
}

/** The field for a new todo. It keeps its text until the todo is saved. */
function AddTodo({ field, add }: { field: React.RefObject<HTMLInputElement | null>; add: (title: string) => Promise<Outcome> }) {
  const [title, setTitle] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy || title.trim() === "") {
      return;
    }
    setBusy(true);
    if ((await add(title.trim())) === "done") {
      setTitle("");
    }
    setBusy(false);
    field.current?.focus();
  };
  return (
    <form className="add" onSubmit={(event) => void submit(event)}>
      <label htmlFor="new-todo">What is to be done?</label>
      <div className="row">
        <input
          id="new-todo"
          ref={field}
          value={title}
          onChange={(event) => { setTitle(event.target.value); }}
          maxLength={500}
          autoComplete="off"
          readOnly={busy}
        />
        <button type="submit" className="primary">Add</button>
      </div>
    </form>
  );
}
