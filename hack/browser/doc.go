// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package browser opens the pages of reports in Chromium, with and without scripts, in light and dark, wide and narrow.
// hack/e2e-browser.sh runs it.
package browser
