import type { User } from "oidc-client-ts";
import { useEffect, useState } from "react";
import type { Api, Identity } from "./api";
import type { Trouble } from "./renewal";
import { claimText, claimsOf, clock, rolesOf } from "./token";

interface Props {
  api: Api;
  user: User;
  left: number; // seconds until the token expires; Infinity if that is not known
  trouble: Trouble | null; // what keeps it from being renewed
}

/** Who one is, and what the access token says. */
export function TokenView({ api, user, left, trouble }: Props) {
  const verified = useVerified(api, user.access_token);
  const claims = claimsOf(user.access_token);
  return (
    <section aria-labelledby="token-heading">
      <h2 id="token-heading">Your access token</h2>
      <dl className="facts">
        {verified && (
          <>
            <dt>User</dt>
            <dd>{verified.preferred_username ?? "has no name in the token"}</dd>
            <dt>Subject</dt>
            <dd>{verified.subject}</dd>
            <dt>Issuer</dt>
            <dd>{verified.issuer}</dd>
            <dt>Audience</dt>
            <dd>{verified.audience.join(", ")}</dd>
            <dt>Scopes</dt>
            <dd><Tags names={verified.scopes} /></dd>
          </>
        )}
        {claims && (
          <>
            <dt>Roles</dt>
            <dd><Tags names={rolesOf(claims)} /></dd>
          </>
        )}
        <dt>Expires</dt>
        <dd><Expiry left={left} trouble={trouble} /></dd>
      </dl>
      <p className="hint">
        {verified ? "The API has verified this token and says what it made of it." : "The API has not said anything about this token yet."} The claims
        below are what the token says of itself.
      </p>
      {claims && (
        <details>
          <summary>All claims</summary>
          <dl className="facts claims">
            {Object.entries(claims).map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{claimText(name, value)}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </section>
  );
}

function Expiry({ left, trouble }: Pick<Props, "left" | "trouble">) {
  if (left === Infinity) {
    return <>The identity provider does not say when</>;
  }
  if (left <= 0) {
    return <>It has expired</>;
  }
  return <>in <span className="clock">{clock(left)}</span>{trouble === null && ", and is renewed before that"}</>;
}

function Tags({ names }: { names: string[] }) {
  if (names.length === 0) {
    return <>none</>;
  }
  return (
    <ul className="tags">
      {names.map((name) => <li key={name}>{name}</li>)}
    </ul>
  );
}

/** What the API says about the token. A failure is not told here: the list has the same one, and tells it. */
function useVerified(api: Api, token: string): Identity | null {
  const [verified, setVerified] = useState<Identity | null>(null);
  useEffect(() => {
    let current = true;
    api.me().then(
      (identity) => { if (current) setVerified(identity); },
      () => { if (current) setVerified(null); },
    );
    return () => { current = false; };
  }, [api, token]);
  return verified;
}
