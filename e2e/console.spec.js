// The staff's console.
import { expect, test } from "@playwright/test";
import { CONSOLE, signIn } from "./lib.js";

const number = (text) => Number(text.replace(/[^0-9]/g, ""));

test("a wrong password is refused and opens nothing", async ({ page }) => {
  await signIn(page, "not the password");
  await expect(page.getByRole("alert")).toHaveText("名前とパスワードの組み合わせが違います。");
  await page.goto(`${CONSOLE}/persons`);
  await expect(page).toHaveURL(/\/signin/);
});

test("the figures add up to everyone, and a name is shown only after a click", async ({ page }) => {
  await signIn(page);
  await expect(page.locator(".figure .value").first()).toHaveText(/\d/);

  // Conservation: whoever is in scope is in exactly one state.
  const counts = await page.locator(".parts li:not(.sum) a").allTextContents();
  const persons = number(await page.locator(".parts .sum").textContent());
  expect(persons).toBeGreaterThan(0);
  expect(counts.map(number).reduce((sum, count) => sum + count, 0)).toBe(persons);
  await expect(page.getByRole("alert")).toHaveCount(0);

  await page.goto(`${CONSOLE}/persons?verdict=proved`);
  await page.locator("tbody a").first().click();
  const profile = page.locator(".profile");
  await expect(profile.locator("dl")).toHaveCount(0);
  await expect(page.locator("main")).not.toContainText("@");
  await profile.getByRole("button").click();
  await expect(profile.locator("dl.facts")).toContainText("@");

  await page.goto(`${CONSOLE}/audit`);
  await expect(page.locator("main")).toContainText("tester");

  await page.locator(".who button").click();
  await expect(page).toHaveURL(`${CONSOLE}/signin`);
  await page.goto(`${CONSOLE}/`);
  await expect(page).toHaveURL(/\/signin/);
});

test("each page of the console opens", async ({ page }) => {
  await signIn(page);
  await expect(page.locator(".figures")).toBeVisible();
  for (const address of await page.locator(".rail nav a").evaluateAll((links) => links.map((link) => link.href))) {
    expect((await page.goto(address)).status(), address).toBe(200);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  }
});
