import { existsSync } from 'node:fs';
import {
  assumedInScenario,
  explain,
  explanationJson,
  explanationText,
  pictureOf,
  readPath,
  requireText,
  scenarioOf,
  type Source,
} from '../explain/index.ts';
import { InvalidInput, prefixProblems, standardInputText, unknownName } from '../input/index.ts';
import { lineWidth, shortened, wrap } from '../report/index.ts';
import { NAMED_HOSTS, encodeScenario, findNamedHost, toJsonText, type NamedHost } from '../scenario/index.ts';
import { programWords } from './program-words.ts';
import { writeNamedFile } from './named-file.ts';
import { writeOut } from './write-out.ts';

/** The options of `barproof explain` as commander reads them. */
export interface ExplainCommandOptions {
  readonly host?: string;
  readonly json?: true;
  readonly scenario?: string;
  readonly svg?: string;
}

const STANDARD_INPUT = '-';
/** So many characters of a typed text name it in messages. */
const LONGEST_NAME = 40;
const NOTHING_TO_DRAW =
  'the texts show no addresses to draw, so no file was written: a picture needs BARs with their sizes, a dump with types of regions, or a log line with addresses';

/** Says what the texts at the paths mean. */
export async function explainTexts(paths: readonly string[], options: ExplainCommandOptions): Promise<void> {
  const host = options.host === undefined ? undefined : requireHost(options.host);
  const sources: Source[] = [];
  for (const path of paths) {
    if (path === STANDARD_INPUT) {
      const text = await standardInputText();
      sources.push({
        name: 'standard input',
        text: prefixProblems('standard input', () => requireText(text)),
      });
    } else if (isText(path)) sources.push({ name: shortened(path, LONGEST_NAME), text: path, isTyped: true });
    else sources.push(...prefixProblems(path, () => readPath(path)));
  }
  const explanation = explain(sources, { host });
  // First the answer: it stands although a file that the user asked for cannot be made.
  await writeOut(
    options.json ? explanationJson(explanation) : explanationText(explanation, programWords().join(' ')),
  );
  if (options.scenario !== undefined) {
    const scenario = scenarioOf(explanation, host);
    if (scenario === undefined)
      throw new InvalidInput([
        {
          path: '--scenario',
          message: 'the texts show no device with the sizes of its BARs, and no scenario',
        },
      ]);
    await writeNamedFile(options.scenario, toJsonText(encodeScenario(scenario)));
    const assumed = assumedInScenario(explanation);
    if (assumed !== undefined)
      process.stderr.write(`${wrap(`note: ${assumed}`, lineWidth(), 6).join('\n')}\n`);
  }
  if (options.svg !== undefined) {
    const picture = pictureOf(explanation, host);
    if (picture === undefined) throw new InvalidInput([{ path: '--svg', message: NOTHING_TO_DRAW }]);
    await writeNamedFile(options.svg, picture);
  }
}

/** Whether the user typed a text instead of a file's name: words, or nothing. */
const isText = (path: string): boolean => !existsSync(path) && (path.trim() === '' || /\s/.test(path.trim()));

function requireHost(id: string): NamedHost {
  const host = findNamedHost(id);
  if (host !== undefined) return host;
  const ids = NAMED_HOSTS.map((other) => other.id);
  throw unknownName({
    path: '--host',
    kind: 'host',
    name: id,
    known: ids,
    otherwise: `barproof knows ${ids.join(', ')}`,
  });
}
