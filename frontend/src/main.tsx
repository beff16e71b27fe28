/** Mount, and nothing else. */
import '@fontsource-variable/golos-text/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import './styles/tokens.css';
import './styles/base.css';

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './App.tsx';
import { startI18n } from './i18n/index.ts';

const container = document.getElementById('root');
if (container === null) throw new Error('index.html has no #root');

await startI18n();
createRoot(container).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
