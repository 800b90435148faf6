import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';

import { EmptyState } from './States';

/** Keeps the frame when a page fails, and says what the matter is. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <EmptyState title="This page failed">
        <p>
          {error.name}: {error.message}
        </p>
        <Button onClick={() => window.location.reload()}>Load it again</Button>
      </EmptyState>
    );
  }
}
