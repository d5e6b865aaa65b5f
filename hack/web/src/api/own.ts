// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

/** What a tab needs to be its own hub, in a file that is loaded then alone. */
export { Hub } from './hub'
export { LockedSlots } from './slots'
