// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
import { defineConfig } from "vite";

// `npm run dev` shows the sources as they change, with a server on its usual port behind them.
const server = "http://127.0.0.1:8080";

export default defineConfig({
  base: "/console/",
  logLevel: "warn",
  esbuild: { jsx: "automatic", legalComments: "none" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
    reportCompressedSize: false,
    rollupOptions: {
      // The component library marks its files for server frameworks; a bundle for browsers has no use for that.
      onwarn: (warning, warn) => void (warning.code === "MODULE_LEVEL_DIRECTIVE" || warn(warning)),
    },
  },
  server: { proxy: { "/api": server, "/dicom-web": server } },
});
