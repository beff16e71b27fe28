/**
 * Where each tile of the stage goes: pure geometry, no DOM.
 *
 * All tiles of an area have one size and the aspect 16:9; the number of columns is the one that makes them largest. Nothing ever
 * lies outside its area, so the stage never scrolls.
 */

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export const ASPECT = 16 / 9;

/** Beyond this many tiles a picture is too small to be worth its bandwidth: the rest are counted, not drawn. */
export const MOST_TILES = 49;

/** From this many people on the own picture steps aside into a corner, if there is one. */
const FLOAT_OWN_FROM = 5;

/** The own picture may lie over another one only if it covers no more than a corner of it. */
const MOST_COVERED = 0.35;

/** `count` boxes of the largest possible size inside `area`, row by row, the last row centred. */
export function pack(count: number, area: Box, gap: number): Box[] {
  if (count <= 0 || area.width <= 0 || area.height <= 0) return [];
  const columns = bestColumns(count, area, gap);
  const rows = Math.ceil(count / columns);
  const { width, height } = tileSize(columns, rows, area, gap);
  const top = area.y + (area.height - (rows * height + (rows - 1) * gap)) / 2;

  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = area.x + (area.width - (inRow * width + (inRow - 1) * gap)) / 2;
    return { x: left + (index % columns) * (width + gap), y: top + row * (height + gap), width, height };
  });
}

function bestColumns(count: number, area: Box, gap: number): number {
  let best = 1;
  let bestWidth = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const { width } = tileSize(columns, Math.ceil(count / columns), area, gap);
    if (width > bestWidth) {
      best = columns;
      bestWidth = width;
    }
  }
  return best;
}

function tileSize(columns: number, rows: number, area: Box, gap: number): { width: number; height: number } {
  const byWidth = (area.width - (columns - 1) * gap) / columns;
  const byHeight = ((area.height - (rows - 1) * gap) / rows) * ASPECT;
  const width = Math.max(0, Math.min(byWidth, byHeight));
  return { width, height: width / ASPECT };
}

export interface Arrangement {
  /** By tile key, in the order they were given. */
  boxes: Map<string, Box>;
  /** The own tile, when it stands aside in a corner. */
  floating: string | null;
  /** How many tiles found no place. */
  hidden: number;
}

export interface Arrangeable {
  key: string;
  local: boolean;
  screen: boolean;
}

/**
 * The whole stage. `prominent` tiles (shared screens, a pinned person) get the main place, the others a strip beside it;
 * without any, everyone shares the stage, and from five people on the own tile floats where it hides nobody.
 */
export function arrange(
  tiles: readonly Arrangeable[],
  prominent: ReadonlySet<string>,
  width: number,
  height: number,
  gap: number,
): Arrangement {
  const stage: Box = { x: 0, y: 0, width, height };
  const main = tiles.filter((tile) => prominent.has(tile.key));
  const others = tiles.filter((tile) => !prominent.has(tile.key));
  if (main.length === 0 || others.length === 0) return grid(tiles, stage, gap);

  const { mainArea, stripArea } = split(stage, others.length, gap);
  const shown = others.slice(0, MOST_TILES);
  const boxes = new Map([
    ...zip(main, pack(main.length, mainArea, gap)),
    ...zip(shown, pack(shown.length, stripArea, gap)),
  ]);
  return { boxes, floating: null, hidden: others.length - shown.length };
}

function grid(tiles: readonly Arrangeable[], stage: Box, gap: number): Arrangement {
  const own = tiles.find((tile) => tile.local && !tile.screen);
  if (own !== undefined && tiles.length >= FLOAT_OWN_FROM) {
    const aside = corner(stage, gap);
    const others = shared(
      tiles.filter((tile) => tile !== own),
      stage,
      gap,
    );
    if (staysClear(aside, [...others.boxes.values()])) {
      return { ...others, boxes: new Map([...others.boxes, [own.key, aside]]), floating: own.key };
    }
  }
  return shared(tiles, stage, gap);
}

function shared(tiles: readonly Arrangeable[], stage: Box, gap: number): Arrangement {
  const shown = tiles.slice(0, MOST_TILES);
  return {
    boxes: new Map(zip(shown, pack(shown.length, stage, gap))),
    floating: null,
    hidden: tiles.length - shown.length,
  };
}

function staysClear(aside: Box, others: Box[]): boolean {
  return others.every((box) => !overlap(aside, box) || aside.width <= box.width * MOST_COVERED);
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function corner(stage: Box, gap: number): Box {
  const width = Math.min(Math.max(stage.width * 0.14, 112), 220, stage.width / 2);
  const height = width / ASPECT;
  return { x: stage.x + stage.width - width - gap, y: stage.y + stage.height - height - gap, width, height };
}

/** A strip at the right of a wide stage, below on a tall one; wider when many have to fit. */
function split(stage: Box, others: number, gap: number): { mainArea: Box; stripArea: Box } {
  const share = others > 12 ? 0.28 : 0.2;
  if (stage.width >= stage.height) {
    const strip = Math.min(Math.max(stage.width * share, 140), stage.width * 0.4);
    const main = stage.width - strip - gap;
    return {
      mainArea: { ...stage, width: main },
      stripArea: { ...stage, x: stage.x + main + gap, width: strip },
    };
  }
  const strip = stage.height * (others > 2 ? 0.4 : 0.3);
  const main = stage.height - strip - gap;
  return {
    mainArea: { ...stage, height: main },
    stripArea: { ...stage, y: stage.y + main + gap, height: strip },
  };
}

function zip(tiles: readonly Arrangeable[], boxes: Box[]): Array<[string, Box]> {
  return boxes.flatMap((box, index) => {
    const tile = tiles[index];
    return tile === undefined ? [] : [[tile.key, box] as [string, Box]];
  });
}
