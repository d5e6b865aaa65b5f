// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// salvage reads the entries of a file that may be damaged, without bbolt: page
// by page, from the root of the tree and then wherever nothing refers to. It
// takes nothing for certain but an entry whose checksum is right, and comes to
// an end whatever is in the file.
type salvage struct {
	file io.ReaderAt
	size int64 // of the file
	meta meta
	// pages are those of which something is in the file; visited are those that
	// were read.
	pages   uint64
	visited []bool
	// budget is how many bytes are read at most, so that pages which claim to
	// be large don't take forever.
	budget int64

	// at is the page that is read.
	at uint64

	// suspect is that the meta isn't the latest one, perhaps.
	suspect bool
	// head is the tree's, nil if it isn't whole.
	head *head
	// scanning is true once pages are read that nothing refers to.
	scanning bool
	// entry is given what is whole, unreadable what isn't, lost which page can't
	// be read.
	entry      func(e entry)
	unreadable func(key []byte, err error)
	lost       func(err error)
}

// budgetFactor is how often the file may be read. Once is what a whole file
// takes.
const budgetFactor = 8

// newSalvage finds out how large pages are. A file without a whole meta page
// has a root that isn't there.
func newSalvage(file *os.File) (*salvage, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	metas, _, _ := readMetas(file) // checkTree tells
	s := &salvage{file: file, size: size, budget: budgetFactor * size}
	if len(metas) > 0 {
		s.meta, s.suspect = metas[0], len(metas) == 1 && !takenBack(file, metas[0])
	} else {
		s.meta.pageSize = guessPageSize(file, size)
		s.meta.pages = uint64(size / s.meta.pageSize)
		s.meta.root, s.meta.freelist = s.meta.pages, s.meta.pages
	}
	s.pages = min(s.meta.pages, uint64((size+s.meta.pageSize-1)/s.meta.pageSize))
	s.visited = make([]bool, s.pages)
	for id := range min(2, s.pages) {
		s.visited[id] = true
	}
	return s, nil
}

// takenBack tells whether the meta page besides one was invalidated on purpose.
func takenBack(file *os.File, other meta) bool {
	content := make([]byte, metaSize)
	offset := int64(pageHeader)
	if other.offset == 0 {
		offset += other.pageSize
	}
	_, err := file.ReadAt(content, offset)
	return err == nil && !slices.ContainsFunc(content, func(b byte) bool { return b != 0 })
}

// guessPageSize is the size with which most of the first pages say which one
// they are.
func guessPageSize(file *os.File, size int64) int64 {
	best, most := int64(os.Getpagesize()), 0
	for _, pageSize := range pageSizes() {
		right := 0
		for id := int64(2); id < 64 && (id+1)*pageSize <= size; id++ {
			header := make([]byte, pageHeader)
			if _, err := file.ReadAt(header, id*pageSize); err == nil && binary.NativeEndian.Uint64(header) == uint64(id) {
				right++
			}
		}
		if right > most {
			best, most = pageSize, right
		}
	}
	return best
}

// follow reads the tree.
func (s *salvage) follow(ctx context.Context, progress Progress) error {
	for pending := []uint64{s.meta.root}; len(pending) > 0; {
		id := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if id >= s.pages || s.visited[id] {
			continue // checkTree tells
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		children := s.visit(id, progress)
		slices.Reverse(children) // so that they're read in order
		pending = append(pending, children...)
	}
	return nil
}

// scan reads the pages that weren't read and aren't free.
func (s *salvage) scan(ctx context.Context, free map[uint64]bool, progress Progress) error {
	s.scanning = true
	for id := uint64(2); id < s.pages; id++ {
		if s.visited[id] || free[id] {
			continue
		}
		header := make([]byte, pageHeader)
		if _, err := s.file.ReadAt(header, int64(id)*s.meta.pageSize); err != nil || binary.NativeEndian.Uint64(header) != id {
			continue // it is a part of another page, or nothing
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		s.visit(id, progress)
	}
	return nil
}

// visit reads a page and returns those below it. One that it stumbles over is
// lost, and not all the others with it.
func (s *salvage) visit(id uint64, progress Progress) (children []uint64) {
	s.visited[id], s.at = true, id
	progress.tell(int64(id), int64(s.pages))
	err := guarded(func() error {
		content, err := s.read(id)
		children = s.take(content, false)
		return err
	})
	if err != nil {
		s.lost(fmt.Errorf("page %d can't be read: %w", id, err))
	}
	return children
}

// read returns a page with those behind it that are one with it, as far as
// they are there.
func (s *salvage) read(id uint64) ([]byte, error) {
	offset := int64(id) * s.meta.pageSize
	content := make([]byte, min(s.meta.pageSize, s.size-offset))
	if n, err := s.file.ReadAt(content, offset); err != nil || n < pageHeader {
		return content[:n], ignoreEnd(err) // the file may end within the header
	}
	length := min((int64(binary.NativeEndian.Uint32(content[12:]))+1)*s.meta.pageSize, s.size-offset)
	s.budget -= length
	if s.budget < 0 || length == int64(len(content)) {
		return content, nil
	}
	content = make([]byte, length)
	n, err := s.file.ReadAt(content, offset)
	return content[:n], ignoreEnd(err)
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// take takes the entries of a page, or of a bucket within one, and returns the
// pages below.
func (s *salvage) take(page []byte, within bool) (children []uint64) {
	if len(page) < pageHeader {
		return nil
	}
	order := binary.NativeEndian
	flags, count := order.Uint16(page[8:]), int(order.Uint16(page[10:]))
	for i := range min(count, (len(page)-pageHeader)/elementSize) {
		offset := pageHeader + i*elementSize
		switch {
		case flags == branchFlag && !within:
			children = append(children, order.Uint64(page[offset+8:]))
		case flags == leafFlag:
			children = append(children, s.element(page, offset, within)...)
		}
	}
	return children
}

// element takes what is at an offset of a leaf, and returns the page below if
// it is a bucket with one of its own.
func (s *salvage) element(page []byte, offset int, within bool) []uint64 {
	order := binary.NativeEndian
	element := page[offset:]
	from := uint64(offset) + uint64(order.Uint32(element[4:]))
	middle := from + uint64(order.Uint32(element[8:]))
	end := middle + uint64(order.Uint32(element[12:]))
	if end > uint64(len(page)) {
		key := []byte(nil)
		if middle <= uint64(len(page)) {
			key = page[from:middle]
		}
		s.unreadable(key, damaged("page %d has an entry beyond its end", s.at))
		return nil
	}
	key, value := page[from:middle], page[middle:end]
	isBucket := order.Uint32(element)&bucketFlag != 0
	switch {
	case isBucket && !within && len(value) >= bucketHeader:
		if root := order.Uint64(value); root != 0 {
			return []uint64{root}
		}
		return s.take(value[bucketHeader:], true)
	case len(key) > 8:
		if e, err := decodeEntry(key, value); err == nil {
			s.entry(e)
		} else {
			s.unreadable(key, err)
		}
	case string(key) == string(headKey) && !s.scanning:
		if h, err := decodeHead(key, value); err == nil {
			s.head = &h
		}
	}
	return nil
}
