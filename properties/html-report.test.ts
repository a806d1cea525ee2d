import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findingOf } from '../src/campaign/index.ts';
import { violationsOf } from '../src/invariants/index.ts';
import { findAnyRevision, runOnModel } from '../src/model/index.ts';
import { htmlPage } from '../src/readers/html/page.ts';
import { reportedFinding, ruleOf } from '../src/readers/finding.ts';
import type { Report } from '../src/readers/report.ts';
import { loadCase } from '../src/campaign/index.ts';
import { INVARIANTS } from '../src/invariants/index.ts';
import { ROOT } from './pages/page.ts';
import { runInProcess as barproof } from '../src/cli/testing/run-in-process.ts';

/** `.ci/install-chromium` puts it there. */
const CHROMIUM = process.env['BARPROOF_CHROMIUM'] ?? join(ROOT, '.cache/chromium/bin/chromium');
const whyNot = existsSync(CHROMIUM) ? '' : ' (there is no Chromium; run .ci/install-chromium)';
/** The rules of accessibility that axe checks. */
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A folder for screenshots that a developer looks at; none without it. */
const SHOTS = process.env['BARPROOF_SCREENSHOTS'];

const times = { begin: new Date('2026-01-02T03:04:05Z'), duration: 12 };

/** A report with the findings of a stored case, `copies` times. */
function reportOf(file: string, copies = 1): Report {
  const { scenario } = loadCase(join(ROOT, file));
  const trace = runOnModel(scenario, findAnyRevision(scenario.revision)!);
  const violations = violationsOf(trace);
  const findings = Array.from({ length: copies }, (_, copy) =>
    violations.map((violation, index) => {
      const place = {
        number: copy * violations.length + index + 1,
        file,
        again: `npx barproof replay ${file}`,
      };
      const finding = reportedFinding(findingOf(trace, violation), place);
      return copy === 0 ? finding : { ...finding, cause: `${finding.cause}-${copy}` };
    }),
  ).flat();
  return {
    command: 'check',
    version: '1.2.3',
    plan: {
      subject: scenario.revision,
      target: 'model',
      seed: 'a-seed',
      cases: 100,
      rules: INVARIANTS.map(ruleOf),
      again: 'barproof check --seed a-seed',
      notes: [],
    },
    inputs: [],
    findings,
    problems: [],
    interrupted: false,
    summary: {
      cases: 100,
      exercised: { 'map-aligned': 70, 'no-abort': 100, 'msix-trapped': 0 },
      outcomes: { ok: 80, aborted: 20 },
      notRun: {},
      known: [],
      headline: ['it breaks things'],
    },
    verdict: 'counterexample',
  };
}

const CASE = 'regressions/revisions/seed-v2--map-aligned.json';

