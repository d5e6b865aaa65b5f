// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** The reasons of a Link in the state "login": what is wrong, and what to do. */

const next = 'Run "tilt-session ui" for an address that logs in.'

export const notLoggedIn = `This browser is not logged in. ${next}`
export const loginEnded = `The login has ended, or the server has started anew. ${next}`
export const codeRefused = `The code in the address is not valid: it works once, for five minutes. ${next}`
export const loggedOut = `You have logged out. ${next}`
export const codeFailed = (why: string) => `The login has failed: ${why}. ${next}`
