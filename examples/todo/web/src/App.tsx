import type { UserManager } from "oidc-client-ts";
import { useEffect, useState } from "react";
import { useAuth } from "react-oidc-context";
import { Notice } from "./Notice";
import { SessionEnded, type Trouble } from "./renewal";
import { type Problem, isAway, signInProblem } from "./sentences";
import { askProvider, reach, remembered, signOuts } from "./session";
import { SignIn } from "./SignIn";
import { Workspace } from "./Workspace";
import { useRestore } from "./useRestore";

interface Props {
  manager: UserManager;
  issuer: string;
}

/** Whoever is signed in sees the workspace, and everybody else the way in. */
export function App({ manager, issuer }: Props) {
  const auth = useAuth();
  const restore = useRestore(manager);
  const [problem, setProblem] = useState<Problem | null>(null);
  const user = auth.user ?? null;

  useEffect(() => {
    if (user !== null) {
      remembered.set();
    }
  }, [user]);

  useEffect(() => signOuts.hear(() => void manager.removeUser()), [manager]);

  const signIn = () => {
    setProblem(null);
    reach(issuer)
      .then(() => askProvider(manager))
      .catch((error: unknown) => { setProblem(signInProblem(error)); });
  };

  const signOut = (trouble: Trouble | null) => {
    remembered.clear();
    signOuts.tell();
    reach(issuer)
      .then(() => leave(manager, trouble))
      .catch(async () => {
        await manager.removeUser();
        setProblem({ text: "You are signed out of this page. The identity provider is away, so your session there goes on until it ends by itself." });
      });
  };

  if (user !== null) {
    return <Workspace key={user.profile.sub} manager={manager} user={user} signIn={signIn} signOut={signOut} notice={problem} />;
  }
  if (restore.pending) {
    return (
      <main className="gate">
        <h1>Todos</h1>
        <p role="status">Getting your session back…</p>
        <Notice problem={isAway(restore.error) ? { text: "The identity provider is away. Your session comes back with it. Trying again…" } : null} />
      </main>
    );
  }
  return <SignIn problem={problem ?? (restore.error === null ? null : signInProblem(restore.error))} signIn={signIn} />;
}

/**
 * Goes to the provider to sign out. The ID token tells whose session it is, and
 * spares a question. It goes along as long as the session does: a provider that
 * has forgotten the session may not know the token either, and refuse it.
 */
async function leave(manager: UserManager, trouble: Trouble | null): Promise<void> {
  if (trouble instanceof SessionEnded) {
    await manager.removeUser();
    return manager.signoutRedirect(); // which names the client where there is no ID token
  }
  return manager.signoutRedirect({ extraQueryParams: { client_id: manager.settings.client_id } });
}
