export function startFront(daemon: string): Promise<{ url: string; stop(): Promise<void> }>;
