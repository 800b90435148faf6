/** Tells each listener. One that throws keeps nothing from the others: its error goes to the browser, as any that nobody caught. */
export function eachOf<Heard>(listeners: Iterable<(heard: Heard) => void>, heard: Heard, report: (error: unknown) => void = reportError): void {
  for (const listener of listeners) {
    try {
      listener(heard);
    } catch (error) {
      report(error);
    }
  }
}
