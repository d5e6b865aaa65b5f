// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Writes the theme that the user has chosen before anything is drawn. The page itself, whose scripts run later, keeps
// it up to date: see src/ui/theme.ts.
try {
  const theme = JSON.parse(localStorage.getItem('tilt-session.theme'))
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Storage may be off, or hold something else.
}
