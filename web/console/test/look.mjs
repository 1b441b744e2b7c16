// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// Takes pictures of every page in both languages, light and dark, on a desk and on a phone. Usage: node test/look.mjs URL PASSWORD OUT [WORDS...]
import { mkdirSync } from "node:fs";
import { accessible, fits, logIn, open } from "./browser.mjs";

const [url, password, out, ...wanted] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const { browser, contextFor, troubles } = await open(url);
const sizes = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
for (const language of ["en", "zh"]) {
  for (const theme of ["light", "dark"]) {
    for (const [size, viewport] of Object.entries(sizes)) {
      const name = `${language}-${theme}-${size}`;
      if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
      const context = await contextFor({ viewport, locale: language === "zh" ? "zh-CN" : "en-GB", colorScheme: theme });
      const page = await context.newPage();
      const shoot = async (what, whole = true) => {
        await page.evaluate(() => document.fonts.ready);
        await page.screenshot({ path: `${out}/${what}-${name}.png`, fullPage: whole });
        await accessible(page, `${what}-${name}`).catch((error) => console.log(String(error.message)));
        await fits(page, `${what}-${name}`).catch((error) => console.log(String(error.message)));
      };
      await page.goto("/");
      await page.locator("input[type=password]").waitFor();
      await shoot("login");
      await logIn(page, password);
      await page.locator("a.row-link, .notice").first().waitFor();
      await shoot("worklist");
      const studies = await page.locator("a.row-link").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
      for (const [index, address] of studies.slice(0, 3).entries()) {
        await page.goto(address);
        await page.waitForTimeout(2500);
        await shoot(`study${index}`);
        const report = page.locator(".page-actions label", { hasText: /^(Report|报告)$/ });
        if ((await report.count()) > 0) {
          await report.click();
          await page.waitForTimeout(1500);
          await shoot(`report${index}`, false);
        }
      }
      for (const place of ["upload", "models", "models/cxr_pneumonia", "models/lung_nodules", "rules", "users", "jobs"]) {
        await page.goto(`/console/${place}`);
        await page.waitForTimeout(600);
        await shoot(place.replace("/", "-"));
      }
      const job = page.locator("a.row-link").first();
      if (await job.count()) {
        await job.click();
        await page.waitForTimeout(600);
        await shoot("job");
      }
      await context.close();
    }
  }
}
for (const trouble of new Set(troubles)) console.log(trouble);
await browser.close();
