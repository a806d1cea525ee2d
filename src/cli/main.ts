#!/usr/bin/env node
import { writeSync } from 'node:fs';
import { leave, runInNet, tellErrorsBy } from './last-net.ts';

// A reader such as `head` may close the pipe early. That is no error: barproof goes on without it, and the exit code
// is that of the verdict. A disk that is full is an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      if (stream === process.stdout) tellAtOnce(`✖ standard output cannot be written (${error.code})\n`);
      leave(2);
    }
    stream.write = () => true;
  });
}

function tellAtOnce(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // Standard error cannot be written either.
  }
}

await runInNet(async () => {
  const { unexpectedErrorText } = await import('./unexpected-error.ts');
  tellErrorsBy(unexpectedErrorText);
  const { runCommandLine } = await import('./command-line.ts');
  return runCommandLine(process.argv.slice(2));
});
