// Somebody at the desk answers what a person wrote back: without scripts, in both languages, and once.
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { HtmlValidate } from "html-validate";
import { CONSOLE, LANGUAGES, letters, open, signIn } from "./lib.js";

const WORDS = { ja: { send: "この返答を送る", done: "受け付けられた" }, en: { send: "Send this answer", done: "accepted" } };
const rules = new HtmlValidate({ extends: ["html-validate:standard", "html-validate:a11y"] });

// One of the few times that one client may sign in within ten minutes serves all.
let storageState;
test.beforeAll(async ({ browser }) => {
  const page = await browser.newPage();
  await signIn(page);
  await expect(page.locator(".figures")).toBeVisible();
  storageState = await page.context().storageState();
  await page.context().close();
});

/** A page at the desk: valid HTML, nothing serious for axe, no wider than a telephone. */
async function look(page, html) {
  const { results } = await rules.validateString(html);
  expect.soft(results.flatMap(({ messages }) => messages.map(({ line, ruleId }) => `${line}: ${ruleId}`)), page.url()).toEqual([]);
  const wide = await page.locator("html").evaluate((one) => one.scrollWidth);
  expect.soft(wide, page.url()).toBeLessThanOrEqual(390);
}

for (const language of LANGUAGES) {
  test(`an answer is looked at and sent once, without scripts (${language})`, async ({ browser, page }) => {
    const said = `An answer of the desk (${language}).`;
    const telephone = { javaScriptEnabled: false, locale: "ja-JP", viewport: { width: 390, height: 800 } };
    const context = await browser.newContext({ ...telephone, storageState });
    const desk = await context.newPage();
    let shown = await desk.goto(`${CONSOLE}/replies/1?lang=${language}`);
    await look(desk, await shown.text());
    const posted = () => desk.waitForResponse((answer) => answer.request().method() === "POST");

    await desk.locator("textarea").fill(said);
    [shown] = await Promise.all([posted(), desk.locator("form.write button").click()]);
    await expect(desk.locator("pre.mail")).toContainText(said);
    await look(desk, await shown.text());
    const mail = await desk.locator("pre.mail").textContent();
    const to = await desk.locator("dl.facts dd").nth(1).textContent();
    const before = (await letters(page, to)).length;

    // A hand that clicks twice sends the form twice.
    await desk.getByRole("button", { name: WORDS[language].send }).dblclick();
    await expect(desk).toHaveURL(/\/persons\/\d+\?(answered|known)=\d+/);
    await expect(desk.getByRole("status")).toBeVisible();

    const person = desk.url().split("?")[0];
    await expect(async () => {
      shown = await desk.goto(person);
      await expect(desk.locator(".seam li").filter({ hasText: "tester" }).last()).toContainText(WORDS[language].done, { timeout: 500 });
    }).toPass({ timeout: 15_000 });
    await look(desk, await shown.text());
    await context.close();

    const now = await letters(page, to);
    expect(now.length).toBe(before + 1);
    const arrived = (await open(page, now[0])).text.replace(/\s+/g, "");
    expect(arrived).toContain(said.replace(/\s+/g, ""));
    expect(arrived).toContain(mail.trim().split("\n")[0].replace(/\s+/g, ""));
  });
}

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing serious where answers are written (${colorScheme})`, async ({ browser }) => {
    const context = await browser.newContext({ bypassCSP: true, colorScheme, locale: "ja-JP", storageState });
    const desk = await context.newPage();
    for (const step of ["written", "shown"]) {
      if (step === "written") await desk.goto(`${CONSOLE}/replies/1`);
      else {
        await desk.locator("textarea").fill("x");
        await desk.locator("form.write button").click();
        await expect(desk.locator("pre.mail")).toBeVisible();
      }
      const { violations } = await new AxeBuilder({ page: desk }).analyze();
      expect.soft(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 160)}`), step).toEqual([]);
    }
    await context.close();
  });
}
