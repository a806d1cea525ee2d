import { expect, it } from 'vitest';
import { cFunctions } from './c-functions.ts';

const C = `#include "x.h" /* { */

#define OPEN {            \\
    (
static const struct Y table[] = {
    { .call = one, },
};

struct Z {
    int a;
};

static int
one(int a,
    char *b)
{
    if (a) { return '{'; }
    return "}" "\\"{"[0];
}

void two(void) {
#ifdef X
    while (1) {
#else
    {
#endif
    }
}
`;

it('cFunctions finds functions by their braces, and by none in comments, strings and macros', () => {
  const found = cFunctions(C.replace(/#ifdef X\n.*\n#else\n/, ''));
  expect(found).toEqual([
    { name: 'one', start: 13, end: 19 },
    { name: 'two', start: 21, end: 25 },
  ]);
});

it('cFunctions takes the function behind a macro of a line of its own', () => {
  expect(cFunctions('MAKE_TYPE(A, B)\n\nstatic void f(void)\n{\n}\n')).toEqual([
    { name: 'f', start: 3, end: 5 },
  ]);
});

it('cFunctions finds the functions behind one whose braces do not go together', () => {
  const text =
    'void a(void)\n{\n#if X\n  if (1) {\n#else\n  if (2) {\n#endif\n  }\n}\n\nvoid b(void)\n{\n}\n';
  expect(cFunctions(text).map(({ name }) => name)).toEqual(['a', 'b']);
});
