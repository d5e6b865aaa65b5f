// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/session"
	"tilt.dev/session/pkg/text"
)

// Directory is a directory with the output of a run: RESOURCE.log as plain text for each resource, and all.ndjson with
// a SessionLogLine in each line. Its methods aren't safe for concurrent use.
type Directory struct {
	path string
	all  *os.File
	// files are the files by resource, and names those that are taken, in lower case.
	files map[string]*logFile
	names map[string]bool
}

// logFile is the file of a resource.
type logFile struct {
	*os.File
	// open is true while the last line has no end yet, and pending is what is to be written.
	open    bool
	pending bytes.Buffer
}

// NewDirectory makes a directory and replaces its all.ndjson. The caller closes it.
func NewDirectory(path string) (*Directory, error) {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, err
	}
	all, err := os.Create(filepath.Join(path, "all.ndjson"))
	if err != nil {
		return nil, err
	}
	return &Directory{path: path, all: all, files: map[string]*logFile{}, names: map[string]bool{}}, nil
}

// Print appends lines to the files.
func (d *Directory) Print(batch logs.Batch) error {
	var all bytes.Buffer
	encoder := json.NewEncoder(&all)
	encoder.SetEscapeHTML(false)
	written := map[*logFile]bool{}
	for line, missed := range batch.Lines() {
		if err := encoder.Encode(session.EncodeLine(line, missed)); err != nil {
			return fmt.Errorf("encode a line: %w", err)
		}
		file, err := d.file(line.Source)
		if err != nil {
			return err
		}
		file.add(line, missed)
		written[file] = true
	}
	_, err := d.all.Write(all.Bytes())
	errs := []error{err}
	for file := range written {
		_, err := file.pending.WriteTo(file)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// add adds a line, without its end if that may follow.
func (f *logFile) add(line logs.Line, missed uint64) {
	if f.open && !line.Continues {
		f.pending.WriteByte('\n')
	}
	if missed > 0 {
		fmt.Fprintf(&f.pending, "[%d lines are missing here]\n", missed)
	}
	f.pending.WriteString(text.Printable(line.Text))
	if f.open = line.Unfinished; !f.open {
		f.pending.WriteByte('\n')
	}
}

// Close ends unfinished lines and closes the files.
func (d *Directory) Close() error {
	errs := []error{d.all.Close()}
	for _, file := range d.files {
		if file.open {
			_, err := file.WriteString("\n")
			errs = append(errs, err)
		}
		errs = append(errs, file.File.Close())
	}
	return errors.Join(errs...)
}

// file is the file of a resource, which is made with its first line.
func (d *Directory) file(source string) (*logFile, error) {
	if file := d.files[source]; file != nil {
		return file, nil
	}
	base := fileName(source)
	name := base
	for n := 2; d.names[strings.ToLower(name)]; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	d.names[strings.ToLower(name)] = true
	opened, err := os.Create(filepath.Join(d.path, name+".log"))
	if err != nil {
		return nil, err
	}
	file := &logFile{File: opened}
	d.files[source] = file
	return file, nil
}

// maxFileName is how many bytes of a name are used.
const maxFileName = 200

// fileName is a name without what file systems and the stores of artefacts refuse.
func fileName(name string) string {
	safe := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	if strings.HasPrefix(safe, ".") {
		safe = "_" + safe[1:]
	}
	if len(safe) > maxFileName {
		safe = strings.ToValidUTF8(safe[:maxFileName], "")
	}
	return safe
}
