// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// A Chromium for the tests of the console, and what they ask of every page.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const places = [process.env.GANTRY_CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function chromiumPath() {
  return places.find((path) => path && existsSync(path)) ?? null;
}

/** A browser whose pages may reach the server alone; what goes wrong inside them is collected in `troubles`. */
export async function open(url) {
  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--font-render-hinting=none", "--hide-scrollbars"],
  });
  const troubles = [];
  const contextFor = async (options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", reducedMotion: "reduce", baseURL: url, ...options });
    context.setDefaultTimeout(120000);
    await context.route(
      (address) => !address.href.startsWith(url) && !/^(data|blob):/.test(address.href),
      (route) => {
        troubles.push(`foreign host: ${route.request().url()}`);
        return route.abort();
      },
    );
    context.on("weberror", (error) => troubles.push(`error: ${error.error().stack}`));
    context.on("console", (message) => {
      // A refusal that a page asked for is shown by the browser too.
      if (["error", "warning"].includes(message.type()) && !/Failed to load resource/.test(message.text())) troubles.push(`console: ${message.text()}`);
    });
    return context;
  };
  return { browser, contextFor, troubles };
}

/** Labels, roles, focus order, contrast of at least 4.5:1 and the like, by axe-core. */
export async function accessible(page, name) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  const found = result.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.failureSummary?.split("\n")[1] ?? ""}`).join(" | ")}`);
  assert.deepEqual(found, [], `${name}: ${found.join("\n")}`);
}

/** Nothing sticks out to the right at the width of the window. */
export async function fits(page, name) {
  const [inner, wide] = await page.evaluate(() => [document.documentElement.clientWidth, document.documentElement.scrollWidth]);
  assert.ok(wide <= inner, `${name}: is ${wide} px wide in a window of ${inner} px`);
}

export async function logIn(page, password) {
  await page.goto("/");
  await page.getByLabel(/^(Password|密码)$/).fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: /Worklist|检查列表/ }).waitFor();
}
