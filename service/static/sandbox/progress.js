// Tells that work is under way, after a moment, with the seconds and a way to end it.

import { byId, fill } from "../shared/dom.js";

const PATIENCE = 200;

export function setUpProgress(cancel) {
  const bar = byId("progress");
  const text = byId("progress-text");
  let current = 0;
  let timer = 0;
  let on = false;
  byId("cancel").addEventListener("click", cancel);

  function stop() {
    clearInterval(timer);
    bar.hidden = true;
    on = false;
  }

  return {
    isOn: () => on,
    // Returns a function that ends this work's progress; it tells whether nothing newer began.
    begin(words) {
      const mine = ++current;
      const begun = performance.now();
      clearInterval(timer);
      on = true;
      const tick = () => {
        const took = performance.now() - begun;
        if (took < PATIENCE) return;
        bar.hidden = false;
        fill(text, `${words} … ${(took / 1000).toFixed(1)} s`);
      };
      timer = setInterval(tick, 100);
      return () => {
        if (mine !== current) return false;
        stop();
        return true;
      };
    },
  };
}
