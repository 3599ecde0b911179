/** What the server tells the page about the identity provider, at /config.json. */
export interface Config {
  issuer: string;
  client_id: string;
  scope: string;
}

export async function loadConfig(): Promise<Config> {
  const response = await fetch("/config.json", { cache: "no-cache" });
  if (!response.ok) {
    throw new Error(`/config.json: ${response.status.toString()}`);
  }
  return (await response.json()) as Config;
}
