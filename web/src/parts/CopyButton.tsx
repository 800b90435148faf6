import { Button } from '@mantine/core';
import { useState } from 'react';

/** Copies a text. Where the browser refuses, it says so: the text can be marked by hand. */
export function CopyButton({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'refused'>('idle');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setState('copied');
    } catch {
      setState('refused');
    }
  };
  return (
    <Button onClick={() => void copy()}>
      {state === 'copied' ? 'Copied' : state === 'refused' ? 'The browser refuses: mark it and copy' : label}
    </Button>
  );
}
