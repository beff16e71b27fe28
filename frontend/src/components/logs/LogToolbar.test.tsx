import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { useState } from 'react';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { startI18n } from '../../i18n/index.ts';
import { type LogFilters, NO_FILTERS } from './logLine.ts';
import { LogToolbar } from './LogToolbar.tsx';

beforeAll(() => startI18n('en'));
beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

let asked: LogFilters[];

/** As on the page: the filters are a new object each time, and records keep arriving. */
function Log({ initial = NO_FILTERS }: { initial?: LogFilters }) {
  const [filters, setFilters] = useState(initial);
  const [count, setCount] = useState(0);
  return (
    <>
      <button
        type="button"
        onClick={() => {
          setCount((before) => before + 1);
        }}
      >
        a record arrives
      </button>
      <LogToolbar
        filters={{ ...filters }}
        services={['backend', 'frontend']}
        count={count}
        dropped={0}
        live
        waiting={null}
        onFilters={(next) => {
          asked.push(next);
          setFilters(next);
        }}
        onPause={() => undefined}
      />
    </>
  );
}

function open(initial?: LogFilters) {
  asked = [];
  render(<Log {...(initial === undefined ? {} : { initial })} />);
  return screen.getByTestId<HTMLInputElement>('log-search');
}

function type(field: HTMLInputElement, text: string) {
  fireEvent.change(field, { target: { value: text } });
}

describe('LogToolbar', () => {
  it('searches once the typing rests, although records arrive all the time, and the field keeps the focus', () => {
    const field = open();
    field.focus();
    type(field, 'los');
    for (let i = 0; i < 10; i += 1) {
      fireEvent.click(screen.getByText('a record arrives'));
      act(() => {
        vi.advanceTimersByTime(50);
      });
    }
    expect(asked).toEqual([{ ...NO_FILTERS, text: 'los' }]);
    expect(screen.getByTestId('log-search')).toBe(field);
    expect(document.activeElement).toBe(field);
    type(field, 'loss');
    expect(field.value).toBe('loss');
    act(() => {
      vi.advanceTimersByTime(300);
    });
    expect(asked.at(-1)?.text).toBe('loss');
  });

  it('shows each filter as a chip, and taking one off leaves the others and empties the field', () => {
    const field = open({ ...NO_FILTERS, level: 'warn', text: 'loss' });
    expect(field.value).toBe('loss');
    fireEvent.click(screen.getByRole('button', { name: 'Remove the filter Message loss' }));
    expect(asked).toEqual([{ ...NO_FILTERS, level: 'warn' }]);
    expect(field.value).toBe('');
    act(() => {
      vi.advanceTimersByTime(1000);
    });
    expect(asked).toHaveLength(1);
    expect(screen.getByRole('button', { name: 'Remove the filter Level warn' })).toBeDefined();
  });

  it('a filter set elsewhere while someone types is not undone by the typing', () => {
    const field = open();
    type(field, 'x');
    act(() => {
      vi.advanceTimersByTime(300);
    });
    expect(asked.at(-1)).toEqual({ ...NO_FILTERS, text: 'x' });
    fireEvent.click(screen.getByRole('button', { name: 'Remove the filter Message x' }));
    expect(field.value).toBe('');
  });
});
