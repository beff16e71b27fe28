import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { startI18n } from '../../i18n/index.ts';
import { JoinForm } from './JoinForm.tsx';
import { RecentRooms } from './RecentRooms.tsx';

const ID = '0123456789abcdefghjkmnpqrs';

beforeAll(() => startI18n('en'));
afterEach(cleanup);

describe('JoinForm', () => {
  function form() {
    const onJoin = vi.fn();
    render(<JoinForm onJoin={onJoin} />);
    const type = (text: string) => {
      fireEvent.change(screen.getByTestId('join-link'), { target: { value: text } });
    };
    const submit = () => fireEvent.submit(screen.getByTestId('join-link'));
    return { onJoin, type, submit };
  }

  it.each([ID, `  ${ID} `, `https://meet.example/rooms/${ID}`])('joins by %j', (text) => {
    const { onJoin, type, submit } = form();
    type(text);
    submit();
    expect(onJoin).toHaveBeenCalledExactlyOnceWith(ID);
  });

  it('says what is wrong with anything else, until something else is typed', () => {
    const { onJoin, type, submit } = form();
    type('my room');
    submit();
    expect(onJoin).not.toHaveBeenCalled();
    expect(screen.getByRole('alert').textContent).toContain('An id is 26 letters and digits.');
    type('my room 2');
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('offers nothing to press while the field is empty', () => {
    form();
    expect(screen.getByTestId<HTMLButtonElement>('join-by-link').disabled).toBe(true);
  });
});

describe('RecentRooms', () => {
  const list = (rooms: { id: string; name: string; at: number }[], onForget = vi.fn()) => {
    render(
      <RecentRooms
        rooms={rooms}
        link={(room, className, text) => (
          <a href={`/rooms/${room.id}`} className={className}>
            {text}
          </a>
        )}
        onForget={onForget}
      />,
    );
    return onForget;
  };

  it('leads to each room, also to one without a name', () => {
    list([
      { id: ID, name: 'Standup', at: 1000 },
      { id: 'b'.repeat(26), name: '', at: 500 },
    ]);
    const [first, second] = screen.getAllByRole('link');
    expect(first?.getAttribute('href')).toBe(`/rooms/${ID}`);
    expect(first?.textContent).toContain('Standup');
    expect(second?.textContent).toContain('Room without a name');
  });

  it('forgets the one that is pressed', () => {
    const onForget = list([{ id: ID, name: 'Standup', at: 1000 }]);
    fireEvent.click(screen.getByRole('button', { name: 'Forget the room “Standup”' }));
    expect(onForget).toHaveBeenCalledExactlyOnceWith(ID);
  });

  it('says what will be here while there is nothing', () => {
    list([]);
    expect(screen.getByText('Rooms you have been in will be listed here.')).toBeDefined();
  });
});
