import { describe, expect, it } from 'vitest';

import { arrange, ASPECT, MOST_TILES, pack, type Arrangeable, type Box } from './packing.ts';

const GAP = 8;
const STAGES = [
  { width: 1440, height: 760 },
  { width: 1920, height: 940 },
  { width: 360, height: 560 },
  { width: 740, height: 240 },
  { width: 1000, height: 1000 },
];

function people(count: number): Arrangeable[] {
  return Array.from({ length: count }, (_, index) => ({ key: `p${index}`, local: index === 0, screen: false }));
}

function area(size: { width: number; height: number }): Box {
  return { x: 0, y: 0, ...size };
}

function inside(box: Box, stage: { width: number; height: number }): boolean {
  const slack = 0.01;
  return (
    box.x >= -slack &&
    box.y >= -slack &&
    box.x + box.width <= stage.width + slack &&
    box.y + box.height <= stage.height + slack
  );
}

function overlap(a: Box, b: Box): boolean {
  const slack = 0.01;
  return (
    a.x + a.width > b.x + slack &&
    b.x + b.width > a.x + slack &&
    a.y + a.height > b.y + slack &&
    b.y + b.height > a.y + slack
  );
}

describe('pack', () => {
  it('keeps every tile at 16:9, inside the stage and off the others, up to 49', () => {
    for (const stage of STAGES) {
      for (let count = 1; count <= MOST_TILES; count += 1) {
        const boxes = pack(count, area(stage), GAP);
        expect(boxes).toHaveLength(count);
        for (const [index, box] of boxes.entries()) {
          expect(box.width / box.height).toBeCloseTo(ASPECT, 5);
          expect(inside(box, stage)).toBe(true);
          expect(boxes.slice(index + 1).some((other) => overlap(box, other))).toBe(false);
        }
      }
    }
  });

  it('finds no smaller tiles than any other number of columns would', () => {
    for (const stage of STAGES) {
      for (let count = 1; count <= MOST_TILES; count += 1) {
        const [first] = pack(count, area(stage), GAP);
        for (let columns = 1; columns <= count; columns += 1) {
          const rows = Math.ceil(count / columns);
          const width = Math.min(
            (stage.width - (columns - 1) * GAP) / columns,
            ((stage.height - (rows - 1) * GAP) / rows) * ASPECT,
          );
          expect(first?.width).toBeGreaterThanOrEqual(width - 0.01);
        }
      }
    }
  });

  it('puts two people side by side on a wide stage and one above the other on a tall one', () => {
    const [left, right] = pack(2, area({ width: 1440, height: 760 }), GAP);
    expect(left?.y).toBe(right?.y);
    const [above, below] = pack(2, area({ width: 360, height: 560 }), GAP);
    expect(above?.x).toBe(below?.x);
  });

  it('centres the last row', () => {
    const boxes = pack(3, area({ width: 1000, height: 700 }), GAP);
    const last = boxes[2];
    expect(last === undefined ? null : last.x + last.width / 2).toBeCloseTo(500, 5);
  });

  it('gives nothing for no tiles or no room', () => {
    expect(pack(0, area({ width: 100, height: 100 }), GAP)).toEqual([]);
    expect(pack(3, area({ width: 0, height: 100 }), GAP)).toEqual([]);
  });
});

describe('arrange', () => {
  const none: ReadonlySet<string> = new Set();

  it('treats the own tile like the others until there are five', () => {
    expect(arrange(people(4), none, 1440, 760, GAP).floating).toBeNull();
    expect(arrange(people(5), none, 1440, 760, GAP).floating).toBe('p0');
  });

  it('never covers more than a corner of anyone with the own tile', () => {
    for (const stage of STAGES) {
      for (let count = 5; count <= MOST_TILES; count += 1) {
        const { boxes, floating } = arrange(people(count), none, stage.width, stage.height, GAP);
        expect(boxes.size).toBe(count);
        const own = boxes.get('p0');
        if (floating === null || own === undefined) continue;
        for (const [key, box] of boxes) {
          if (key !== 'p0' && overlap(own, box)) expect(own.width).toBeLessThan(box.width * 0.36);
        }
      }
    }
  });

  it('gives a shared screen most of the stage and puts everyone else in a strip', () => {
    const tiles = [...people(6), { key: 'p1:screen', local: false, screen: true }];
    for (const stage of STAGES) {
      const { boxes, floating } = arrange(tiles, new Set(['p1:screen']), stage.width, stage.height, GAP);
      const all = [...boxes.values()];
      expect(boxes.size).toBe(7);
      expect(floating).toBeNull();
      expect(all.every((box) => inside(box, stage))).toBe(true);
      const screen = boxes.get('p1:screen');
      const person = boxes.get('p2');
      expect((screen?.width ?? 0) > (person?.width ?? Infinity)).toBe(true);
    }
  });

  it('counts those beyond the forty-ninth instead of drawing them', () => {
    const { boxes, hidden } = arrange(people(60), none, 1440, 760, GAP);
    expect(boxes.size).toBe(MOST_TILES);
    expect(boxes.has('p0')).toBe(true);
    expect(hidden).toBe(11);
  });
});
