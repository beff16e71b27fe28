/** What every page but the call has around it: a skip link, the top bar, one `<main>`, a title in the window. */
import { Link } from '@tanstack/react-router';
import { useEffect, useSyncExternalStore, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import { Brand } from '../../components/Brand.tsx';
import { TopBar } from '../../components/TopBar.tsx';
import { cx } from '../../components/ui/cx.ts';
import { chooseLanguage } from '../../i18n/index.ts';
import { LANGUAGES } from '../../i18n/language.ts';
import { chooseTheme, readTheme, subscribeTheme } from '../../styles/theme.ts';
import styles from './PageFrame.module.css';

export interface PageFrameProps {
  /** Of the window; empty for the home page. */
  title: string;
  /** The page fills the window and scrolls inside itself. */
  fixed?: boolean;
  /** False where the link would lead to where one is. */
  logsLink?: boolean;
  /** What one can do here, before the settings. */
  action?: ReactNode;
  bar?: ReactNode;
  children: ReactNode;
  footer?: ReactNode;
}

export function PageFrame({ title, fixed = false, logsLink = true, action, bar, children, footer }: PageFrameProps) {
  const { t, i18n } = useTranslation();
  const theme = useSyncExternalStore(subscribeTheme, readTheme);
  useWindowTitle(title);
  return (
    <div className={cx(styles['frame'], fixed && styles['fixed'])}>
      <a href="#content" className={styles['skip']}>
        {t('common.skip')}
      </a>
      <TopBar
        theme={theme}
        language={LANGUAGES.find((language) => language === i18n.language) ?? 'en'}
        onTheme={chooseTheme}
        onLanguage={(language) => void chooseLanguage(language)}
        brand={
          <Link to="/" className={styles['brand']} aria-label={`${t('common.appName')}, ${t('common.home')}`}>
            <Brand />
          </Link>
        }
        links={
          <>
            {logsLink && (
              <Link to="/logs" className={styles['link']}>
                {t('common.logs')}
              </Link>
            )}
            {action}
          </>
        }
      >
        {bar}
      </TopBar>
      <main id="content" tabIndex={-1} className={styles['main']}>
        {children}
      </main>
      {footer !== undefined && <footer className={styles['footer']}>{footer}</footer>}
    </div>
  );
}

export function useWindowTitle(title: string): void {
  const { t } = useTranslation();
  const name = t('common.appName');
  useEffect(() => {
    document.title = title === '' ? name : `${title} · ${name}`;
  }, [title, name]);
}
