/**
 * How long to wait, in milliseconds, after a number of failures in a row: it
 * doubles from first up to most, less up to a half by chance, so that many pages
 * do not come back at the same moment.
 */
export function backoff(failures: number, first: number, most: number): number {
  const whole = Math.min(most, first * 2 ** Math.min(failures, 30));
  return whole * (1 - Math.random() / 2);
}

/** Waits, but not longer than until the signal. */
export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal.addEventListener("abort", wake);
  });
}
