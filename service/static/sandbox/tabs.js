// The tabs (WAI-ARIA: tabs with automatic activation; arrow keys, Home and End).

export function setUpTabs(list, chosen) {
  const tabs = [...list.querySelectorAll('[role="tab"]')];
  const names = tabs.map((tab) => tab.getAttribute("aria-controls"));
  function choose(name, { focus = false, tell = true } = {}) {
    tabs.forEach((tab, index) => {
      const isIt = names[index] === name;
      tab.setAttribute("aria-selected", String(isIt));
      tab.tabIndex = isIt ? 0 : -1;
      document.getElementById(names[index]).hidden = !isIt;
      if (isIt && focus) tab.focus();
    });
    if (tell) chosen(name);
  }
  list.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) choose(tab.getAttribute("aria-controls"));
  });
  list.addEventListener("keydown", (event) => {
    const here = tabs.indexOf(document.activeElement);
    const steps = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 };
    if (here < 0 || !(event.key in steps)) return;
    event.preventDefault();
    choose(names[(steps[event.key] + tabs.length) % tabs.length], { focus: true });
  });
  return choose;
}
