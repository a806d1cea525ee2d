import { ALL_REVISIONS } from '../src/model/index.ts';
import { describeBroken } from './testing/describe-broken.ts';

describeBroken(ALL_REVISIONS.filter(({ id }) => id.includes('+')));
