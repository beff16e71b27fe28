/** The head of every page but the call: the name, which leads home, the log, and the two settings of this browser. */
import { Languages, Monitor, Moon, Sun } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { LANGUAGE_NAMES, LANGUAGES, type Language } from '../i18n/language.ts';
import { THEMES, type Theme } from '../styles/theme.ts';
import styles from './TopBar.module.css';
import { QuietSelect } from './ui/QuietSelect.tsx';

export interface TopBarProps {
  theme: Theme;
  language: Language;
  onTheme: (theme: Theme) => void;
  onLanguage: (language: Language) => void;
  /** Links: which router draws them is the page's business. */
  brand: ReactElement;
  links?: ReactNode;
  children?: ReactNode;
}

const THEME_ICONS: Record<Theme, ReactElement> = {
  system: <Monitor size={18} aria-hidden />,
  light: <Sun size={18} aria-hidden />,
  dark: <Moon size={18} aria-hidden />,
};

export function TopBar({ theme, language, onTheme, onLanguage, brand, links, children }: TopBarProps) {
  const { t } = useTranslation();
  return (
    <header className={styles['bar']}>
      {brand}
      <div className={styles['middle']}>{children}</div>
      {links}
      <QuietSelect
        label={t('settings.language')}
        icon={<Languages size={18} aria-hidden />}
        options={LANGUAGES.map((id) => ({ id, label: LANGUAGE_NAMES[id] }))}
        value={language}
        onChange={onLanguage}
      />
      <QuietSelect
        label={t('settings.theme')}
        icon={THEME_ICONS[theme]}
        options={THEMES.map((id) => ({ id, label: t(`settings.${id}`) }))}
        value={theme}
        onChange={onTheme}
      />
    </header>
  );
}
