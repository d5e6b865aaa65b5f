// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** The reasons of a Link in the state "login": what is wrong. The page says what to do. */

export const notLoggedIn = 'This browser is not logged in.'
export const loginEnded = 'The login has ended, or the server has started anew.'
export const codeRefused = 'The code in the address is not valid: it works once, for five minutes.'
export const codeFailed = (why: string) => `The login has failed: ${why}.`
export const loggedOut = 'You have logged out.'
