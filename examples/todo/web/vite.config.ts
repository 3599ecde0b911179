import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The built page is committed and embedded into the server. File names are
// hashes of their content, so that the same sources give the same files.
export default defineConfig({
  plugins: [react()],
  build: {
    assetsInlineLimit: 0, // the policy of the page allows no data: URLs
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
  },
  test: {
    include: ["src/**/*.test.{ts,tsx}"], // those of components ask for jsdom themselves
    restoreMocks: true,
    testTimeout: 60_000, // a busy machine is no failure
  },
});
