import { fileURLToPath } from 'node:url';
import { RegressionStore, type StoredRegression } from '../campaign/index.ts';
import { PACKAGE_ROOT } from './package.ts';

/** The cases that come with barproof, from one folder of its `regressions`, such as `known`. */
export const shippedRegressions = (folder: string): readonly StoredRegression[] =>
  new RegressionStore(fileURLToPath(new URL(`regressions/${folder}`, PACKAGE_ROOT))).load();
