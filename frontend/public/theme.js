// Runs before the first paint, so that a chosen theme never flashes. The rest of the story is in src/styles/theme.ts.
try {
  var theme = localStorage.getItem('videorooms.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // No storage, no memory of a choice: the system's theme is shown.
}
