/**
 * i18next, set up once before the first render. Only the language in use is loaded; `<html lang>` follows it, so that
 * screen readers and hyphenation know what they read.
 */
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';

import { detectLanguage, rememberLanguage, type Language } from './language.ts';
import type { Translation } from './localised.ts';

const LOCALES: Record<Language, () => Promise<Translation>> = {
  en: async () => (await import('./locales/en.ts')).en,
  ru: async () => (await import('./locales/ru.ts')).ru,
};

export async function startI18n(language: Language = detectLanguage()): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: false,
    resources: { [language]: { translation: await LOCALES[language]() } },
    // React escapes what it renders.
    interpolation: { escapeValue: false },
  });
  document.documentElement.lang = language;
}

export async function chooseLanguage(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, 'translation')) {
    i18next.addResourceBundle(language, 'translation', await LOCALES[language]());
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  rememberLanguage(language);
}
