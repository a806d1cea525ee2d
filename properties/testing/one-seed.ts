import * as fc from 'fast-check';

/** fast-check draws the same cases in every run of a test; `BARPROOF_SEED` sets other ones. */
fc.configureGlobal({ seed: Number(process.env['BARPROOF_SEED'] ?? 20_171_215) });
