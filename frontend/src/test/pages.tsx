/** A page at its address, with everything around it that the page stands on; a room is only named. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  RouterProvider,
  useParams,
} from '@tanstack/react-router';
import { render } from '@testing-library/react';

import { filtersIn } from '../components/logs/logLine.ts';
import { HomePage } from '../pages/HomePage.tsx';
import { LogsPage } from '../pages/LogsPage.tsx';

const root = createRootRoute();
const home = createRoute({ getParentRoute: () => root, path: '/', component: HomePage });
const room = createRoute({ getParentRoute: () => root, path: '/rooms/$roomId', component: Room });
const logs = createRoute({
  getParentRoute: () => root,
  path: '/logs',
  validateSearch: filtersIn,
  component: LogsPage,
});

function Room() {
  const { roomId } = useParams({ strict: false });
  return <p>In the room {roomId}</p>;
}

/** Returns where the page has led to by now, with what is asked there. */
export function visit(address: string): () => string {
  const history = createMemoryHistory({ initialEntries: [address] });
  const router = createRouter({ routeTree: root.addChildren([home, room, logs]), history });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <RouterProvider router={router as never} />
    </QueryClientProvider>,
  );
  return () => history.location.href;
}
