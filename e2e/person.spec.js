// From a letter to the reader's own page, and what somebody gets who only asks.
import { expect, test } from "@playwright/test";
import { PORTAL, letters, notice, open } from "./lib.js";

test("a letter leads to a page that names the card, shows the evidence and holds a coupon", async ({ page }) => {
  const letter = await notice(page);
  await page.goto(letter.href);
  const popup = page.waitForEvent("popup");
  await page.frameLocator("iframe").locator("a[href*='/n/']").first().click();
  const mine = await popup;
  await expect(mine.getByRole("heading", { level: 1 })).toContainText(/カード（末尾 \d{4}）|カード \d+ 枚/);
  await expect(mine.locator(".cells .verdict").first()).toBeVisible();

  const why = mine.locator("details.why").first();
  if (!(await why.evaluate((details) => details.open))) await why.locator("summary").first().click();
  await expect(why.locator(".seam")).toContainText(/証拠は、ウェブサーバーの記録 \S+ の [\d,]+ 行目です/);
  await why.locator("details summary").click();
  await expect(why.locator("dl.facts")).toBeVisible();

  await expect(mine.locator(".right .code").first()).toHaveText(/^[0-9A-Z]{4}(-[0-9A-Z]{4})+$/);
  await expect(mine.locator(".number")).toHaveText(letter.number);
  await mine.getByRole("link", { name: "まず、カードを止める" }).click();
  await expect(mine).toHaveURL(/#todo-1$/);
});

test("a link that lacks its end says so and shows nobody's data", async ({ page }) => {
  const { mine } = await notice(page);
  const answer = await page.goto(mine.slice(0, -1));
  expect(answer.status()).toBeGreaterThanOrEqual(400);
  await expect(page.locator("main")).not.toContainText("末尾");
});

test("asking by mail address answers the same to everybody on the screen, and the affected by mail", async ({ page }) => {
  const { to } = await notice(page);
  const before = await letters(page, to);
  const ask = async (mail) => {
    await page.goto(`${PORTAL}/`);
    await page.locator("#mail").fill(mail);
    const shown = page.waitForResponse((response) => response.url() === `${PORTAL}/check` && response.status() === 200);
    await page.locator("form[action='/check'] button").click();
    const bytes = await (await shown).body();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("結果をメールでお送りします");
    return bytes;
  };
  const [affected, nobody] = [await ask(to), await ask("nobody@example.com")];
  expect(affected.equals(nobody)).toBe(true);

  await expect.poll(async () => (await letters(page, to)).length, { timeout: 15_000 }).toBe(before.length + 1);
  const old = new Set(before.map((letter) => letter.href));
  const answer = (await letters(page, to)).find((letter) => !old.has(letter.href));
  const { mine } = await open(page, answer);
  expect((await page.goto(mine)).status()).toBe(200);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("様の");
});
