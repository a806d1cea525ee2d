/** A text that programs wrap into JSON has at most so many objects. */
const MOST_OBJECTS = 10_000;
/** Keys that a scenario or a stored case has. */
const OF_SCENARIO = new Set([
  'version',
  'machine',
  'scenario',
  'devices',
  'operations',
  'revision',
  'schema',
]);
/** A block of a tracker, which is no JSON: `{code}`, `{noformat}`, `{{{`. */
const BLOCK_OF_TRACKER = /^\s*\{(?:code|noformat|quote|panel|\{\{)/;

/** Whether a text claims to be JSON. */
export const looksLikeJson = (text: string): boolean => /^\s*\{/.test(text) && !BLOCK_OF_TRACKER.test(text);

/**
 * The text that a program has packed: the answers of QMP to monitor commands, the output of a command in JSON of another
 * program, or line breaks that are spelt out. A scenario, and every other text, is returned as it is.
 */
export function unpackText(text: string): string {
  if (!looksLikeJson(text)) return withLineBreaks(text);
  const objects = objectsIn(text);
  if (objects === undefined || objects.some(isOfScenario)) return text;
  const strings = objects.flatMap((object) => stringsIn(object));
  // An object without text is for the reader of scenarios, who names its problems.
  return strings.some((string) => /\n|\S {1,}\S/.test(string)) ? strings.join('\n') : text;
}

/** The objects of a text: one, or one in each line, as in a session of QMP. */
function objectsIn(text: string): readonly unknown[] | undefined {
  const whole = parsed(text);
  if (whole !== undefined) return [whole];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length > MOST_OBJECTS) return undefined;
  // A session has the arrows and prompts of its terminal in front of some lines.
  const objects = lines.map((line) => parsed(line.replace(/^\s*(?:->|<-|\(QEMU\))\s*/, '')));
  return objects.some((object) => object === undefined) ? undefined : objects;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return undefined;
  }
}

const isOfScenario = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).some((key) => OF_SCENARIO.has(key));

/** Programs that wrap text nest it no deeper. */
const DEEPEST = 20;

/** All strings of a value, in their order; the names of keys are none. */
function stringsIn(value: unknown, depth = 0): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || depth > DEEPEST) return [];
  return Object.values(value).flatMap((inner) => stringsIn(inner, depth + 1));
}

/** A text whose line breaks and tabs a program has spelt out, `\n` and `\t`, with real ones. */
function withLineBreaks(text: string): string {
  const spelt = text.match(/\\n/g)?.length ?? 0;
  const real = text.match(/\n/g)?.length ?? 0;
  return spelt < 3 || spelt <= real ? text : text.replaceAll(/(?:\\r)?\\n/g, '\n').replaceAll('\\t', '\t');
}
