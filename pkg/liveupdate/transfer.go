// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package liveupdate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"

	"tilt.dev/session/pkg/logs"
)

// listed is how many files of a part the log names.
const listed = 20

// show logs what is about to be done to files.
func (u *Update) show(c Container, what string, files []mapping, describe func(mapping) string) {
	lines := []string{fmt.Sprintf("Will %s container: [%s]", fmt.Sprintf(what, len(files)), c)}
	for i, m := range files {
		if u.Brief {
			break
		}
		if i == listed {
			lines = append(lines, fmt.Sprintf("- and %d more", len(files)-listed))
			break
		}
		lines = append(lines, "- "+describe(m))
	}
	u.Log.Append(logs.LevelInfo, strings.Join(lines, "\n"))
}

// longestCommand limits the arguments of one command, as they are in a URL. Proxies take 8 KiB.
const longestCommand = 7 << 10

// remove removes files and directories from the container.
func (u *Update) remove(ctx context.Context, c Container, deletions []mapping) error {
	if len(deletions) == 0 {
		return nil
	}
	u.show(c, "delete %d file(s) from", deletions, func(m mapping) string {
		return fmt.Sprintf("'%s' (matched local path: '%s')", m.remote, m.local)
	})
	argv, length := []string{"rm", "-rf"}, 0
	for i, m := range deletions {
		argv = append(argv, m.remote)
		length += len("&command=") + len(url.QueryEscape(m.remote))
		if i+1 < len(deletions) && length+len(url.QueryEscape(deletions[i+1].remote)) < longestCommand {
			continue
		}
		if err := u.tool(ctx, c, argv, nil); err != nil {
			return err
		}
		argv, length = argv[:2:2], 0
	}
	return nil
}

// unpack unpacks an archive. Its $0 is the program that has the tools, empty for those of the image.
const unpack = `${0:+"$0"} tar -C / -x -p -f -; code=$?; ${0:+"$0"} cat >/dev/null; exit $code`

// copy copies files and directories into the container. It returns those that have vanished meanwhile.
func (u *Update) copy(ctx context.Context, c Container, copies []mapping) (vanished []mapping, err error) {
	u.show(c, "copy %d file(s) to", copies, func(m mapping) string {
		return fmt.Sprintf("'%s' --> '%s'", m.local, m.remote)
	})
	err = u.tool(ctx, c, []string{"sh", "-c", unpack}, func(w io.Writer) (err error) {
		vanished, err = archive(w, copies)
		return err
	})
	return vanished, err
}

// toolName is what a command is called in messages.
func toolName(argv []string) string {
	if argv[0] == "sh" {
		return "tar"
	}
	return argv[0]
}

// tool runs tar or rm, of the container or of what Equip brings. Input writes its standard input.
func (u *Update) tool(ctx context.Context, c Container, argv []string, input func(io.Writer) error) error {
	if err := u.stopped(ctx); err != nil {
		return err
	}
	call := func() error {
		command := argv
		if u.Program != "" {
			command = append([]string{u.Program}, argv...)
		}
		if argv[0] == "sh" {
			command = append(slices.Clip(command), u.Program)
		}
		return u.exec(ctx, c, command, input)
	}
	err := call()
	if !missing(err) {
		return explain(c, argv, err)
	}
	if err := u.stopped(ctx); err != nil {
		return err
	}
	u.Log.Append(logs.LevelInfo, fmt.Sprintf("Container %s has no %s: bringing a static one", c, toolName(argv)))
	program, err := c.Equip(ctx, directories(u.Steps.Syncs))
	if err != nil {
		return fmt.Errorf("container %s: it has no %s, and that can't be brought there: %w", c, toolName(argv), err)
	}
	u.Program = program
	return explain(c, argv, call())
}

// toolError is the failure of tar or rm, with what it said.
type toolError struct {
	err    error
	output string
}

func (e *toolError) Error() string {
	if e.output == "" {
		return e.err.Error()
	}
	return fmt.Sprintf("%v: %s", e.err, e.output)
}

func (e *toolError) Unwrap() error { return e.err }

func (u *Update) exec(ctx context.Context, c Container, argv []string, input func(io.Writer) error) error {
	said := &tail{}
	if input == nil {
		if err := c.Exec(ctx, argv, nil, said, said); err != nil {
			return &toolError{err, said.String()}
		}
		return nil
	}
	reader, writer := io.Pipe()
	var writing sync.WaitGroup
	var failure error
	writing.Go(func() {
		failure = input(writer)
		writer.CloseWithError(failure)
	})
	err := c.Exec(ctx, argv, reader, said, said)
	reader.Close()
	writing.Wait()
	if failure != nil && !errors.Is(failure, io.ErrClosedPipe) {
		return failure
	}
	if err == nil && failure != nil {
		err = fmt.Errorf("%w: it ended before it had read all files", ErrAway)
	}
	if err != nil {
		return &toolError{err, said.String()}
	}
	return nil
}

// tail keeps the end of what is written, at most a few lines.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 1 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailSize):]
	return len(p), nil
}

// String returns the lines as one.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.FieldsFunc(strings.ToValidUTF8(string(t.text), ""), func(r rune) bool {
		return r == '\n' || r == '\r'
	})
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

// prefixer puts a prefix before each line.
type prefixer struct {
	to     io.Writer
	prefix string

	mu sync.Mutex
	// within is true after the beginning of a line.
	within bool
}

func (p *prefixer) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		if !p.within {
			out.WriteString(p.prefix)
		}
		out.Write(line)
		p.within = !bytes.HasSuffix(line, []byte("\n"))
	}
	if _, err := p.to.Write(out.Bytes()); err != nil {
		return 0, err
	}
	return len(text), nil
}
