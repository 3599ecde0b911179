import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { AuthProvider } from "react-oidc-context";
import { App } from "./App";
import { type Config, loadConfig } from "./config";
import { Notice } from "./Notice";
import { dropStaleAnswer, newUserManager } from "./session";
import { mayStore } from "./storage";
import "./style.css";

const place = document.getElementById("root");
if (place === null) {
  throw new Error("index.html has no place for the page");
}
createRoot(place).render(await view());

async function view(): Promise<ReactNode> {
  if (!mayStore()) {
    return sorry("This browser does not let the page store anything. Allow cookies and site data for this address, and reload.");
  }
  let config: Config;
  try {
    config = await loadConfig();
  } catch {
    return sorry("The server cannot be reached. Reload the page to try again.");
  }
  const manager = newUserManager(config);
  await dropStaleAnswer(manager);
  return (
    <StrictMode>
      <AuthProvider userManager={manager}>
        <App manager={manager} issuer={config.issuer} />
      </AuthProvider>
    </StrictMode>
  );
}

function sorry(text: string): ReactNode {
  return (
    <main>
      <Notice problem={{ text }} />
    </main>
  );
}

// A page that comes back from the history has its old state, which was on its way to somewhere else.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    window.location.reload();
  }
});
