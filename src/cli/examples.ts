/** The first lines of `--help`: commands to copy, with what each command does. */
export function examples(rows: readonly (readonly [command: string, purpose: string])[]): string {
  const width = Math.max(...rows.map(([command]) => command.length));
  const lines = rows.map(([command, purpose]) => `  ${command.padEnd(width)}   ${purpose}\n`);
  return `Examples:\n${lines.join('')}`;
}
