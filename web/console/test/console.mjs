// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The Gantry authors
// The console in a browser, against a server that runs. Usage: node test/console.mjs URL PASSWORD FOLDER
// FOLDER holds what console_client_test.py made: `hostile.dcm` (stored already), `upload/` (not yet stored), `broken.dcm`.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { accessible, chromiumPath, fits, logIn, open } from "./browser.mjs";

const [url, password, folder] = process.argv.slice(2);
const { browser, contextFor, troubles } = await open(url);
const uploads = readdirSync(join(folder, "upload")).map((name) => join(folder, "upload", name));
const scenarios = [];
const scenario = (name, run) => scenarios.push({ name, run });

scenario("both dictionaries have the same keys, the same gaps to fill, and words behind each", () => {
  const [en, zh] = ["en", "zh"].map((language) => JSON.parse(readFileSync(new URL(`../src/language/${language}.json`, import.meta.url), "utf8")));
  assert.deepEqual(Object.keys(zh), Object.keys(en));
  const sources = readdirSync(new URL("../src", import.meta.url), { recursive: true, withFileTypes: true }).filter((entry) => /\.tsx?$/.test(entry.name));
  const code = sources.map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), "utf8")).join("\n");
  for (const key of Object.keys(en)) {
    const stem = key.replace(/\.(one|other)$/, "");
    const built = /^(login|jobs\.state)\./.test(key);
    assert.ok(built || code.includes(`"${stem}"`), `${key}: nobody says it`);
  }
  const gaps = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
  for (const key of Object.keys(en)) {
    assert.ok(en[key].trim() && zh[key].trim(), `${key}: is empty`);
    assert.deepEqual(gaps(zh[key]), gaps(en[key]), `${key}: other gaps`);
    if (key !== "login.title") assert.notEqual(zh[key], en[key], `${key}: is not translated`);
  }
});

scenario("a wrong password is refused and the right one leads to the worklist, by keyboard alone", async (page) => {
  await page.goto("/");
  await page.getByLabel("Password", { exact: true }).waitFor();
  await accessible(page, "login");
  await page.keyboard.type("not the password");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "User or password is not right" }).waitFor();
  await accessible(page, "login, refused");
  await page.keyboard.type(password); // The field has the focus, its text is selected.
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Worklist" }).waitFor();
  await accessible(page, "worklist");
});

scenario("a name with markup is shown as text", async (page) => {
  await logIn(page, password);
  const link = page.locator("a.row-link", { hasText: "<script>owned" });
  await link.waitFor();
  assert.equal(await page.locator("main script, main b, main img").count(), 0);
  assert.equal(await page.evaluate(() => globalThis.owned), undefined);
  await link.click();
  await page.getByRole("heading", { level: 1 }).filter({ hasText: "<script>owned" }).waitFor();
  assert.equal(await page.evaluate(() => globalThis.owned), undefined);
});

scenario("files are uploaded with progress; what is no object is refused with its reason; a new study arrives in the worklist", async (page, context) => {
  await logIn(page, password);
  const onlooker = await context.newPage();
  await onlooker.goto("/");
  await onlooker.locator("a.row-link").first().waitFor();
  const before = await onlooker.locator("a.row-link").count();
  await page.getByRole("link", { name: "Upload" }).click();
  await accessible(page, "upload");
  await page.locator('[data-test="files"]').setInputFiles([...uploads, join(folder, "broken.dcm")]);
  await page.getByRole("heading", { name: "Upload ended" }).waitFor({ timeout: 30000 });
  assert.equal(await page.locator('[data-test="stored"]').innerText(), `${uploads.length} of ${uploads.length + 1}`);
  assert.equal(await page.getByRole("progressbar").getAttribute("aria-valuenow"), "100");
  const row = page.getByRole("row", { name: /broken\.dcm/ });
  await row.waitFor();
  assert.ok((await row.innerText()).length > "broken.dcm".length + 10, "a reason");
  await page.getByRole("link", { name: "Digital, Patient" }).waitFor();
  await accessible(page, "upload, ended");
  await onlooker.locator("tr", { hasText: "Digital, Patient" }).getByText("new", { exact: true }).waitFor();
  assert.equal(await onlooker.locator("a.row-link").count(), before + 1);
});

