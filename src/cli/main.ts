#!/usr/bin/env node
import { runCommandLine } from './command-line.ts';
import { ExitCode } from './exit-code.ts';

// Whoever reads has seen enough, as `head` has: no reason to complain, nor to go on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? ExitCode.HOLDS : ExitCode.COULD_NOT_RUN);
});

process.exitCode = await runCommandLine(process.argv.slice(2));
