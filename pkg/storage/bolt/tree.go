// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"cmp"
	"encoding/binary"
	"os"
)

// More of what is known here of bbolt's file format: pages of a tree have
// elements behind their header. bbolt checks them as well, but ends the process
// on some of what it finds.
const (
	branchFlag   = 0x01
	leafFlag     = 0x02
	elementSize  = 16 // branch: position 4, key size 4, page 8; leaf: flags 4, position 4, key size 4, value size 4
	bucketFlag   = 0x01
	bucketHeader = 16 // page 8, sequence 8; it has no page when it is within this one
)

// pageUse is what a page is used for.
type pageUse byte

const (
	unused pageUse = iota
	inUse
	free
)

// tree is the pages of a file as they refer to one another.
type tree struct {
	file  *os.File
	meta  meta
	use   []pageUse
	found func(error)
}

// checkTree finds what isn't a tree, and pages that are used twice or used and
// free. It returns how many bytes are free, and how many pages are neither used
// nor free. Whatever is in the file, it only reads it, and comes to an end.
func checkTree(file *os.File, found func(error)) (freeBytes, unclaimed int64, err error) {
	if err := checkPages(file); err != nil {
		return 0, 0, err
	}
	metas, _, err := readMetas(file)
	if err != nil {
		return 0, 0, err
	}
	t := &tree{file: file, meta: metas[0], use: make([]pageUse, metas[0].pages), found: found}
	t.use[0], t.use[1] = inUse, inUse
	if err := t.visit(t.meta.root); err != nil {
		return 0, 0, err
	}
	freePages, err := t.visitFree()
	if err != nil {
		return 0, 0, err
	}
	for _, use := range t.use {
		if use == unused {
			unclaimed++
		}
	}
	return freePages * t.meta.pageSize, unclaimed, nil
}

// checkSound returns the first problem of a tree that keeps bbolt from using
// it: it would follow a page into itself without end, or write to one that is
// in use. A page that is neither used nor free is only lost room.
func checkSound(file *os.File) error {
	var first error
	_, _, err := checkTree(file, func(found error) { first = cmp.Or(first, found) })
	return cmp.Or(err, first)
}

// claim notes what a page and those behind it, with which it is one, are used
// for. It tells whether they can be.
func (t *tree) claim(id, overflow uint64, use pageUse) bool {
	if id >= t.meta.pages || overflow >= t.meta.pages-id {
		t.found(damaged("page %d and %d more are beyond the %d that there are", id, overflow, t.meta.pages))
		return false
	}
	for i := id; i <= id+overflow; i++ {
		if t.use[i] != unused {
			t.found(damaged("page %d is used twice, or free and used", i))
			return false
		}
		t.use[i] = use
	}
	return true
}

// header reads what a page begins with.
func (t *tree) header(id uint64) (flags uint16, count, overflow uint64, err error) {
	page := make([]byte, pageHeader)
	if _, err := t.file.ReadAt(page, int64(id)*t.meta.pageSize); err != nil {
		return 0, 0, 0, err
	}
	order := binary.NativeEndian
	if found := order.Uint64(page); found != id {
		t.found(damaged("page %d says that it is page %d", id, found))
	}
	return order.Uint16(page[8:]), uint64(order.Uint16(page[10:])), uint64(order.Uint32(page[12:])), nil
}

// visit follows a tree from a page on.
func (t *tree) visit(id uint64) error {
	if id >= t.meta.pages {
		t.found(damaged("page %d is beyond the %d that there are", id, t.meta.pages))
		return nil
	}
	flags, count, overflow, err := t.header(id)
	if err != nil || !t.claim(id, overflow, inUse) {
		return err
	}
	size := (overflow + 1) * uint64(t.meta.pageSize)
	if flags != branchFlag && flags != leafFlag || flags == branchFlag && count == 0 || pageHeader+count*elementSize > size {
		t.found(damaged("page %d is not part of a tree", id))
		return nil
	}
	elements := make([]byte, count*elementSize)
	if _, err := t.file.ReadAt(elements, int64(id)*t.meta.pageSize+pageHeader); err != nil {
		return err
	}
	for i := uint64(0); i < count; i++ {
		element := elements[i*elementSize:]
		if flags == branchFlag {
			err = t.visit(binary.NativeEndian.Uint64(element[8:]))
		} else {
			err = t.visitLeaf(id, size, pageHeader+i*elementSize, element)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// visitLeaf checks an element at an offset in a page, and follows it if it is
// a bucket. One within the page has no further ones in it.
func (t *tree) visitLeaf(id, size, offset uint64, element []byte) error {
	order := binary.NativeEndian
	value := offset + uint64(order.Uint32(element[4:])) + uint64(order.Uint32(element[8:]))
	length := uint64(order.Uint32(element[12:]))
	isBucket := order.Uint32(element)&bucketFlag != 0
	if value+length > size || isBucket && length < bucketHeader {
		t.found(damaged("page %d has an element beyond its end", id))
		return nil
	}
	if !isBucket {
		return nil
	}
	bucket := make([]byte, min(length, bucketHeader+pageHeader))
	if _, err := t.file.ReadAt(bucket, int64(id)*t.meta.pageSize+int64(value)); err != nil {
		return err
	}
	if root := order.Uint64(bucket); root != 0 {
		return t.visit(root)
	}
	if len(bucket) < bucketHeader+pageHeader || order.Uint16(bucket[bucketHeader+8:]) != leafFlag {
		t.found(damaged("page %d has a bucket that isn't one", id))
	}
	return nil
}

// visitFree reads the list of free pages, which was found to be one.
func (t *tree) visitFree() (int64, error) {
	_, count, overflow, err := t.header(t.meta.freelist)
	if err != nil || !t.claim(t.meta.freelist, overflow, inUse) {
		return 0, err
	}
	list := make([]byte, (overflow+1)*uint64(t.meta.pageSize)-pageHeader)
	if _, err := t.file.ReadAt(list, int64(t.meta.freelist)*t.meta.pageSize+pageHeader); err != nil {
		return 0, err
	}
	if count == bigFreelist {
		count, list = binary.NativeEndian.Uint64(list), list[freelistBytes:]
	}
	for i := range count {
		t.claim(binary.NativeEndian.Uint64(list[i*freelistBytes:]), 0, free)
	}
	return int64(count), nil
}
