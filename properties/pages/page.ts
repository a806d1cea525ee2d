import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the checkout. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The pages that people read first; every command and every name in them is tested. */
export const PAGES = [
  'README.md',
  'CHANGELOG.md',
  '.ci/RECIPES.md',
  '.github/CONTRIBUTING.md',
  'src/README.md',
  'src/explain/README.md',
  'src/library/README.md',
  'src/qemu-tree/README.md',
  'src/readers/README.md',
  'src/reproduce/README.md',
  'properties/README.md',
  'properties/CAMPAIGNS.md',
  'regressions/revisions/README.md',
] as const;

/** Pages that other tests make or run; their links, paths and names are tested here. */
export const OTHER_PAGES = [
  'src/invariants/README.md',
  'src/memory/README.md',
  'src/linux/README.md',
  'src/scenario/README.md',
  'src/scenario/FAULTS.md',
  'regressions/bugs/README.md',
  'regressions/linux/README.md',
  'regressions/mail/README.md',
  'regressions/patches/README.md',
  'properties/conformance/RESULTS.md',
] as const;

/** The rules of each room that code cites. `properties/citations.test.ts` reads the facts in them. */
export const FACT_PAGES: readonly string[] = readdirSync(join(ROOT, 'src'))
  .map((room) => `src/${room}/FACTS.md`)
  .filter((page) => existsSync(join(ROOT, page)));

export const readPage = (page: string): string => readFileSync(join(ROOT, page), 'utf8');

/** A fenced block of a page. */
export interface Block {
  /** The word behind the fence: `sh`, `console`, `json`, … */
  readonly language: string;
  /** The file name behind the language, for blocks that a reader saves: ```json my-case.json. */
  readonly file: string | undefined;
  /** The lines between the fences, each with its line break. */
  readonly text: string;
}

/** Also the blocks inside of a list, which are indented. */
const FENCE = /^( *)```(\w*)(?: (\S+))?\n([^]*?)^\1```$/gm;

/** The fenced blocks of a page, from top to bottom. */
export const blocksOf = (page: string): Block[] =>
  [...page.matchAll(FENCE)].map(([, indent = '', language = '', file, text = '']) => ({
    language,
    file,
    text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));

/** Puts other text into the blocks of one language that are not part of a list. */
export const replaceBlocks = (page: string, language: string, change: (text: string) => string): string =>
  page.replaceAll(FENCE, (whole: string, indent: string, found: string, _file: unknown, text: string) =>
    found === language && indent === '' ? `\`\`\`${found}\n${change(text)}\`\`\`` : whole,
  );

const withoutBlocks = (page: string): string => page.replaceAll(FENCE, '');

/** The texts between single backticks, outside of blocks. */
export const codeIn = (page: string): string[] =>
  [...withoutBlocks(page).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

/** The files and folders of the checkout to which a page links, relative to the checkout. */
export const linksOf = (page: string, text: string): string[] =>
  [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^(?:https?:|#)/.test(target))
    .map((target) => normalize(join(dirname(page), target.replace(/#.*$/, ''))));

/** The headings to which a page links, each with the page that must have it. */
export const anchorsOf = (page: string, text: string): { readonly page: string; readonly anchor: string }[] =>
  [...withoutBlocks(text).matchAll(/\]\(([^)#\s]*)#([^)\s]+)\)/g)]
    .filter(([, target = '']) => !target.startsWith('http'))
    .map(([, target = '', anchor = '']) => ({
      page: target === '' ? page : normalize(join(dirname(page), target)),
      anchor,
    }));

/** The anchors that GitHub gives to the headings of a page. */
export const headingsOf = (text: string): string[] =>
  [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
