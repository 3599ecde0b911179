import { Notice } from "./Notice";
import type { Problem } from "./sentences";

/** The way in. */
export function SignIn({ problem, signIn }: { problem: Problem | null; signIn: () => void }) {
  return (
    <main className="gate">
      <h1>Todos</h1>
      <p>An example of an API that accepts bearer access tokens. The identity provider asks who you are; this page never sees a password.</p>
      <Notice problem={problem} />
      <button type="button" className="primary" onClick={signIn} autoFocus>Sign in</button>
    </main>
  );
}
