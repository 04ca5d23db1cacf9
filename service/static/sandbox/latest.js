// Only the newest work counts: beginning anew cuts off what was under way, and an answer that comes
// in late all the same is thrown away.

export function latestOnly() {
  let current = null;
  return {
    // Resolves to undefined when newer work has begun or this work was cancelled.
    async run(work) {
      current?.abort();
      const mine = new AbortController();
      current = mine;
      try {
        const result = await work(mine.signal);
        return mine === current && !mine.signal.aborted ? result : undefined;
      } catch (error) {
        if (mine !== current || mine.signal.aborted) return undefined;
        throw error;
      }
    },
    cancel() {
      current?.abort();
    },
  };
}

export function debounce(action, milliseconds) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(action, milliseconds);
  };
}
