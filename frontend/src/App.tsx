/** Routes, and nothing else. The room and the log are loaded when someone goes there. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, RouterProvider } from '@tanstack/react-router';
import { I18nProvider } from 'react-aria-components';
import { useTranslation } from 'react-i18next';

import { filtersIn } from './components/logs/logLine.ts';
import { CrashPage } from './pages/CrashPage.tsx';
import { HomePage } from './pages/HomePage.tsx';
import { NotFoundPage } from './pages/NotFoundPage.tsx';

const root = createRootRoute({ notFoundComponent: NotFoundPage, errorComponent: CrashPage });

const home = createRoute({ getParentRoute: () => root, path: '/', component: HomePage });

const room = createRoute({
  getParentRoute: () => root,
  path: '/rooms/$roomId',
  component: lazyRouteComponent(() => import('./pages/RoomPage.tsx'), 'RoomPage'),
});

const logs = createRoute({
  getParentRoute: () => root,
  path: '/logs',
  validateSearch: filtersIn,
  component: lazyRouteComponent(() => import('./pages/LogsPage.tsx'), 'LogsPage'),
});

const router = createRouter({ routeTree: root.addChildren([home, room, logs]), defaultPreload: 'intent' });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

const queries = new QueryClient();

export function App() {
  const { i18n } = useTranslation();
  return (
    <I18nProvider locale={i18n.language}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </I18nProvider>
  );
}