describe('the HTML report', () => {
  it('has less than 2 MB for 100 findings', () => {
    const page = htmlPage(reportOf(CASE, 34), times);
    expect(page.split('<article').length - 2).toBeGreaterThanOrEqual(100);
    expect(Buffer.byteLength(page)).toBeLessThan(2_000_000);
  });

  it('refers to nothing outside of itself', () => {
    const page = htmlPage(reportOf(CASE), times).replaceAll('http://www.w3.org/2000/svg', '');
    expect(page).not.toMatch(/https?:|@import|url\(|\bsrc=|<link|<iframe/);
  });
});

describe.skipIf(whyNot !== '')(`the HTML report in Chromium${whyNot}`, () => {
  let browser: Browser;
  let here: string;
  const open: { close(): Promise<void> }[] = [];

  beforeAll(async () => {
    here = mkdtempSync(join(tmpdir(), 'barproof-html-'));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  }, 60_000);
  afterEach(async () => {
    for (const context of open.splice(0)) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(here, { recursive: true, force: true });
  });

  /** Opens a report. A request for anything but the file, and any error of the page, fails the test. */
  async function openReport(html: string, hash = '', options: BrowserContextOptions = {}): Promise<Page> {
    const file = join(here, 'report.html');
    writeFileSync(file, html);
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, ...options });
    open.push(context);
    const page = await context.newPage();
    page.on('pageerror', (error) => {
      throw error;
    });
    page.on('request', (request) => expect(request.url()).toMatch(/^(?:file|data):/));
    await page.goto(`${pathToFileURL(file).href}${hash}`);
    return page;
  }

  /** The id of the one page that is shown. */
  const shown = async (page: Page): Promise<string> => {
    const ids = await page.locator('article:visible').evaluateAll((all) => all.map(({ id }) => id));
    expect(ids).toHaveLength(1);
    return ids[0]!;
  };

  /** Chromium tells the page of a new address only after the key or click that changed it. */
  const expectShown = (page: Page) => expect.poll(() => shown(page));

  const shoot = async (page: Page, name: string): Promise<void> => {
    if (SHOTS === undefined) return;
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true });
  };

  const breaksOfAccess = async (page: Page): Promise<string[]> => {
    await page.evaluate(AXE);
    return page.evaluate(async () => {
      const axe = (
        globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        }
      ).axe;
      const { violations } = await axe.run();
      return violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' ')}`,
      );
    });
  };

  const html = htmlPage(reportOf(CASE, 3), times);

  it('shows the overview first, with the share of cases that exercised each rule', async () => {
    const page = await openReport(html);
    await expectShown(page).toBe('overview');
    const row = page.locator('tr', { has: page.getByRole('rowheader', { name: 'map-aligned' }) });
    await expect(row.innerText()).resolves.toMatch(/3 broken[^]*70[^]*70 %/);
    const idle = page.locator('tr', { has: page.getByRole('rowheader', { name: 'msix-trapped' }) });
    await expect(idle.innerText()).resolves.toContain('not exercised');
    await shoot(page, 'overview');
  });

  it('opens a finding by its address, and keeps the address that it shows', async () => {
    const page = await openReport(html, '#map-aligned.bar-fragment-unaligned');
    await expectShown(page).toBe('map-aligned.bar-fragment-unaligned');
    await page
      .getByRole('link', { name: /no-abort/ })
      .first()
      .click();
    await expectShown(page).toMatch(/^no-abort\./);
    expect(page.url()).toMatch(/#no-abort\./);
    await page.goBack();
    await expectShown(page).toBe('map-aligned.bar-fragment-unaligned');
  });

  it('filters the findings by words', async () => {
    const page = await openReport(html);
    await page.getByLabel(/Filter the findings/).fill('mmio refused');
    const left = await page.locator('#findings li:visible').allInnerTexts();
    expect(left).toHaveLength(3);
    for (const text of left) expect(text).toContain('mmio-map-not-fatal');
    await expect(page.locator('#count').innerText()).resolves.toBe('3 of 9');
    await page.getByLabel(/Filter the findings/).fill('no such words');
    await expect(page.locator('#count').innerText()).resolves.toBe('0 of 9');
  });

  it('can be used with the keyboard alone', async () => {
    const page = await openReport(html);
    await page.keyboard.press('j');
    await expectShown(page).toBe('map-aligned.bar-fragment-unaligned');
    // What a screen reader reads next is the heading of the page.
    await expect(page.evaluate('document.activeElement.tagName')).resolves.toBe('H1');
    await page.keyboard.press('j');
    await expectShown(page).not.toBe('map-aligned.bar-fragment-unaligned');
    await page.keyboard.press('k');
    await expectShown(page).toBe('map-aligned.bar-fragment-unaligned');
    await page.keyboard.press('/');
    await page.keyboard.type('no-abort');
    await page.keyboard.press('Enter');
    await expectShown(page).toMatch(/^no-abort\./);
    await page.keyboard.press('Escape');
    await expectShown(page).toBe('overview');
    await page.reload();
    await page.keyboard.press('Tab');
    await expect(page.evaluate('document.activeElement.textContent')).resolves.toBe('Skip to the report');
  });

  it('outlines and labels the wrong bytes in the picture', async () => {
    const page = await openReport(html, '#map-aligned.bar-fragment-unaligned');
    const picture = page.locator('article:visible .map svg');
    await expect(picture.getAttribute('aria-label')).resolves.toContain('Rule: every VFIO_MAP_DMA');
    const mark = picture.locator('.mark-wrong');
    await expect(mark.locator('text').allTextContents()).resolves.toContain('these bytes are wrong:');
    const outline = (await mark.locator('rect').boundingBox())!;
    const label = (await mark.locator('text').first().boundingBox())!;
    expect(label.x).toBeGreaterThan(outline.x + outline.width);
    expect(label.x + label.width).toBeLessThanOrEqual(1400);
    await expect(
      page.evaluate(
        `getComputedStyle(document.querySelector('article:not([hidden]) .mark-wrong rect')).fill`,
      ),
    ).resolves.toBe('none');
  });

  it.each(['light', 'dark'] as const)(
    'is readable in %s colours, and passes the checks of axe',
    async (colorScheme) => {
      for (const hash of ['', '#map-aligned.bar-fragment-unaligned']) {
        const page = await openReport(html, hash, { colorScheme });
        await expect(breaksOfAccess(page)).resolves.toEqual([]);
        const paper = await page.evaluate('getComputedStyle(document.body).backgroundColor');
        expect(paper).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(13, 17, 23)');
        await shoot(page, `${colorScheme}${hash.replace('#', '-')}`);
      }
    },
  );

  it.each(['light', 'dark'] as const)('lets the reader choose other colours than %s', async (colorScheme) => {
    const page = await openReport(html, '#map-aligned.bar-fragment-unaligned', { colorScheme });
    const colours = () =>
      page.evaluate(`[
        getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector('article:not([hidden]) .map .paper')).fill,
      ]`);
    const button = page.getByRole('button', { name: /^Colours/ });
    await button.click();
    await expect(colours()).resolves.toEqual(['rgb(255, 255, 255)', 'rgb(255, 255, 255)']);
    await button.click();
    await expect(colours()).resolves.toEqual(['rgb(13, 17, 23)', 'rgb(13, 17, 23)']);
    await expect(breaksOfAccess(page)).resolves.toEqual([]);
  });

  it('is one long page without scripts', async () => {
    const page = await openReport(html, '', { javaScriptEnabled: false });
    await expect(page.locator('article:visible').count()).resolves.toBe(10);
  });

  it('copies a command', async () => {
    const page = await openReport(html, '#map-aligned.bar-fragment-unaligned');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const button = page.locator('article:visible .command').getByRole('button');
    await button.click();
    await button.filter({ hasText: 'Copied' }).waitFor();
    await expect(page.evaluate('navigator.clipboard.readText()')).resolves.toBe(
      `npx barproof replay ${CASE}`,
    );
  });

  it('fits a narrow screen', async () => {
    const page = await openReport(html, '#map-aligned.bar-fragment-unaligned', {
      viewport: { width: 400, height: 800 },
    });
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(400);
    await shoot(page, 'narrow');
  });

  it('shows a proposal before and after', async () => {
    const patch = join(here, 'patch.mjs');
    writeFileSync(
      patch,
      `import { definePatch } from 'barproof';\nexport default definePatch({ name: 'reported', base: 'seed-v2', listener: { deviceMemoryFailure: 'reported' } });\n`,
    );
    const file = join(here, 'verdict.html');
    await barproof(['validate', patch, '--runs', '40', '--no-save', '--report', `html=${file}`]);
    const page = await openReport(readFileSync(file, 'utf8'));
    await page.keyboard.press('j');
    await expectShown(page).not.toBe('overview');
    const captions = await page.locator('article:visible figcaption').allInnerTexts();
    expect(captions).toEqual(['before: seed-v2', 'after: seed-v2+reported']);
    await expect(page.locator('article:visible .map svg').count()).resolves.toBe(2);
    await expect(breaksOfAccess(page)).resolves.toEqual([]);
    await shoot(page, 'proposal');
  });

  it('runs no script that a text smuggles in', async () => {
    const report = reportOf(CASE);
    const evil = '<img src=x onerror="globalThis.caught=1"><script>globalThis.caught=1</script>';
    const findings = report.findings.map((finding) => ({
      ...finding,
      message: evil,
      cause: evil,
      description: [evil],
    }));
    const page = await openReport(htmlPage({ ...report, findings }, times));
    await page.keyboard.press('j');
    await expectShown(page).not.toBe('overview');
    await expect(page.evaluate(() => (globalThis as { caught?: number }).caught)).resolves.toBeUndefined();
    await expect(page.locator('article:visible .lead').innerText()).resolves.toBe(evil);
  });
});
