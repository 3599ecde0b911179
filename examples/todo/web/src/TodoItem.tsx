import { type KeyboardEvent, type SubmitEvent, useEffect, useRef, useState } from "react";
import type { Todo } from "./api";

/** What became of a change. */
export type Outcome = "done" | "changed elsewhere" | "failed";

interface Props {
  todo: Todo;
  /** Changes the todo if it is still as shown. */
  change: (shown: Todo, patch: { title?: string; done?: boolean }) => Promise<Outcome>;
  remove: () => Promise<void>;
}

/** One todo: a checkbox, its title, and what can be done with it. */
export function TodoItem({ todo, change, remove }: Props) {
  const [editing, setEditing] = useState(false);
  const [wanted, setWanted] = useState<boolean | null>(null); // done or not, while the answer is on its way
  const edit = useRef<HTMLButtonElement>(null);
  const returning = useRef(false); // the focus goes back to the edit button

  useEffect(() => {
    if (!editing && returning.current) {
      returning.current = false;
      edit.current?.focus();
    }
  }, [editing]);

  if (editing) {
    const close = () => {
      returning.current = true;
      setEditing(false);
    };
    return <li><EditTodo todo={todo} change={change} close={close} /></li>;
  }
  const done = wanted ?? todo.done;
  const toggle = async () => {
    setWanted(!done);
    await change(todo, { done: !done });
    setWanted(null);
  };
  return (
    <li className={done ? "done" : ""} aria-busy={wanted !== null}>
      <label>
        <input type="checkbox" checked={done} onChange={() => void toggle()} />
        <span>{todo.title}</span>
      </label>
      <button type="button" className="quiet" ref={edit} aria-label={`Edit ${todo.title}`} onClick={() => { setEditing(true); }}>Edit</button>
      <button type="button" className="quiet" aria-label={`Delete ${todo.title}`} onClick={() => void remove()}>Delete</button>
    </li>
  );
}

/** The field for a new title. What was written stays until it is saved or given up. */
function EditTodo({ todo, change, close }: { todo: Todo; change: Props["change"]; close: () => void }) {
  const [begun] = useState(todo); // as it was when editing began
  const [told, setTold] = useState(false); // that it was changed meanwhile: saving once more is meant
  const [draft, setDraft] = useState(todo.title);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => { field.current?.select(); }, []);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const title = draft.trim();
    if (title === "") {
      return;
    }
    const outcome = title === begun.title ? "done" : await change(told ? todo : begun, { title });
    if (outcome === "done") {
      close();
    }
    setTold(outcome === "changed elsewhere");
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      close();
    }
  };
  return (
    <form className="row" onSubmit={(event) => void submit(event)} onKeyDown={key}>
      <input
        ref={field}
        aria-label={`New title of ${begun.title}`}
        value={draft}
        onChange={(event) => { setDraft(event.target.value); }}
        maxLength={500}
        autoFocus
      />
      <button type="submit" className="primary">Save</button>
      <button type="button" className="quiet" onClick={close}>Cancel</button>
    </form>
  );
}
