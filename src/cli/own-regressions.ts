import { fileURLToPath } from 'node:url';
import { RegressionStore, type StoredRegression } from '../campaign/index.ts';
import { packageRoot } from './package-root.ts';

/** The cases that come with barproof in a folder of its regressions, such as `known`. */
export const ownRegressions = (folder: string): readonly StoredRegression[] =>
  new RegressionStore(fileURLToPath(new URL(`regressions/${folder}`, packageRoot()))).load();
