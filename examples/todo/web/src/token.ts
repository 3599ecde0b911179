/** The claims of a token, as its payload has them. */
export type Claims = Record<string, unknown>;

/**
 * Reads the claims of a JWT for display. Nothing is decided by them: the API
 * verifies the token, and the page does not. A token that is no JWT has none.
 */
export function claimsOf(token: string): Claims | null {
  try {
    const payload = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isObject(claims) ? claims : null;
  } catch {
    return null;
  }
}

/** The roles that Keycloak writes: of the realm by their name, of a client as client:role. */
export function rolesOf(claims: Claims): string[] {
  const roles = listed(claims.realm_access);
  if (isObject(claims.resource_access)) {
    for (const [client, access] of Object.entries(claims.resource_access)) {
      roles.push(...listed(access).map((role) => `${client}:${role}`));
    }
  }
  return roles;
}

function listed(access: unknown): string[] {
  const roles = isObject(access) ? access.roles : undefined;
  return Array.isArray(roles) ? roles.filter((role) => typeof role === "string") : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A claim as text: times as the reader's local time, everything else as JSON. */
export function claimText(name: string, value: unknown): string {
  if (["exp", "iat", "nbf", "auth_time"].includes(name) && typeof value === "number") {
    return new Date(value * 1000).toLocaleString();
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** How long something lasts, as a clock: 65 s is 1:05. Past times are 0:00. */
export function clock(seconds: number): string {
  const left = Math.max(0, Math.ceil(seconds));
  const [hours, minutes] = [Math.floor(left / 3600), Math.floor((left % 3600) / 60)];
  const two = (n: number) => n.toString().padStart(2, "0");
  return hours > 0 ? `${hours.toString()}:${two(minutes)}:${two(left % 60)}` : `${minutes.toString()}:${two(left % 60)}`;
}
