import { join } from 'node:path';
import { RegressionStore, type StoredRegression } from '../campaign/index.ts';
import { PACKAGE_FOLDER } from './package.ts';

/** The cases that come with barproof, from one folder of its `regressions`, such as `known`. */
export const shippedRegressions = (folder: string): readonly StoredRegression[] =>
  new RegressionStore(join(PACKAGE_FOLDER, 'regressions', folder)).load();
