/**
 * The shape of a language, derived from the English one: the same keys, each plural with the forms that language has.
 * Completeness is a matter of types: a missing or a surplus key does not compile.
 */
import type { en } from './locales/en.ts';

type English = typeof en;

/** `people_one` and `people_other` become every form of the language; any other key stays. */
type KeysIn<Key, Form extends string> = Key extends `${infer Base}_one` | `${infer Base}_other`
  ? `${Base}_${Form}`
  : Key;

export type Localised<Form extends string> = {
  [Group in keyof English]: Record<KeysIn<keyof English[Group], Form>, string>;
};

export type Russian = Localised<'one' | 'few' | 'many' | 'other'>;

/** What i18next may be given for any language. */
export type Translation = Record<string, Record<string, string>>;
