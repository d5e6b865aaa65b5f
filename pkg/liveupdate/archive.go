// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"archive/tar"
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// archive writes the files, and returns those that don't exist any more. Its own errors are those of reading.
func archive(to io.Writer, copies []mapping) (vanished []mapping, err error) {
	// A small archive is one write, and so one message of the connection.
	buffer := bufio.NewWriterSize(to, 64<<10)
	w := tar.NewWriter(buffer)
	for _, m := range copies {
		err := add(w, m)
		if gone(err) {
			vanished = append(vanished, m)
		} else if err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return vanished, buffer.Flush()
}

// add adds a file. An error that says that it is gone leaves the archive as it was.
func add(w *tar.Writer, m mapping) error {
	info, err := os.Lstat(m.local)
	if err != nil {
		return err
	}
	link := ""
	var content *os.File
	switch {
	case info.Mode()&fs.ModeSymlink != 0:
		if link, err = os.Readlink(m.local); err != nil {
			return err
		}
	case info.Mode().IsRegular():
		// It may be anything by now; to open a pipe would wait for its writer.
		if content, err = os.OpenFile(m.local, os.O_RDONLY|syscall.O_NONBLOCK, 0); err != nil {
			return err
		}
		defer content.Close()
		if info, err = content.Stat(); err != nil || !info.Mode().IsRegular() {
			return err
		}
	case !info.IsDir():
		return nil
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	header.Name = strings.TrimPrefix(m.remote, "/")
	if info.IsDir() {
		header.Name += "/"
	}
	header.Uid, header.Gid, header.Uname, header.Gname = 0, 0, "", ""
	header.ModTime = header.ModTime.Truncate(time.Second)
	header.AccessTime, header.ChangeTime = time.Time{}, time.Time{}
	header.Format = tar.FormatGNU
	if err := w.WriteHeader(header); err != nil || content == nil {
		return err
	}
	n, err := io.CopyN(w, content, header.Size)
	if errors.Is(err, io.EOF) {
		_, err = io.CopyN(w, zeros{}, header.Size-n)
	}
	return err
}

// zeros are zeros without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
