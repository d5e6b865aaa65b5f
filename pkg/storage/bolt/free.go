// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import "encoding/binary"

// free returns the pages that the list of free pages has, and whether it can be
// relied on: it says which page it is, is in order, and has none of the pages
// that were read.
func (s *salvage) free() (free map[uint64]bool, whole bool) {
	id := s.meta.freelist
	if id >= s.pages || checkFreelist(s.file, s.meta) != nil {
		return nil, false
	}
	page, err := s.read(id)
	order := binary.NativeEndian
	if err != nil || len(page) < pageHeader+freelistBytes || order.Uint64(page) != id {
		return nil, false
	}
	count, list := uint64(order.Uint16(page[10:])), page[pageHeader:]
	if count == bigFreelist {
		count, list = order.Uint64(list), list[freelistBytes:]
	}
	if count > uint64(len(list)/freelistBytes) {
		return nil, false // it is cut off
	}
	free = map[uint64]bool{}
	last := uint64(1)
	for i := range count {
		next := order.Uint64(list[i*freelistBytes:])
		if next <= last || next >= s.meta.pages || next < s.pages && s.visited[next] {
			return nil, false
		}
		free[next], last = true, next
	}
	s.visited[id] = true
	return free, true
}
