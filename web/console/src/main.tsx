// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
import "@fontsource-variable/inter/wght.css";
import "@mantine/core/styles.css";
import "./styles.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";

const root = document.getElementById("root");
if (!root) throw new Error("index.html: lacks #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
