/**
 * Whether the browser lets the page have storage, which a sign-in needs. Whoever
 * blocks cookies blocks it too, and then even a look at it throws.
 */
export function mayStore(): boolean {
  const probe = "todo.probe";
  try {
    for (const storage of [window.sessionStorage, window.localStorage]) {
      storage.setItem(probe, "");
      storage.removeItem(probe);
    }
    new BroadcastChannel(probe).close();
    return true;
  } catch {
    return false;
  }
}
