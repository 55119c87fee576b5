import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** `base: "./"` for any folder of any host, and one classic script: src/cli/app/build.ts also puts it into a single file. */
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  plugins: [react()],
  build: {
    target: "es2022",
    outDir: fileURLToPath(new URL("../out/app", import.meta.url)),
    emptyOutDir: true,
    modulePreload: false,
    cssCodeSplit: false,
    chunkSizeWarningLimit: 2_000,
    rolldownOptions: { output: { format: "iife" } },
  },
});
