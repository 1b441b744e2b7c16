// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The packaged viewer in a browser, against a server that runs: images and masks are drawn. Usage: node viewer.mjs ADDRESS PASSWORD CASE [PICTURES]
// ADDRESS is that of a study with its masks, CASE is JSON: {"name", "series": words of the series that is shown, "segments": names of the
// masks, "other": words of a segmentation that is added by a double click, or null, "edited": the mask that is edited and stored, or null};
// PICTURES is a folder for pictures of what was seen.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromiumPath } from "../../console/test/browser.mjs";

const { chromium } = createRequire(new URL("../../console/package.json", import.meta.url))("playwright-core");
const [address, password, text, pictures] = process.argv.slice(2);
const { name, series, segments, other, edited } = JSON.parse(text);
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

/** Segments at the voxels of the label map in the page; `keep`: remembers them, else says by label what was kept, added and removed since. */
function voxels(page, keep) {
  return page.evaluate((keep) => {
    const [one] = window.services.segmentationService.getSegmentations();
    const images = one.representationData.Labelmap.imageIds.map((id) => window.cornerstone.cache.getImage(id));
    const values = images.map((image) => image.getPixelData().slice());
    if (keep) window.keptVoxels = values;
    const plane = (image) => window.cornerstone.metaData.get("imagePlaneModule", image.referencedImageId);
    const [first, second] = images.map(plane);
    const step = Math.hypot(...first.imagePositionPatient.map((value, axis) => value - second.imagePositionPatient[axis]));
    const found = Object.values(one.segments).map(({ segmentIndex, label }) => ({ segmentIndex, label, kept: 0, added: 0, removed: 0 }));
    const of = Object.fromEntries(found.map((segment) => [segment.segmentIndex, segment]));
    values.forEach((image, z) =>
      image.forEach((now, n) => {
        const before = window.keptVoxels[z][n];
        if (now && now === before) ++of[now].kept;
        if (now && now !== before) ++of[now].added;
        if (before && now !== before) ++of[before].removed;
      }),
    );
    return { found, voxel_ml: (first.rowPixelSpacing * first.columnPixelSpacing * step) / 1000 };
  }, keep);
}

/** Paints with the brush, stores by the panel's menu, and compares the archive's word on the new version with the voxels in the page. */
async function edit_and_store(page, context) {
  await page.waitForFunction(() => window.services.segmentationService.getSegmentations().length > 0);
  await page.locator('[data-cy="data-row-title"]').filter({ hasText: edited }).first().click();
  await page.locator('[data-cy="Brush-btn"]').first().click();
  await voxels(page, true);
  const { x, y, width, height } = await page.locator("canvas.cornerstone-canvas").first().boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + 0.55 * width, y + height / 2, { steps: 3 });
  await page.mouse.up();
  await page.locator('[data-cy="segmentation-collapsed-more-btn-Labelmap"]').click();
  await page.getByRole("menuitem", { name: "Export" }).hover();
  await page.getByRole("menuitem", { name: "DICOM SEG" }).click();
  await page.getByRole("button", { name: "Save" }).waitFor();
  const { found, voxel_ml } = await voxels(page, false);
  const stored = page.waitForResponse((reply) => reply.request().method() === "POST" && reply.url().includes("/dicom-web/studies"));
  await page.getByRole("button", { name: "Save" }).click();
  assert.equal((await stored).status(), 200);
  const study = new URL(address).searchParams.get("StudyInstanceUIDs");
  const reply = await context.request.get(`/api/v1/studies/${study}/annotations`);
  assert.equal(reply.status(), 200);
  const versions = (await reply.json()).annotations.map((one) => one.versions).find((one) => one.some(({ change }) => change.segments.some(({ label }) => label === edited)));
  assert.deepEqual(versions.map((one) => [one.version, one.former, one.stored_by]), [[1, null, versions[0].stored_by], [2, 1, "admin"]]);
  console.log(`${name}: version 2 by ${versions[1].author}: ${JSON.stringify(versions[1].change.segments)}`);
  assert.equal(versions[1].author, "admin");
  for (const { label, kept, added, removed } of found) {
    const change = versions[1].change.segments.find((one) => one.label === label);
    if (label === edited) assert.ok(added > 10 && removed === 0, "the brush painted");
    for (const [said, expected] of [
      [change.dice, (2 * kept) / (2 * kept + added + removed)],
      [change.former_volume_ml, (kept + removed) * voxel_ml],
      [change.added_ml, added * voxel_ml],
      [change.removed_ml, removed * voxel_ml],
      [change.volume_ml, (kept + added) * voxel_ml],
    ])
      assert.ok(Math.abs(said - expected) <= 1e-6 * (1 + expected), `${JSON.stringify(change)}; ${kept} kept, ${added} added, ${removed} removed`);
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
  // A viewport that was closed may still be told of an image that was on its way; the viewer throws that away.
  context.on("weberror", (error) => /viewport has been destroyed/.test(error.error().message) || troubles.push(`${name}: ${error.error().stack}`));
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
    await page.locator('[data-cy="panelSegmentationWithToolsLabelMap-btn"]').click();
    const rows = page.locator('[data-cy="data-row-title"]');
    for (const segment of segments) await rows.filter({ hasText: segment }).first().waitFor();
    if (pictures) await page.screenshot({ path: join(pictures, `${name}-masks.png`) });
    if (edited) await edit_and_store(page, context);
    if (pictures && edited) await page.screenshot({ path: join(pictures, `${name}-stored.png`) });
    await page.locator('[data-cy="all-segments-visibility-toggle-Labelmap"]').first().click();
    await until(page, "without masks the image is grey", (seen) => seen.coloured < 200 && seen.bright > 1000 && seen.shades > 30);
    if (other) {
      await page.locator('[data-cy="study-browser-thumbnail-no-image"]', { hasText: other }).first().dblclick();
      await page.locator('[data-cy="segmentation-select-value-Labelmap"]', { hasText: other }).waitFor();
      await until(page, "the image stays", (seen) => seen.bright > 1000 && seen.shades > 30);
    }
  } finally {
    if (pictures) await page.screenshot({ path: join(pictures, `${name}-end.png`) });
  }
  assert.deepEqual(troubles, []);
} finally {
  await browser.close();
}
