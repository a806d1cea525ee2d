import { InvalidInput } from '../input/index.ts';
import { complain } from './complain.ts';
import { ExitCode, type Conclude } from './exit-code.ts';

/** Does something with each file; one that is not usable is complained about by name, and the rest goes on. */
export async function withEach(
  files: readonly string[],
  conclude: Conclude,
  act: (file: string) => Promise<void>,
): Promise<void> {
  for (const file of files) {
    try {
      await act(file);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      complain(error.within(file));
      conclude(ExitCode.COULD_NOT_RUN);
    }
  }
}
