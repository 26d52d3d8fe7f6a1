import { after, before, describe, it } from "node:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Browser, chromium, type Page } from "playwright-core";
import { html } from "./html.ts";
import { junit } from "./junit.ts";
import type { Report } from "./report.ts";
import { anyReport, caseOf, HOSTILE, hostileReport, reportOf } from "./sample.ts";
import { sectionsOf } from "./sections.ts";
import { visible } from "./visible.ts";

const CHROMIUM = "/usr/bin/chromium";
const onNode = process.versions["bun"] === undefined && process.versions["deno"] === undefined;
const skip = !onNode
  ? "the page is the same from every runtime: seen in a browser from Node"
  : existsSync(CHROMIUM)
  ? false
  : "needs chromium";

/** The contrast of two colours as `rgb(…)`, by WCAG 2: 1 … 21; 4.5 is readable. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [one, other].map((color) => {
    const [r = 0, g = 0, b = 0] = (color.match(/[\d.]+/g) ?? []).map((value) => {
      const share = Number(value) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }).sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

describe("the HTML report in a browser", { skip }, () => {
  let browser: Browser;
  let folder = "";
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "heddle-html-"));
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic"],
    });
  });
  after(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens the report from its file; whatever the page complains about fails the test. */
  async function visit(
    report: Report,
    look: (page: Page) => Promise<void>,
    colorScheme: "light" | "dark" = "light",
  ): Promise<void> {
    const file = join(folder, "report.html");
    writeFileSync(file, await html(report));
    const page = await browser.newPage({ colorScheme, viewport: { width: 400, height: 800 } });
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => complaints.push(message.text()));
    page.on("request", (request) => {
      if (!request.url().startsWith("file:")) complaints.push(request.url());
    });
    await page.goto(pathToFileURL(file).href);
    await look(page);
    assertEquals(complaints, []);
    await page.close();
  }

  const named = (id: string, verdict: "pass" | "fail" | "warn" | "skip", section: string) => {
    const one = caseOf(`the text of ${id}`, verdict);
    const { requirement } = one;
    return { ...one, id, requirement: { ...requirement, spec: "RFC 6455" as const, section } };
  };
  const report = reportOf("ws://localhost/", [
    named("rfc6455/5.1/one", "fail", "5.1"),
    named("rfc6455/5.1/two", "pass", "5.1"),
    named("rfc6455/5.10/three", "pass", "5.10"),
    named("rfc6455/5.2/four", "warn", "5.2"),
    named("rfc6455/5.2/five", "skip", "5.2"),
  ]);
  const shown = (page: Page) =>
    page.locator(".case").evaluateAll((cases) =>
      cases.filter((one) => one.checkVisibility()).map(({ id }) => id.split("/").at(-1))
    );

  it("shows what failed, unfolds the rest, and keeps to the order of the sections", async () => {
    await visit(report, async (page) => {
      assertEquals(await shown(page), ["one", "two", "four", "five"]);
      await page.click("#unfold");
      assertEquals(await shown(page), ["one", "two", "four", "five", "three"]);
      assert(await page.getByText("observed", { exact: false }).first().isVisible());
    });
  });

  it("filters by verdict and by words", async () => {
    await visit(report, async (page) => {
      await page.click("[data-filter=warn]");
      assertEquals(await shown(page), ["four"]);
      await page.click("[data-filter=pass]");
      assertEquals(await shown(page), ["two", "four", "three"]);
      await page.keyboard.press("/");
      await page.keyboard.type("THREE text");
      assertEquals(await shown(page), ["three"]);
      assertEquals(await page.textContent("#status"), "1 of 5 cases");
      await page.keyboard.type(" nowhere");
      assertEquals(await shown(page), []);
      assert(await page.isVisible("#none"));
      await page.keyboard.press("Escape");
      await page.click("[data-filter=pass]");
      await page.click("[data-filter=warn]");
      assertEquals(await shown(page), ["one", "two", "four", "five"]);
    });
  });

  it("copies the command, and unfolds the case that an address names", async () => {
    await visit(report, async (page) => {
      await page.locator(".copy").first().click();
      await page.getByText("Copied", { exact: true }).waitFor();
      assertEquals(await page.isVisible("[id='rfc6455/5.10/three'] .body"), false);
      await page.evaluate(() => location.hash = "#rfc6455/5.10/three");
      await page.locator("[id='rfc6455/5.10/three'] .body").waitFor({ state: "visible" });
    });
  });

  it("fits a phone, and has enough contrast in the light and in the dark", async () => {
    for (const scheme of ["light", "dark"] as const) {
      await visit(report, async (page) => {
        assertEquals(await page.evaluate(() => document.documentElement.scrollWidth), 400);
        const texts = await page.evaluate(() =>
          [...document.querySelectorAll("body *")].filter((element) =>
            element.checkVisibility() &&
            [...element.childNodes].some((node) =>
              node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== ""
            )
          ).map((element) => {
            const { color } = getComputedStyle(element);
            let behind: Element | null = element;
            while (behind !== null && !/^rgb\(/.test(getComputedStyle(behind).backgroundColor)) {
              behind = behind.parentElement;
            }
            const ground = behind === null ? "" : getComputedStyle(behind).backgroundColor;
            return { color, ground, text: element.outerHTML.slice(0, 100) };
          })
        );
        assert(texts.length > 30);
        const poor = texts.filter(({ color, ground }) => contrast(color, ground) < 4.5);
        assertEquals(poor, [], scheme);
      }, scheme);
    }
  });

  it("shows what a hostile server sent as text, and runs none of it", async () => {
    await visit(hostileReport(), async (page) => {
      const found = await page.evaluate(() => ({
        broken: "broken" in globalThis,
        scripts: document.scripts.length,
        foreign: document.querySelectorAll("img, iframe, [onmouseover], [onfocus]").length,
        titles: [...document.querySelectorAll("h3")].map(({ textContent }) => textContent),
      }));
      assertEquals([found.broken, found.scripts, found.foreign], [false, 1, 0]);
      assertEquals(new Set(found.titles), new Set(HOSTILE.map(visible)));
    });
  });

  it("reads any report as HTML and as XML, and finds in it what was put in", async () => {
    const page = await browser.newPage();
    await fc.assert(
      fc.asyncProperty(anyReport(), async (report) => {
        const texts = [await html(report), junit(report)] as const;
        const found = await page.evaluate(([page, xml]) => {
          const read = new DOMParser().parseFromString(page, "text/html");
          const suites = new DOMParser().parseFromString(xml, "application/xml");
          return {
            titles: [...read.querySelectorAll("h3")].map(({ textContent }) => textContent),
            errors: suites.querySelectorAll("parsererror").length,
            names: [...suites.querySelectorAll("testcase")].map((one) =>
              one.querySelector("property[name=title]")?.getAttribute("value")
            ),
          };
        }, texts);
        const cases = sectionsOf(report).flatMap(({ cases }) => cases);
        const sorted = (titles: readonly unknown[]) => [...titles].map(String).sort();
        assertEquals(found.errors, 0);
        assertEquals(sorted(found.titles), sorted(cases.map(({ title }) => visible(title))));
        assertEquals(
          found.names,
          cases.map(({ title }) => visible(title).replaceAll("\n", "\\n")),
        );
      }),
      { numRuns: 50 },
    );
    await page.close();
  });
});
