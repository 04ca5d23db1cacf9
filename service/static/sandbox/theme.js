// Light, dark or as the system has it; remembered in this browser.

const PLACE = "heme-hooks-theme";

export function setUpTheme(select) {
  const set = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  let kept = "";
  try {
    kept = localStorage.getItem(PLACE) ?? "";
  } catch {
    // Storage may be closed to us; then the choice lasts as long as the page.
  }
  select.value = ["light", "dark"].includes(kept) ? kept : "";
  set(select.value);
  select.addEventListener("change", () => {
    set(select.value);
    try {
      localStorage.setItem(PLACE, select.value);
    } catch {
      // As above.
    }
  });
}
