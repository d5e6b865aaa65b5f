// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import "net/http"

// policy is the Content-Security-Policy of the page. Scripts, styles and workers are files of the page; nothing is
// loaded from or sent to another host; no other site may frame the page. A Worker's address is a sink of trusted types:
// the only policy that may make them is tilt-worker, in hack/web/src.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types tilt-worker"

// permissions is the Permissions-Policy of the page. It writes to the clipboard and doesn't read it.
const permissions = "camera=(), clipboard-read=(), display-capture=(), geolocation=(), hid=(), local-fonts=(), " +
	"microphone=(), midi=(), payment=(), publickey-credentials-get=(), serial=(), usb=(), xr-spatial-tracking=()"

// setHeaders sets the headers of answers other than the API's.
func setHeaders(header http.Header) {
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", policy)
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Permissions-Policy", permissions)
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
}

// setAPIHeaders sets the headers of the API's answers, in addition to its own.
func setAPIHeaders(header http.Header) {
	clear(header)
	header.Set("Cache-Control", "no-store")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("X-Accel-Buffering", "no") // watches and logs are streams
	header.Set("X-Content-Type-Options", "nosniff")
}
