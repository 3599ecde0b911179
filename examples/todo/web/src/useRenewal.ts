import type { User, UserManager } from "oidc-client-ts";
import { useEffect, useState } from "react";
import { Renewal, type Trouble } from "./renewal";

/** Keeps the token of a signed-in user fresh while the component is mounted, and says what keeps it from that. */
export function useRenewal(manager: UserManager, user: User): { access: Renewal; trouble: Trouble | null } {
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const [access] = useState(() => new Renewal(manager, user, setTrouble));
  useEffect(() => {
    access.start();
    document.addEventListener("visibilitychange", access.look);
    window.addEventListener("online", access.look);
    return () => {
      access.stop();
      document.removeEventListener("visibilitychange", access.look);
      window.removeEventListener("online", access.look);
    };
  }, [access]);
  return { access, trouble };
}
