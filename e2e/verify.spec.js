// Is this letter genuine?
import { expect, test } from "@playwright/test";
import { PORTAL, notice } from "./lib.js";

async function type(page, number) {
  await page.goto(`${PORTAL}/verify`);
  await page.locator("#number").fill(number);
  await page.getByRole("button", { name: "確かめる" }).click();
  return page.getByRole("status");
}

test("a number of ours is genuine, however it is typed", async ({ page }) => {
  const { number } = await notice(page);
  for (const typed of [number, number.toLowerCase(), ` ${number} `]) {
    const result = await type(page, typed);
    await expect(result).toHaveClass(/genuine/);
    await expect(result).toContainText(`${number} は、当社のお知らせの番号です`);
  }
});

test("a wrong digit is a mistake in typing, and any other text is no number of ours", async ({ page }) => {
  const { number } = await notice(page);
  const wrong = number.slice(0, -1) + ((Number(number.at(-1)) + 1) % 10);
  await expect(await type(page, wrong)).toContainText("番号の打ち間違いのようです");
  await expect(page.locator("#number")).toHaveValue(wrong);
  await expect(await type(page, "4711")).toContainText("当社の番号の形ではありません");
});

test("a well-formed number that we never sent is not ours", async ({ page }) => {
  const { number } = await notice(page);
  const results = [];
  for (let digit = 0; digit < 10; digit++) {
    const result = await type(page, `${number.slice(0, 7)}999999-${digit}`);
    results.push(await result.getAttribute("class"));
  }
  expect(results.filter((result) => result === "result foreign")).toHaveLength(1);
  expect(results.filter((result) => result === "result typo")).toHaveLength(9);
});
