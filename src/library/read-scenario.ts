import { parseCase } from '../campaign/index.ts';
import type { Scenario } from '../scenario/index.ts';

/**
 * The scenario in a text: JSON of a scenario or of a stored case, or a text in which such JSON stands, as in the message
 * of `expectHolds`, in a mail, or in the report of a test. There, a line begins with the opening brace.
 *
 * @throws InvalidInput with every problem and its path.
 */
export const readScenario = (text: string): Scenario => parseCase(jsonIn(text)).scenario;

/** The part of a text from the first line that begins with `{` to the brace that closes it; the text if there is none. */
function jsonIn(text: string): string {
  const start = /^[ \t>|]*\{/m.exec(text);
  if (start === null || text.trimStart().startsWith('{')) return text;
  const from = start.index + start[0].length - 1;
  // Quoted mails and reports of tests put the same characters in front of each line.
  const prefix = start[0].slice(0, -1);
  const lines = text.slice(from).split('\n');
  const json = lines.map((line) => (line.startsWith(prefix) ? line.slice(prefix.length) : line));
  json[0] = lines[0]!;
  const end = json.findIndex((line) => line.startsWith('}'));
  return json.slice(0, end === -1 ? 1 : end + 1).join('\n');
}
