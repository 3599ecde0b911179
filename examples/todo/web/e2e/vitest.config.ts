import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    include: ["e2e/**/*.test.ts"],
    fileParallelism: false, // each file has a server and a browser of its own
    testTimeout: 60_000,
    hookTimeout: 180_000, // building the server, the first time
  },
});
