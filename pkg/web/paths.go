// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/url"
	"path"
	"strings"
)

// apiPaths, and the paths below them, are those of the API that the page needs. /version has none below it.
var apiPaths = []string{"/apis/tilt.dev", "/openapi/v3/apis/tilt.dev"}

// isAPI reports whether an address is one of the API that the page may use.
func isAPI(address *url.URL) bool {
	if !isClean(address) {
		return false
	}
	if address.Path == "/version" {
		return true
	}
	for _, p := range apiPaths {
		if address.Path == p || strings.HasPrefix(address.Path, p+"/") {
			return true
		}
	}
	return false
}

// isClean reports whether an address is a path that each server and proxy reads in the same way: without elements that
// are empty or dots, and without escapes that stand for something that separates elements or for another escape.
func isClean(address *url.URL) bool {
	p := address.Path
	if address.Scheme != "" || address.Host != "" || address.User != nil || address.Opaque != "" ||
		!strings.HasPrefix(p, "/") || strings.ContainsAny(p, `\%;`) || strings.ContainsFunc(p, isControl) {
		return false
	}
	if clean := path.Clean(p); p != clean && p != clean+"/" {
		return false
	}
	// RawPath is what was sent, unless that is the default escape of the path. EscapedPath may differ from both.
	sent := strings.ToLower(address.RawPath)
	return !strings.Contains(sent, "%2f") && !strings.Contains(sent, "%2e")
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
