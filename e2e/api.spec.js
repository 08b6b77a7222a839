// The merchant's shop redeems the coupon of a person's page.
import { execFileSync } from "node:child_process";
import { expect, test } from "@playwright/test";
import { CASE, KINTSUGI, PORTAL, notice } from "./lib.js";

test("a coupon is redeemed once, and a repeated attempt gets the first answer", async ({ page, request }) => {
  const { mine } = await notice(page);
  await page.goto(mine);
  const code = await page.locator(".right .code").first().textContent();
  const key = execFileSync(KINTSUGI, ["api-key", "shop", CASE], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  const redeem = (attempt, order, bearer = key) =>
    request.post(`${PORTAL}/api/v1/coupons/redeem`, {
      headers: { Authorization: `Bearer ${bearer}`, "Idempotency-Key": attempt },
      data: { code: code.toLowerCase().replaceAll("-", " "), order },
    });

  expect((await redeem("a", "4711", "no key of ours")).status()).toBe(401);

  const first = await redeem("a", "4711");
  expect(first.status()).toBe(200);
  expect(await first.json()).toMatchObject({ amount: expect.any(Number), currency: "JPY" });

  const again = await redeem("a", "4711");
  expect(again.status()).toBe(200);
  expect(await again.text()).toBe(await first.text());

  const second = await redeem("b", "4712");
  expect(second.status()).toBe(409);
  expect(second.headers()["content-type"]).toContain("application/problem+json");
  expect((await second.json()).type).toBe("urn:kintsugi:problem:already-redeemed");
  expect(await second.text()).not.toContain(code.slice(0, 4));

  const reused = await redeem("a", "4713");
  expect(reused.status()).toBe(422);
  expect((await reused.json()).type).toBe("urn:kintsugi:problem:idempotency-key-reused");

  await page.reload();
  await expect(page.locator(".right").first()).toContainText("に使われました");
});