scenario("the worklist is searched, filtered and walked through by keyboard", async (page) => {
  await logIn(page, password);
  await page.locator("a.row-link").first().waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("digital");
  await page.getByText("1 study", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Save this filter" }).click();
  await page.getByRole("textbox", { name: /Name, ID/ }).fill("nobody of this name");
  await page.getByRole("heading", { name: "No study fits" }).waitFor();
  await accessible(page, "worklist, nothing fits");
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await page.getByText("2 studies", { exact: true }).waitFor();
  await page.getByRole("button", { name: "digital", exact: true }).click();
  await page.getByText("1 study", { exact: true }).waitFor();
  await page.locator("h1").click();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: /Digital, Patient/ }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("b");
  await page.getByRole("heading", { level: 1, name: "Jobs" }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await accessible(page, "keys");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
});

scenario("a study is looked through slice by slice, by keyboard, in the windows of its kind", async (page) => {
  await logIn(page, password);
  await page.locator("a.row-link", { hasText: "Digital, Patient" }).click();
  const viewer = page.getByRole("slider", { name: /Slice of/ });
  const at = (slice) => page.locator(`[data-test="viewer"][data-shown="${slice}"]`).waitFor();
  await at(41);
  await viewer.focus();
  for (const [key, slice] of [["ArrowDown", 42], ["ArrowUp", 41], ["PageDown", 51], ["PageUp", 41], ["Home", 1], ["ArrowUp", 1], ["End", 80]]) {
    await page.keyboard.press(key);
    await at(slice);
  }
  assert.match(await viewer.getAttribute("aria-valuetext"), /^80 of 80, [-0-9.]+ mm$/);
  await page.keyboard.press("Home");
  await page.keyboard.press("PageDown");
  await page.keyboard.press("PageDown");
  await at(21);
  const brightness = () =>
    page.evaluate(() => {
      const shown = document.querySelector('[data-test="viewer"] canvas');
      const copy = Object.assign(document.createElement("canvas"), { width: shown.width, height: shown.height }).getContext("2d", { willReadFrequently: true });
      copy.drawImage(shown, 0, 0);
      const { data } = copy.getImageData(0, 0, shown.width, shown.height);
      let sum = 0;
      for (let n = 0; n < data.length; n += 4) sum += data[n];
      return (sum / data.length) * 4;
    });
  const soft = await brightness();
  assert.ok(soft > 5 && soft < 200, `a picture, of mean ${soft}`);
  await page.keyboard.press("2");
  await page.getByText("C -600 W 1500").waitFor();
  await at(21);
  assert.ok((await brightness()) > soft + 5, "lungs are brighter in their own window");
  for (const side of ["R", "L", "A", "P"]) await page.locator(".side", { hasText: new RegExp(`^${side}$`) }).waitFor();
  await page.locator('[data-test="viewer"]').hover();
  await page.mouse.wheel(0, 80);
  await at(23);
  await page.setViewportSize({ width: 360, height: 740 });
  await fits(page, "study");
  await accessible(page, "study");
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { level: 1, name: "Worklist" }).waitFor();
});

scenario("an analysis is asked for, seen under way, and its sentences, images, tables and report shown", async (page, context) => {
  // As where the packaged viewer is installed; what its address must be does not depend on it.
  await page.route("**/viewer", (route) => route.fulfill({ status: 200 }));
  await logIn(page, password);
  await page.locator("a.row-link", { hasText: "Digital, Patient" }).click();
  await page.getByRole("heading", { name: "Not analysed yet" }).waitFor();
  const study = decodeURIComponent(new URL(page.url()).pathname.split("/").pop());
  const viewer = page.getByRole("link", { name: "Open in the viewer" });
  assert.equal(await viewer.getAttribute("href"), `/viewer?StudyInstanceUIDs=${study}`);
  await page.getByRole("button", { name: "Analyse this study" }).click();
  await page.getByRole("heading", { name: "The analysis is under way" }).waitFor();
  const sentence = page.getByRole("listitem").filter({ hasText: "Lung volume" });
  await sentence.waitFor({ timeout: 300000 });
  await page.getByRole("heading", { name: "Structures" }).waitFor();
  await page.getByRole("cell", { name: "Right lung", exact: true }).waitFor();
  await page.getByRole("button", { name: /Gantry segmentation/ }).waitFor();
  const [masks] = await (await context.request.get(`/dicom-web/studies/${study}/series?Modality=SEG`)).json();
  assert.equal(await viewer.getAttribute("href"), `/viewer?StudyInstanceUIDs=${study}&initialSeriesInstanceUID=${masks["0020000E"].Value[0]}`);
  await accessible(page, "study, analysed");
  await sentence.getByRole("button", { name: /^Image \d$/ }).first().click();
  const picture = page.getByRole("dialog").locator("img");
  await picture.waitFor();
  assert.ok(await picture.evaluate((image) => image.naturalWidth > 300 && image.alt.length > 10));
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByRole("button", { name: /Gantry measurements/ }).click();
  await page.getByRole("cell", { name: "lung_right" }).first().waitFor();
  await page.locator("label", { hasText: /^Report$/ }).click();
  await page.frameLocator("iframe").getByRole("heading", { name: "Chest CT report" }).waitFor();
  const pdf = await context.request.get(await page.getByRole("link", { name: "Report as PDF" }).getAttribute("href"));
  assert.equal((await pdf.body()).subarray(0, 5).toString(), "%PDF-");
  await page.getByRole("link", { name: "Jobs" }).click();
  await page.getByRole("link", { name: "Analysis of a study" }).click();
  await page.getByRole("link", { name: "Open the study" }).click();
  await page.getByRole("heading", { level: 1, name: /Digital, Patient/ }).waitFor();
});

