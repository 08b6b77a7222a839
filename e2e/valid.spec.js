// Every page in every language, and the mail, is HTML as the standard has it (html-validate, offline).
import { expect, test } from "@playwright/test";
import { HtmlValidate } from "html-validate";
import { CONSOLE, LANGUAGES, PORTAL, notice, signIn } from "./lib.js";

const pageRules = new HtmlValidate({ extends: ["html-validate:standard", "html-validate:a11y"] });
// Mail readers know less than browsers: style stands in attributes, tables have no captions.
const mailRules = new HtmlValidate({ extends: ["html-validate:standard", "html-validate:a11y"], rules: { "no-inline-style": "off" } });

async function faults(rules, html) {
  const { results } = await rules.validateString(html);
  return results.flatMap(({ messages }) => messages.map(({ line, ruleId, message }) => `${line}: ${ruleId}: ${message}`));
}

/** Looks at the answer as it was sent: a browser mends what it shows. */
async function look(page, address, language) {
  const answer = await page.request.get(`${address}${address.includes("?") ? "&" : "?"}lang=${language}`);
  expect.soft(await faults(pageRules, await answer.text()), address).toEqual([]);
}

for (const language of LANGUAGES) {
  test(`every page is valid HTML (${language})`, async ({ page }) => {
    const { mine, number } = await notice(page);
    const wrong = number.slice(0, -1) + ((Number(number.at(-1)) + 1) % 10);
    const portal = ["/", "/check", "/verify", `/verify?number=${number}`, `/verify?number=${wrong}`, "/verify?number=x", "/statement", "/statement/1", "/missing"];
    for (const address of [...portal.map((path) => `${PORTAL}${path}`), mine]) await look(page, address, language);

    await look(page, `${CONSOLE}/signin`, language);
    await signIn(page);
    await expect(page.locator(".figures")).toBeVisible();
    const rail = await page.locator(".rail nav a").evaluateAll((links) => links.map((link) => link.href));
    const states = ["accepted", "waiting", "held", "unknown", "refused"].map((state) => `/notices?state=${state}`);
    const others = ["/persons/1", "/persons/1?fault=day", "/why/person-1", `/why/${number}`, "/why/records_exposed", "/why/nothing", ...states];
    for (const address of [...rail, ...others.map((path) => `${CONSOLE}${path}`)]) await look(page, address, language);
  });
}

test("the mail is valid HTML", async ({ page }) => {
  const letter = await notice(page);
  await page.goto(letter.href);
  const html = await page.request.get(await page.locator("iframe").evaluate((frame) => frame.src));
  expect(await faults(mailRules, await html.text())).toEqual([]);
});
