// Looks at every page of a node as people do. Arguments: base address, chromium, folder for pictures.
// Prints one JSON object: how many views, the largest page in bytes with all that it needs, and what was found wrong.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const [base, executablePath, pictures] = process.argv.slice(2);
const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
const PAGES = {
  front: "/",
  list: "/directory",
  near: "/directory?near=Namur&open=yes",
  none: "/directory?near=Namur&price=1&trust=endorsed",
  fault: "/directory?near=Nowhere&price=cheap",
  hoster: "/directory/abeilles.test",
  absent: "/no-such-page",
};
const WIDTHS = { narrow: [320, 640], wide: [1280, 900] };
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const findings = [];
let views = 0;
let bytesMax = 0;

rmSync(pictures, { recursive: true, force: true });
mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const looks = ["fr", "nl", "en"].flatMap((language) => ["light", "dark"].map((scheme) => look(language, scheme)));
  await Promise.all(looks);
  await journey();
  await canary();
} finally {
  await browser.close();
}
console.log(JSON.stringify({ views, bytes_max: bytesMax, findings }));

/** A new visitor, whose every request and every refusal of the policy is watched. */
async function visitor(locale, colorScheme) {
  const context = await browser.newContext({ locale, colorScheme, reducedMotion: "reduce" });
  await context.addInitScript(() => {
    globalThis.refused = [];
    addEventListener("securitypolicyviolation", (event) => globalThis.refused.push(`${event.violatedDirective} ${event.blockedURI}`));
  });
  const page = await context.newPage();
  page.on("request", (request) => {
    const there = new URL(request.url());
    if (there.origin !== new URL(base).origin && there.protocol !== "data:") findings.push({ rule: "other host", at: request.url() });
  });
  page.on("console", (message) => {
    // The page that is not there is asked for on purpose.
    if (message.type() === "error" && !/status of 40[04]/.test(message.text())) findings.push({ rule: "console", at: page.url(), what: message.text() });
  });
  return { context, page };
}

/** Every page in one language and one colour scheme, narrow and wide. */
async function look(language, scheme) {
  const { context, page } = await visitor(language, scheme);
  for (const [name, path] of Object.entries(PAGES)) {
    const at = `/${language}${path}`;
    await page.goto(base + at, { waitUntil: "load" });
    bytesMax = Math.max(bytesMax, await page.evaluate(() =>
      [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .reduce((sum, entry) => sum + entry.encodedBodySize, 0)));
    for (const [width, [x, y]] of Object.entries(WIDTHS)) {
      await page.setViewportSize({ width: x, height: y });
      views += 1;
      const where = `${at} ${scheme} ${width}`;
      const sideways = await page.evaluate(() => document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth);
      if (sideways > 0) findings.push({ rule: "scrolls sideways", at: where, what: sideways });
      await page.evaluate(axe);
      const { violations } = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: "tag", values } }), RULES);
      for (const { id, nodes } of violations) findings.push({ rule: id, at: where, what: nodes.slice(0, 3).map((node) => node.html) });
      // One language shows the looks; every language is examined.
      if (language === "fr") await page.screenshot({ path: `${pictures}/${name}-${scheme}-${width}.png`, fullPage: true });
    }
    for (const refused of await page.evaluate(() => globalThis.refused)) findings.push({ rule: "policy", at, what: refused });
  }
  await context.close();
}

/** What is wrong on purpose is found: whoever looks is not blind. */
async function canary() {
  const before = findings.length;
  const { context, page } = await visitor("fr", "light");
  await page.goto(`${base}/fr/`, { waitUntil: "load" });
  await page.evaluate(() => {
    const picture = document.createElement("img");
    picture.src = "data:image/gif;base64,AAAA";
    document.querySelector("main").append(picture);
  });
  await page.waitForFunction(() => globalThis.refused.some((refused) => refused.startsWith("img-src")));
  await page.evaluate(axe);
  const { violations } = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: "tag", values } }), RULES);
  findings.length = before;
  if (!violations.some(({ id }) => id === "image-alt")) findings.push({ rule: "canary", what: "a picture without words was not noticed" });
  await context.close();
}

/** With the keyboard alone: find an open hoster near Namur, and reach how to join it. */
async function journey() {
  const { context, page } = await visitor("fr-BE", "light");
  const keyboard = page.keyboard;
  const tabTo = async (selector) => {
    for (let pressed = 0; pressed < 80; pressed += 1) {
      await keyboard.press("Tab");
      if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    }
    throw new Error(`the keyboard does not reach ${selector} on ${page.url()}`);
  };
  const enter = () => Promise.all([page.waitForNavigation({ waitUntil: "load" }), keyboard.press("Enter")]);
  try {
    await page.goto(base, { waitUntil: "load" });
    if (!page.url().endsWith("/fr/")) throw new Error(`not in the language of the reader: ${page.url()}`);
    await tabTo("header nav a");
    await enter();
    await tabTo("#near");
    await keyboard.type("namur");
    await tabTo("#open");
    await keyboard.press("Space");
    await enter();
    if (!page.url().endsWith("/fr/directory?near=namur&open=yes")) throw new Error(`a question has one address: ${page.url()}`);
    await tabTo(".card h3 a");
    await enter();
    if (!page.url().endsWith("/fr/directory/abeilles.test")) throw new Error(`not the hoster: ${page.url()}`);
    await tabTo("a.button[rel~=nofollow]");
    const join = await page.evaluate(() => document.activeElement.href);
    if (join !== "https://abeilles.example/rejoindre") throw new Error(`not how to join: ${join}`);
  } catch (error) {
    findings.push({ rule: "journey", what: String(error) });
  }
  await context.close();
}
