import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    include: ["e2e/**/*.keycloak.ts"],
    fileParallelism: false,
    testTimeout: 300_000, // one of them stops Keycloak and starts it again
    hookTimeout: 900_000, // downloading Keycloak, once a machine
  },
});
