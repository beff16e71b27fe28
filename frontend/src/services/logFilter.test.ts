import { expect, test } from 'vitest';

import shared from '../../../crates/debug/tests/filter-cases.json';

import type { LogQuery, LogRecord } from './api.ts';
import { matches } from './logFilter.ts';

test.each(shared.cases)('$filter means the same here as to the service', ({ filter, ids }) => {
  const records = shared.records as LogRecord[];
  expect(records.filter((record) => matches(record, filter as LogQuery)).map(({ id }) => id)).toEqual(ids);
});
