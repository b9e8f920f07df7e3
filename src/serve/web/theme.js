// SPDX-License-Identifier: Apache-2.0
// Light or dark: as the system has it, until the button says otherwise.

function kept() {
  try {
    return localStorage.getItem('osprey-theme');
  } catch {
    return null;
  }
}

export function useTheme(button) {
  if (kept()) document.documentElement.dataset.theme = kept();
  button?.addEventListener('click', () => {
    const dark = getComputedStyle(document.documentElement).getPropertyValue('--is-dark').trim() === '1';
    document.documentElement.dataset.theme = dark ? 'light' : 'dark';
    try {
      localStorage.setItem('osprey-theme', document.documentElement.dataset.theme);
    } catch { /* only for this visit, then */ }
  });
}
