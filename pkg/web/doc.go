// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

// Package web serves the page: a program in the browser that is a client of the public API alone. Its sources are in
// hack/web, and what is built of them is embedded from dist, so that building this package needs no node. The page is
// at /ui/; everything else is the API, for requests that a login has made.
//
// # HTTP
//
//	GET  /ui/         the page and its assets: public, the same for everybody, never with a cookie
//	POST /ui/login    {"code": CODE} -> 200 {"secret", "user", "viewOnly"} and the cookie; else 401
//	GET  /ui/login    200 {"login": true, "user", "viewOnly"} of a valid login, else 200 {"login": false}
//	POST /ui/logout   ends the login: 204
//	*    /apis/tilt.dev, /version, /openapi/v3/apis/tilt.dev and what is below: the API, with the rights of the login
//
// Requests that change something, those below /ui/ included, carry "X-Tilt-Session"; POST /ui/login has the value
// "login" there.
//
// # Login
//
// A code has 130 random bits, is valid once and for five minutes, and is in the fragment of an address,
// /ui/#login=CODE, which a browser never sends. The arguments of a command that opens the address can be read by
// all users of a machine: such a code is valid for one minute, and on Linux for its user's processes alone, whose
// connections the kernel tells. A login has two secrets: a cookie, tilt-session-PORT, HttpOnly and
// SameSite=Strict, and a value that the page keeps and sends as X-Tilt-Session. Both are needed, because all ports of a
// host share cookies. A login belongs to a user, ends after twelve hours without a request, by logout, and with the
// server. Only hashes of its secrets are kept.
//
// Each request is checked, in this order: Host (421), Sec-Fetch-Site (403), Origin (403), method, a bearer token (400),
// cookie and secret (401); then the API authorizes it as any other request of the user. There is no CORS: OPTIONS is
// 405.
//
// Non-goals: the page isn't served through an aggregator, whose origin is that of a whole cluster; and it has no
// access to the API that the public API doesn't give.
package web
