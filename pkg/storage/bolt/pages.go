// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package bolt

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"os"
)

// What is known here of bbolt's file format. Page 0 and 1 each say how the
// file begins, after an odd and an even transaction; the later one that is
// whole counts. Numbers are in the order of the machine.
const (
	boltMagic     = 0xED0CDAED
	boltVersion   = 2
	pageHeader    = 16 // ID 8, flags 2, count 2, overflow 4
	freelistFlag  = 0x10
	metaSize      = 64
	minPage       = 1 << 10
	maxPage       = 16 << 20
	freelistBytes = 8      // of each entry
	bigFreelist   = 0xFFFF // the count when it doesn't fit, and is the first entry
)

// meta is what one of the first two pages says.
type meta struct {
	offset   int64
	pageSize int64
	root     uint64
	freelist uint64
	pages    uint64 // in use are those below
	txid     uint64
}

// readMetas returns the metas that are whole, the latest first, and the size
// of the file.
func readMetas(file *os.File) ([]meta, int64, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	var metas []meta
	first, err := readMeta(file, 0)
	sizes := []int64{first.pageSize}
	if err == nil {
		metas = append(metas, first)
	} else if !errors.Is(err, ErrDamaged) {
		return nil, 0, err
	} else {
		sizes = pageSizes()
	}
	for _, size := range sizes {
		second, err := readMeta(file, size)
		if err == nil && second.pageSize == size {
			metas = append(metas, second)
		} else if err != nil && !errors.Is(err, ErrDamaged) {
			return nil, 0, err
		}
	}
	if len(metas) == 0 {
		return nil, info.Size(), damaged("neither of its first two pages is whole; it has %d bytes", info.Size())
	}
	if len(metas) == 2 && metas[0].txid < metas[1].txid {
		metas[0], metas[1] = metas[1], metas[0]
	}
	return metas, info.Size(), nil
}

// pageSizes are those that there may be.
func pageSizes() []int64 {
	var sizes []int64
	for size := int64(minPage); size <= maxPage; size *= 2 {
		sizes = append(sizes, size)
	}
	return sizes
}

func readMeta(file *os.File, offset int64) (meta, error) {
	page := make([]byte, pageHeader+metaSize)
	if _, err := file.ReadAt(page, offset); errors.Is(err, io.EOF) {
		return meta{}, damaged("it ends within a meta page")
	} else if err != nil {
		return meta{}, err
	}
	content := page[pageHeader:]
	order := binary.NativeEndian
	sum := fnv.New64a()
	_, _ = sum.Write(content[:56])
	m := meta{
		offset:   offset,
		pageSize: int64(order.Uint32(content[8:])),
		root:     order.Uint64(content[16:]),
		freelist: order.Uint64(content[32:]),
		pages:    order.Uint64(content[40:]),
		txid:     order.Uint64(content[48:]),
	}
	if order.Uint32(content) != boltMagic || order.Uint32(content[4:]) != boltVersion || order.Uint64(content[56:]) != sum.Sum64() ||
		m.pageSize < minPage || m.pageSize > maxPage {
		return meta{}, damaged("a meta page is not whole")
	}
	return m, nil
}

// checkPages finds what bbolt would crash on: pages that aren't there, and a
// list of free pages that isn't one.
func checkPages(file *os.File) error {
	metas, size, err := readMetas(file)
	if err != nil {
		return err
	}
	m := metas[0]
	if m.pages > uint64(size/m.pageSize) {
		return damaged("it was cut off: it has %d bytes, of which pages take %d", size, m.pages*uint64(m.pageSize))
	}
	if m.root >= m.pages || m.freelist >= m.pages {
		return damaged("its tree or its list of free pages begins beyond its %d pages", m.pages)
	}
	return checkFreelist(file, m)
}

func checkFreelist(file io.ReaderAt, m meta) error {
	page := make([]byte, pageHeader+freelistBytes)
	if _, err := file.ReadAt(page, int64(m.freelist)*m.pageSize); err != nil {
		return err
	}
	order := binary.NativeEndian
	count, overflow := uint64(order.Uint16(page[10:])), uint64(order.Uint32(page[12:]))
	entries := count
	if count == bigFreelist {
		count = order.Uint64(page[pageHeader:])
		entries = count + 1
	}
	room := ((overflow+1)*uint64(m.pageSize) - pageHeader) / freelistBytes
	if order.Uint16(page[8:]) != freelistFlag || m.freelist+overflow >= m.pages || count > m.pages || entries > room {
		return damaged("page %d is not a list of free pages", m.freelist)
	}
	return nil
}

// takeBack undoes the transactions after one, of which there can be one at
// most. When it returns without an error that is durable.
func takeBack(file *os.File, after uint64) error {
	metas, _, err := readMetas(file)
	if err != nil {
		return err
	}
	if latest := metas[0]; latest.txid > after && len(metas) == 2 {
		if _, err := file.WriteAt(make([]byte, metaSize), latest.offset+pageHeader); err != nil {
			return err
		}
		metas = metas[1:]
	}
	if metas[0].txid != after {
		return damaged("it is at transaction %d, and %d was the last one written", metas[0].txid, after)
	}
	return file.Sync()
}
