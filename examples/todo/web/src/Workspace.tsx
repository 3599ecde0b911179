import type { User, UserManager } from "oidc-client-ts";
import { useMemo } from "react";
import { Api } from "./api";
import { Notice } from "./Notice";
import type { Trouble } from "./renewal";
import { type Problem, sessionProblem } from "./sentences";
import { TodoList } from "./TodoList";
import { TokenView } from "./TokenView";
import { useNow } from "./useNow";
import { useRenewal } from "./useRenewal";

interface Props {
  manager: UserManager;
  user: User;
  notice: Problem | null;
  signIn: () => void;
  signOut: (trouble: Trouble | null) => void;
}

/** What somebody sees who is signed in. */
export function Workspace({ manager, user, notice, signIn, signOut }: Props) {
  const { access, trouble } = useRenewal(manager, user);
  const api = useMemo(() => new Api(access), [access]);
  const left = (user.expires_at ?? Infinity) - useNow() / 1000;
  return (
    <>
      <header>
        <h1>Todos</h1>
        <p>
          Signed in as <strong>{user.profile.name ?? user.profile.preferred_username ?? user.profile.sub}</strong>
        </p>
        <button type="button" onClick={() => { signOut(trouble); }}>Sign out</button>
      </header>
      <main>
        <Notice problem={trouble ? sessionProblem(trouble, left) : notice} signIn={signIn} />
        <TodoList api={api} signIn={signIn} />
        <TokenView api={api} user={user} left={left} trouble={trouble} />
      </main>
    </>
  );
}
