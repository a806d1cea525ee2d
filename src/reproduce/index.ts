/** A finding as a program of Python that shows it on a real QEMU, for a reader who has no Node. */
import type { LoadedCase } from '../campaign/index.ts';
import { toJsonText } from '../scenario/index.ts';
import { caseData } from './case-data.ts';
import { programText } from './program-text.ts';
import { reproducible } from './reproducible.ts';

/**
 * The text of a Python program, complete in one file, that shows the case on a real QEMU.
 *
 * @throws InvalidInput with the reason why no vfio-user device can show the case.
 */
export const reproducerOf = (loaded: LoadedCase): string =>
  programText(toJsonText(caseData(reproducible(loaded))).trimEnd());
