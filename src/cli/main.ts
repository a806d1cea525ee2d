#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';
import { ExitCode } from './exit-code.ts';

// Whoever reads has seen enough, as `head` has: no reason to complain, nor to go on. What nobody has
// read is no verdict, though.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => process.exit(ExitCode.COULD_NOT_RUN));
}

process.exitCode = await runCommandLine(process.argv.slice(2));
