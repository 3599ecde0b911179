import type { Problem } from "./sentences";

interface Props {
  problem: Problem | null;
  signIn?: () => void;
  dismiss?: () => void;
}

/** Says what is wrong, also to a screen reader, and offers what helps. */
export function Notice({ problem, signIn, dismiss }: Props) {
  // The element is always there: an alert that comes with its text is not read by every screen reader.
  return (
    <div role="alert">
      {problem && (
        <div className="notice">
          <p>{problem.text}</p>
          {problem.signIn && signIn && <button type="button" onClick={signIn}>Sign in again</button>}
          {dismiss && <button type="button" className="quiet" onClick={dismiss}>Dismiss</button>}
        </div>
      )}
    </div>
  );
}
