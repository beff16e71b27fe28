/**
 * Small readers from `unknown` to what a field must be. They throw {@link Malformed} naming the path, so that one line in the
 * debug log tells which side broke the contract.
 */

/** Something the other side sent is not what the contract says. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
  readonly path: string;

  constructor(path: string, expected: string, got: unknown) {
    super(`${path}: expected ${expected}, got ${got === null ? 'null' : typeof got}`);
    this.path = path;
  }
}

export type Fields = Record<string, unknown>;

export function fields(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Malformed(path, 'an object', value);
  return value as Fields;
}

export function text(from: Fields, key: string, path: string): string {
  const value = from[key];
  if (typeof value !== 'string') throw new Malformed(`${path}.${key}`, 'a string', value);
  return value;
}

export function optionalText(from: Fields, key: string, path: string): string | undefined {
  return from[key] === undefined || from[key] === null ? undefined : text(from, key, path);
}

export function integer(from: Fields, key: string, path: string): number {
  const value = from[key];
  if (!Number.isSafeInteger(value)) throw new Malformed(`${path}.${key}`, 'an integer', value);
  return value as number;
}

export function flag(from: Fields, key: string, path: string): boolean {
  const value = from[key];
  if (typeof value !== 'boolean') throw new Malformed(`${path}.${key}`, 'a boolean', value);
  return value;
}

export function oneOf<const T extends string>(from: Fields, key: string, path: string, allowed: readonly T[]): T {
  const value = from[key];
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new Malformed(`${path}.${key}`, allowed.join(' | '), value);
  return found;
}

export function list<T>(from: Fields, key: string, path: string, read: (item: unknown, path: string) => T): T[] {
  const value = from[key];
  if (!Array.isArray(value)) throw new Malformed(`${path}.${key}`, 'an array', value);
  return value.map((item, index) => read(item, `${path}.${key}[${index}]`));
}
