// What the tests share: where things are, and how to find a letter.
import { expect } from "@playwright/test";

export const { PORTAL, CONSOLE, MAILBOX, CASE, KINTSUGI, PASSWORD } = process.env;

/** Every language that the portal is read in. */
export const LANGUAGES = ["ja", "en"];

/** The newest letters of the mailbox, those to one address if it is named: their places and their readers. */
export async function letters(page, to = "") {
  await page.goto(`${MAILBOX}/?to=${encodeURIComponent(to)}`);
  return page.locator("ol.messages a").evaluateAll((links) =>
    links.map((link) => ({ href: link.href, to: link.querySelector(".to").textContent, subject: link.querySelector(".subject").textContent })));
}

/** The text of a letter and the link to its reader's own page. */
export async function open(page, letter) {
  await page.goto(letter.href);
  const text = await page.locator("article").textContent();
  return { text, mine: text.match(/http\S+?\/n\/[0-9A-Z]+/)?.[0], number: text.match(/K-\d{4}-\d{6}-\d/)?.[0] };
}

/** A notice about a card: its letter, its number and its reader's own page. */
export async function notice(page) {
  const all = await letters(page);
  expect(all.length).toBeGreaterThan(0);
  const letter = all.find((one) => /K-\d{4}-\d{6}-\d/.test(one.subject) && one.subject.includes("カード情報"));
  expect(letter, "a notice about a card").toBeDefined();
  return { ...letter, ...(await open(page, letter)) };
}

/** Signs the tester in. */
export async function signIn(page, password = PASSWORD) {
  await page.goto(`${CONSOLE}/signin`);
  await page.locator("#name").fill("tester");
  await page.locator("#password").fill(password);
  await page.locator("form button").click();
}
