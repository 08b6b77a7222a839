// Every page of the portal is read without scripts, on a narrow telephone, by everybody, by day and by night.
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import { CONSOLE, LANGUAGES, PORTAL, notice, signIn } from "./lib.js";

async function portalPages(page) {
  const { mine, number } = await notice(page);
  return [`${PORTAL}/`, `${PORTAL}/check`, `${PORTAL}/verify`, `${PORTAL}/verify?number=${number}`, `${PORTAL}/statement`, mine, `${PORTAL}/missing`];
}

for (const language of LANGUAGES) {
  test(`no page needs a script or scrolls sideways (${language})`, async ({ browser, page }) => {
    const pages = await portalPages(page);
    const locale = { ja: "ja-JP", en: "en-GB" }[language];
    const context = await browser.newContext({ javaScriptEnabled: false, locale, viewport: { width: 320, height: 700 } });
    const reader = await context.newPage();
    for (const address of pages) {
      await reader.goto(`${address}${address.includes("?") ? "&" : "?"}lang=${language}`);
      await expect(reader.locator("html")).toHaveAttribute("lang", language);
      await expect(reader.getByRole("heading", { level: 1 })).toBeVisible();
      await expect(reader.locator("script")).toHaveCount(0);
      for (const width of [320, 390]) {
        await reader.setViewportSize({ width, height: 700 });
        const wide = await reader.locator("html").evaluate((html) => html.scrollWidth);
        expect(wide, `${address} at ${width}`).toBeLessThanOrEqual(width);
      }
    }
    await context.close();
  });
}

test("without scripts the form answers and the reasons open", async ({ browser, page }) => {
  const { mine } = await notice(page);
  const context = await browser.newContext({ javaScriptEnabled: false, locale: "ja-JP" });
  const reader = await context.newPage();
  await reader.goto(`${PORTAL}/`);
  await reader.locator("#mail").fill("nobody@example.com");
  await reader.locator("form[action='/check'] button").click();
  await expect(reader.getByRole("heading", { level: 1 })).toHaveText("結果をメールでお送りします");
  await reader.goto(mine);
  const technical = reader.locator("details.why details").first();
  await technical.locator("summary").click();
  await expect(technical.locator("dl.facts")).toBeVisible();
  await context.close();
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing serious (${colorScheme})`, async ({ browser, page }) => {
    const [home, , verify, verified, statement, mine] = await portalPages(page);
    // axe is a script, which our pages forbid.
    const context = await browser.newContext({ bypassCSP: true, colorScheme, locale: "ja-JP" });
    const reader = await context.newPage();
    const look = async () => {
      const { violations } = await new AxeBuilder({ page: reader }).analyze();
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      const found = serious.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`));
      expect.soft(found, reader.url()).toEqual([]);
    };
    for (const address of [home, verify, verified, statement, mine, `${CONSOLE}/signin`]) {
      await reader.goto(address);
      await look();
    }
    await signIn(reader);
    await expect(reader.locator(".figures")).toBeVisible();
    await look();
    await context.close();
  });
}
