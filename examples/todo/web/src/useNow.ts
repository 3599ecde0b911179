import { useEffect, useState } from "react";

/** The time, in milliseconds as Date.now has it, once a second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const ticking = setInterval(() => { setNow(Date.now()); }, 1000);
    return () => { clearInterval(ticking); };
  }, []);
  return now;
}
