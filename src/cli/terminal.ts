import { setTerminalWidth } from '../report/index.ts';
import { coloured, hasColours } from './colours.ts';
import { terminalColumns } from './terminal-columns.ts';

/**
 * Fits the texts of this process to the terminal that shows them: their width, and colours. JSON gets none.
 *
 * @param isText whether the command prints text for people.
 */
export function useTerminal(isText: boolean): void {
  const { stdout } = process;
  setTerminalWidth(terminalColumns());
  if (!isText || !hasColours(stdout)) return;
  const write = stdout.write.bind(stdout);
  stdout.write = ((text: string | Uint8Array, ...rest: []) =>
    write(typeof text === 'string' ? coloured(text) : text, ...rest)) as typeof stdout.write;
}
