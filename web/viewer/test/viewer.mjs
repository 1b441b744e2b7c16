// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The packaged viewer in a browser, against a server that runs: images and masks are drawn. Usage: node viewer.mjs ADDRESS PASSWORD CASE [PICTURES]
// ADDRESS is that of a study with its masks, CASE is JSON: {"name", "series": words of the series that is shown, "segments": names of the
// masks, "other": words of a segmentation that is added by a double click, or null}; PICTURES is a folder for pictures of what was seen.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromiumPath } from "../../console/test/browser.mjs";

const { chromium } = createRequire(new URL("../../console/package.json", import.meta.url))("playwright-core");
const [address, password, text, pictures] = process.argv.slice(2);
const { name, series, segments, other } = JSON.parse(text);
const host = new URL(address).origin;
// A busy machine draws by software, so everything may take its time; nothing here waits for a time to pass.
const patience = 400000;

/** What the image canvas shows: bright pixels, shades of grey, pixels that have a colour. */
function drawn(page) {
  return page.evaluate(() => {
    const seen = { bright: 0, shades: 0, coloured: 0 };
    const shades = new Set();
    for (const canvas of document.querySelectorAll("canvas.cornerstone-canvas")) {
      const data = canvas.width && canvas.height ? canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data : undefined;
      for (let n = 0; data && n < data.length; n += 4) {
        const [r, g, b] = [data[n], data[n + 1], data[n + 2]];
        if (Math.max(r, g, b) - Math.min(r, g, b) > 24) {
          ++seen.coloured;
        } else {
          shades.add(r);
          if (r > 40) ++seen.bright;
        }
      }
    }
    return { ...seen, shades: shades.size };
  });
}

async function until(page, what, holds) {
  const end = Date.now() + patience;
  for (;;) {
    const seen = await drawn(page);
    if (holds(seen)) {
      console.log(`${name}: ${what}: ${JSON.stringify(seen)}`);
      return;
    }
    assert.ok(Date.now() < end, `${name}: ${what}: not within ${patience / 1000} s; seen last: ${JSON.stringify(seen)}; ${troubles.join("\n")}`);
    await page.waitForTimeout(500);
  }
}

const browser = await chromium.launch({
  executablePath: chromiumPath(),
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"],
});
const troubles = [];
try {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, locale: "en-GB", baseURL: host });
  context.setDefaultTimeout(patience);
  await context.route(
    (one) => !one.href.startsWith(host) && !/^(data|blob):/.test(one.href),
    (route) => {
      troubles.push(`foreign host: ${route.request().url()}`);
      return route.abort();
    },
  );
  context.on("weberror", (error) => troubles.push(`${name}: ${error.error().stack}`));
  context.on("console", (message) => {
    if (/Content Security Policy|failed to load/.test(message.text())) troubles.push(`${name}: ${message.text()}`);
  });
  assert.equal((await context.request.post("/api/v1/login", { data: { user: "admin", password } })).status(), 200);
  const page = await context.newPage();
  await page.goto(address, { waitUntil: "commit" });
  try {
    // At first the viewer shows the segmentation itself, then the images with its masks on them.
    await page.locator('[data-cy="viewport-overlay-top-left"]', { hasText: series }).waitFor();
    await until(page, "the image is drawn with its masks", (seen) => seen.bright > 1000 && seen.shades > 30 && seen.coloured > 2000);
    await page.locator('[data-cy="panelSegmentation-btn"]').click();
    const rows = page.locator('[data-cy="data-row-title"]');
    for (const segment of segments) await rows.filter({ hasText: segment }).first().waitFor();
    if (pictures) await page.screenshot({ path: join(pictures, `${name}-masks.png`) });
    await page.locator('[data-cy="all-segments-visibility-toggle"]').first().click();
    await until(page, "without masks the image is grey", (seen) => seen.coloured < 200 && seen.bright > 1000 && seen.shades > 30);
    if (other) {
      await page.locator('[data-cy="study-browser-thumbnail-no-image"]', { hasText: other }).first().dblclick();
      await page.locator('[data-cy="segmentation-select-value"]', { hasText: other }).waitFor();
      await until(page, "the image stays", (seen) => seen.bright > 1000 && seen.shades > 30);
    }
  } finally {
    if (pictures) await page.screenshot({ path: join(pictures, `${name}-end.png`) });
  }
  assert.deepEqual(troubles, []);
} finally {
  await browser.close();
}
