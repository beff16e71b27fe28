import i18next from 'i18next';
import { describe, expect, it } from 'vitest';

import { chooseLanguage, startI18n } from './index.ts';
import { detectLanguage } from './language.ts';
import type { Translation } from './localised.ts';
import { en } from './locales/en.ts';
import { ru } from './locales/ru.ts';

const FORMS = { en: ['one', 'other'], ru: ['one', 'few', 'many', 'other'] } as const;
const PLURAL = /_(one|few|many|other)$/u;

/** `group.key` without the plural ending. */
function keys(translation: Translation): string[] {
  return Object.entries(translation)
    .flatMap(([group, lines]) => Object.keys(lines).map((key) => `${group}.${key.replace(PLURAL, '')}`))
    .filter((key, index, all) => all.indexOf(key) === index)
    .sort();
}

function lines(translation: Translation): Array<[string, string]> {
  return Object.entries(translation).flatMap(([group, entries]) =>
    Object.entries(entries).map(([key, text]) => [`${group}.${key}`, text] as [string, string]),
  );
}

function variables(text: string): string[] {
  return [...text.matchAll(/\{\{(\w+)\}\}/gu)].map(([, name]) => name ?? '').sort();
}

describe('languages', () => {
  it('have the same keys', () => {
    expect(keys(ru)).toEqual(keys(en));
  });

  it.each([
    ['en', en as Translation],
    ['ru', ru as Translation],
  ] as const)('give every plural all of its forms: %s', (language, translation) => {
    for (const [group, entries] of Object.entries(translation)) {
      const plurals = new Set(
        Object.keys(entries)
          .filter((key) => PLURAL.test(key))
          .map((key) => key.replace(PLURAL, '')),
      );
      for (const base of plurals)
        for (const form of FORMS[language])
          expect(Object.keys(entries), `${group}.${base}`).toContain(`${base}_${form}`);
    }
  });

  it('say something everywhere, with the same variables as English and without shouting', () => {
    const english = new Map(lines(en));
    for (const [key, text] of lines(ru)) {
      const original = english.get(key) ?? english.get(key.replace(PLURAL, '_other')) ?? '';
      expect(text.trim(), key).not.toBe('');
      expect(text, key).not.toContain('!');
      expect(variables(text), key).toEqual(variables(original));
    }
    for (const [key, text] of lines(en)) expect(text, key).not.toContain('!');
  });

  it('count people as Russian does', async () => {
    await startI18n('ru');
    expect([1, 2, 5, 21, 112].map((count) => i18next.t('common.people', { count }))).toEqual([
      '1 человек',
      '2 человека',
      '5 человек',
      '21 человек',
      '112 человек',
    ]);
  });

  it('change on the fly, are remembered, and are told to screen readers', async () => {
    await startI18n('en');
    expect(document.documentElement.lang).toBe('en');
    await chooseLanguage('ru');
    expect(i18next.t('home.newRoom')).toBe('Новая комната');
    expect(document.documentElement.lang).toBe('ru');
    expect(detectLanguage(undefined, ['en-US'])).toBe('ru');
  });
});

describe('detectLanguage', () => {
  it.each([
    [null, ['ru-RU', 'en'], 'ru'],
    [null, ['de-DE', 'ru'], 'ru'],
    [null, ['en-GB', 'ru'], 'en'],
    [null, ['de', 'fr'], 'en'],
    [null, [], 'en'],
    ['en', ['ru'], 'en'],
    ['xx', ['ru'], 'ru'],
  ] as const)('with %s remembered and %j preferred speaks %s', (stored, preferred, expected) => {
    expect(detectLanguage(stored, preferred)).toBe(expected);
  });
});
