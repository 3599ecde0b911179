import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { AuthProvider } from "react-oidc-context";
import { App } from "./App";
import { loadConfig } from "./config";
import { Notice } from "./Notice";
import { newUserManager } from "./session";
import "./style.css";

const place = document.getElementById("root");
if (place === null) {
  throw new Error("index.html has no place for the page");
}
const root = createRoot(place);

try {
  const config = await loadConfig();
  const manager = newUserManager(config);
  root.render(
    <StrictMode>
      <AuthProvider userManager={manager}>
        <App manager={manager} issuer={config.issuer} />
      </AuthProvider>
    </StrictMode>,
  );
} catch {
  root.render(
    <main>
      <Notice problem={{ text: "The server cannot be reached. Reload the page to try again." }} />
    </main>,
  );
}

// A page that comes back from the history has its old state, which was on its way to somewhere else.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    window.location.reload();
  }
});
