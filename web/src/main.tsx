import '@mantine/core/styles.layer.css';
import './theme.css';

import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { asProblem } from './api/problem';
import { me } from './api/queries';
import { useIsSignedOut } from './api/session';
import { router } from './routes';
import { late } from './shell/late';
import { enterByLink } from './shell/loginLink';
import { theme, variables } from './theme';

const nonce = document.querySelector('meta[name="csp-nonce"]')?.getAttribute('content') ?? '';
// For the style that keeps the page from scrolling behind a dialog.
setNonce(nonce);

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // The event stream says when an answer is stale.
      staleTime: 60_000,
      networkMode: 'always',
      retry: (failures, error) => asProblem(error).isAway && failures < 2,
      refetchOnReconnect: false,
    },
    mutations: { networkMode: 'always' },
  },
});

const SignIn = late(() => import('./shell/SignIn'));

function App() {
  return useIsSignedOut() ? <SignIn /> : <Frame />;
}

/** The pages, once it is known that somebody is signed in: each refused question is a line in the daemon's audit log. */
function Frame() {
  const who = useQuery(me);
  // A daemon that does not answer refuses nobody: the pages say that it is away.
  const isAway = who.failureReason !== null && asProblem(who.failureReason).status !== 401;
  return who.data || isAway ? <RouterProvider router={router} /> : null;
}

await enterByLink();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
