// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package process

// ended says whether a process is a zombie.
func ended(pid int) bool {
	s, err := readStat(pid)
	return err == nil && s.ended()
}
