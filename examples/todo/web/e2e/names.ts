/** A title that no other test uses. */
export function unique(title: string): string {
  return `${title} ${Math.random().toString(36).slice(2, 8)}`;
}