scenario("a study that is not there, and an address that is none, say so", async (page) => {
  await logIn(page, password);
  await page.goto("/console/studies/1.2.3");
  await page.getByRole("heading", { name: "This study is not here" }).waitFor();
  await accessible(page, "no study");
  await page.goto("/console/somewhere");
  await page.getByRole("heading", { name: "Nothing is here" }).waitFor();
  await page.getByRole("link", { name: "Go to the worklist" }).click();
  await page.getByRole("heading", { level: 1, name: "Worklist" }).waitFor();
});

scenario("language and theme change at once and stay", async (page) => {
  await logIn(page, password);
  await page.locator('[data-test="language"]').click();
  await page.getByRole("heading", { level: 1, name: "检查列表" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "zh-CN");
  await page.locator('[data-test="theme"]').click();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "检查列表" }).waitFor();
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(15, 18, 22)");
  for (const place of ["", "upload", "jobs", "models", "models/cxr_pneumonia", "rules"]) {
    await page.goto(`/console/${place}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForLoadState("networkidle");
    await accessible(page, `dark, zh, /${place}`);
  }
});

scenario("everything fits a phone of 360 px", async (page) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto("/");
  await page.getByLabel("Password", { exact: true }).waitFor();
  await fits(page, "login");
  await logIn(page, password);
  await page.locator("a.row-link").first().waitFor();
  await fits(page, "worklist");
  for (const place of ["upload", "jobs", "models", "rules", "users"]) {
    await page.getByRole("link", { name: new RegExp(`^${place}$`, "i") }).click();
    await fits(page, place);
  }
  await page.goto("/console/models/cxr_pneumonia");
  await page.getByRole("heading", { name: "Model card" }).waitFor();
  await fits(page, "model");
  await accessible(page, "model, phone");
});

scenario("the installed models show what each is for, what it reached and its card", async (page) => {
  await logIn(page, password);
  await page.locator("h1").click();
  await page.keyboard.press("g");
  await page.keyboard.press("m");
  await page.getByRole("heading", { level: 1, name: "Models" }).waitFor();
  const row = page.getByRole("row", { name: /cxr_pneumonia/ });
  await row.getByText("verified").waitFor();
  const { accuracy, auc, auc_interval } = JSON.parse(readFileSync(new URL("../../../models/cxr_pneumonia/manifest.json", import.meta.url), "utf8")).figures.test;
  assert.ok((await row.innerText()).includes(`AUC ${auc.toFixed(3)}, Accuracy ${accuracy.toFixed(3)} (test)`));
  await accessible(page, "models");
  await page.locator("h1").click();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Measured figures" }).waitFor();
  const [value, low, high] = [auc, ...auc_interval].map((figure) => figure.toFixed(3));
  await page.getByRole("cell", { name: `${value} (${low}–${high})`, exact: true }).waitFor();
  await page.getByRole("heading", { level: 3, name: "Limits" }).waitFor();
  await page.getByText("chest_film", { exact: true }).waitFor();
  await accessible(page, "model");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "lung_nodules" }).click();
  await page.getByRole("heading", { level: 3, name: "What is known of it" }).waitFor();
  const noises = JSON.parse(readFileSync(new URL("../../../models/pet_denoising/manifest.json", import.meta.url), "utf8")).figures.validation.levels;
  await page.goto("/console/models");
  const denoiser = page.getByRole("row", { name: /pet_denoising/ });
  await denoiser.getByText(`PSNR, dB ${noises.at(-1).psnr_db.toFixed(3)}, Gain over non-local means, dB ${noises.at(-1).gain_db.toFixed(3)} (validation)`).waitFor();
  await page.goto("/console/models/pet_denoising");
  for (const { gain_db, gain_db_interval } of noises) {
    const [gain, least, most] = [gain_db, ...gain_db_interval].map((figure) => figure.toFixed(3));
    await page.getByRole("cell", { name: `${gain} (${least}–${most})`, exact: true }).waitFor();
  }
  assert.equal(await page.getByRole("region", { name: "Measured figures" }).getByRole("cell", { name: "8", exact: true }).count(), noises.length, "the cases of each level");
  assert.equal(await page.getByText("Classes", { exact: true }).count(), 0, "it tells no classes apart");
  await page.goto("/console/models/none");
  await page.getByRole("heading", { name: "This model is not here" }).waitFor();
});

scenario("the rules for arriving studies are shown with what they decide for the studies here", async (page) => {
  await logIn(page, password);
  await page.locator("h1").click();
  await page.keyboard.press("g");
  await page.keyboard.press("r");
  await page.getByRole("heading", { level: 1, name: "Arrival rules" }).waitFor();
  await page.getByText(/^Off: studies that arrive/).waitFor();
  const rules = page.getByRole("table", { name: "Arrival rules" });
  await rules.getByRole("row", { name: /1 OT any left alone/ }).waitFor();
  await rules.getByRole("row", { name: /2 CT \*chest\* analysed/ }).waitFor();
  const studies = page.getByRole("table", { name: /What they say/ });
  await studies.getByRole("row", { name: /<script>owned.* OT .* 1 left alone/ }).waitFor();
  assert.equal(await page.locator("main script, main b, main img").count(), 0);
  await accessible(page, "rules");
});

scenario("a job is seen and, once asked about by name, removed", async (page, context) => {
  await logIn(page, password);
  const started = await context.request.post("/api/v1/operations/filter.gaussian/runs", { multipart: { image: "phantom:sphere", sigma: "2" } });
  assert.equal(started.status(), 202);
  await page.getByRole("link", { name: "Jobs" }).click();
  const row = page.getByRole("row", { name: /filter\.gaussian/ });
  await row.getByText("done").waitFor();
  await row.getByRole("link").click();
  await page.getByRole("link", { name: "smoothed" }).waitFor();
  await accessible(page, "job");
  await page.getByRole("button", { name: "Remove this job" }).click();
  await page.getByRole("dialog", { name: "Remove this job" }).getByText(/Removes filter\.gaussian of .* and its 2 result files/).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Remove this job" }).click();
  await row.waitFor({ state: "detached" });
});

scenario("the administrator adds a user, who sees the studies but not the users, and, once asked about by name, removes the user", async (page, context) => {
  await logIn(page, password);
  await page.getByRole("link", { name: "Users" }).click();
  await page.getByText("1 user may log in").waitFor();
  await page.getByLabel("Name").fill("admin");
  await page.getByLabel("Password", { exact: true }).fill("a long enough one");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "admin is there already" }).waitFor();
  await page.getByLabel("Name").fill("dr.li");
  await page.keyboard.press("Enter");
  await page.getByText("2 users may log in").waitFor();
  await accessible(page, "users");
  const other = await contextFor();
  const seen = await other.newPage();
  assert.equal((await other.request.post("/api/v1/login", { data: { user: "dr.li", password: "a long enough one" } })).status(), 200);
  await seen.goto("/console/users");
  await seen.getByRole("heading", { name: "Users are managed by admin" }).waitFor();
  assert.equal(await seen.getByRole("link", { name: "Users" }).count(), 0);
  await accessible(seen, "users, not allowed");
  await page.getByRole("button", { name: "Remove the user: dr.li" }).click();
  await page.getByRole("dialog").getByText("Removes dr.li with all sessions").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Remove the user" }).click();
  await page.getByText("1 user may log in").waitFor();
  assert.equal((await other.request.get("/api/v1/session")).status(), 401);
  await other.close();
});

scenario("a session that has ended leads to the login and then back to where one was", async (page, context) => {
  await logIn(page, password);
  await page.goto("/console/upload");
  await page.getByRole("heading", { level: 1, name: "Upload studies" }).waitFor();
  await context.clearCookies();
  await page.getByRole("link", { name: "Jobs" }).click();
  await page.getByText("Your session has ended").waitFor();
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Jobs" }).waitFor();
  await page.locator('[data-test="account"]').click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await page.getByLabel("Password", { exact: true }).waitFor();
  assert.equal((await context.request.get("/api/v1/session")).status(), 401);
});

assert.ok(chromiumPath(), "Chromium");
let failed = 0;
for (const { name, run } of scenarios) {
  const context = await contextFor();
  const page = await context.newPage();
  const start = Date.now();
  try {
    await run(page, context);
    const said = troubles.splice(0);
    assert.deepEqual(said, [], "troubles of the page");
    console.log(`ok    ${name} (${Date.now() - start} ms)`);
  } catch (error) {
    ++failed;
    console.log(`FAIL  ${name}\n${error.stack}\n${troubles.splice(0).join("\n")}`);
    await page.screenshot({ path: join(folder, `failure-${failed}.png`) }).catch(() => {});
    console.log((await page.locator("body").innerText({ timeout: 2000 }).catch(() => "")).slice(0, 1500));
  }
  await context.close();
}
await browser.close();
process.exit(failed ? 1 : 0);
