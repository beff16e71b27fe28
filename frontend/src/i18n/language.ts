/** Which language the page speaks: the one chosen here before, else the first of the browser's that we have, else English. */

export const LANGUAGES = ['en', 'ru'] as const;
export type Language = (typeof LANGUAGES)[number];

/** Each in its own words: whoever looks for a language reads that language. */
export const LANGUAGE_NAMES: Record<Language, string> = { en: 'English', ru: 'Русский' };

const STORAGE_KEY = 'videorooms.language';

export function detectLanguage(stored = remembered(), preferred: readonly string[] = navigator.languages): Language {
  const wanted = [stored ?? '', ...preferred].map((tag) => tag.split('-')[0]?.toLowerCase());
  return (
    LANGUAGES.find((language) => language === wanted.find((tag) => LANGUAGES.some((known) => known === tag))) ?? 'en'
  );
}

export function rememberLanguage(language: Language): void {
  try {
    localStorage.setItem(STORAGE_KEY, language);
  } catch {
    // Nothing to remember it in: the choice holds for this page.
  }
}

function remembered(): string | null {
  try {
    return localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}
