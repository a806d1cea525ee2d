/** What `--help` begins with: commands to copy, and what each of them does. */
export function examples(rows: readonly (readonly [command: string, purpose: string])[]): string {
  const width = Math.max(...rows.map(([command]) => command.length));
  const lines = rows.map(([command, purpose]) => `  ${command.padEnd(width)}   ${purpose}\n`);
  return `Examples:\n${lines.join('')}`;
}
