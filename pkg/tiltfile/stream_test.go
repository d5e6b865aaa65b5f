// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/builtins"
)

// TestStreams evaluates Tiltfiles that are no regular files twice, as a run does that evaluates again.
func TestStreams(t *testing.T) {
	const source = "print(os.getcwd(), config.main_dir, read_file('f'))\nload('./lib.star', 'x')\nlocal_resource('a', 'x')\n"
	work := t.TempDir()
	writeFile(t, filepath.Join(work, "f"), []byte("content"))
	writeFile(t, filepath.Join(work, "lib.star"), []byte("x = 1"))
	writeFile(t, filepath.Join(work, "regular"), []byte(source))
	for name, path := range map[string]string{
		"a pipe":                         openPipe(t, source),
		"a pipe of which little is read": openPipe(t, source+strings.Repeat("# more\n", 1<<15)),
		"a link to a pipe":               link(t, work, openPipe(t, source)),
		"a named pipe":                   namedPipe(t, work, source),
		"an open file":                   openFile(t, filepath.Join(work, "regular")),
		"a socket":                       openSocket(t, source),
	} {
		options := tiltfile(t, "")
		options.Path, options.WorkingDir, options.Streams = path, work, NewStreams(true)
		for range 2 {
			project, err := Load(t.Context(), options)
			if err != nil || len(project.Resources) != 1 || project.Resources[0].Update.(*model.Command).Dir != work {
				t.Errorf("%s: %+v, %v", name, project.Resources, err)
			}
		}
		if !IsStream(path) {
			t.Errorf("%s isn't a stream", name)
		}
	}
	if IsStream(filepath.Join(work, "regular")) || IsStream(work) || IsStream(filepath.Join(work, "nope")) {
		t.Error("what can be watched is a stream")
	}
}

// TestUnreadable has files that a Tiltfile can't read, and those that never end.
func TestUnreadable(t *testing.T) {
	work := t.TempDir()
	socket := filepath.Join(work, "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	unwritten := descriptorPath(t, read)
	unwrittenPipe := filepath.Join(work, "unwritten")
	if err := unix.Mkfifo(unwrittenPipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path      string
		openFiles bool
		kind      Kind
		want      string
	}{
		{work, true, KindUnreadable, work + " is not a regular file, but a directory"},
		{socket, true, KindUnreadable, socket + " is not a regular file, but a socket"},
		{"/dev/zero", true, KindUnreadable, "/dev/zero is not a regular file, but a device"},
		{os.DevNull, true, KindResources, "No resources found"},
		{openFile(t, "/dev/zero"), true, KindUnreadable, "is not a regular file, but a device"},
		{openFile(t, work), true, KindUnreadable, "is not a regular file, but a directory"},
		{openFile(t, os.DevNull), true, KindResources, "No resources found"},
		{openPipe(t, strings.Repeat("#", builtins.MaxSourceSize+1)), true, KindUnreadable, "is larger than 1Mi"},
		{"/dev/fd/987654", true, KindMissing, "No Tiltfile found"},
		{openPipe(t, "x"), false, KindUnreadable, "is an open file of the server, which a Tiltfile can't read"},
		{unwritten, true, KindCanceled, "deadline exceeded"},
		{unwrittenPipe, true, KindCanceled, "deadline exceeded"},
		{unwrittenPipe, false, KindCanceled, "deadline exceeded"},
	} {
		options := tiltfile(t, "")
		options.Path, options.WorkingDir, options.Streams = c.path, work, NewStreams(c.openFiles)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := Load(ctx, options)
		cancel()
		requireError(t, err, c.kind, c.want)
	}
}

// TestReadStream has builtins that read one pipe several times.
func TestReadStream(t *testing.T) {
	path := openPipe(t, `{"a": [1]}`)
	options := tiltfile(t, fmt.Sprintf(`
path = %q
if read_json(path) != {'a': [1]} or read_yaml(path) != {'a': [1]} or str(read_file(path)) != '{"a": [1]}':
    fail(read_file(path))
watch_file(path)
local_resource('a', 'x')
`, path))
	options.Streams = NewStreams(true)
	if _, err := Load(t.Context(), options); err != nil {
		t.Error(err)
	}
}

// descriptorPath returns the path of an open file, as if this process was started with it.
func descriptorPath(t *testing.T, file *os.File) string {
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETFD, 0); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/dev/fd/%d", file.Fd())
}

// TestOwnFilesAreNotRead has a file that this process has opened itself.
func TestOwnFilesAreNotRead(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	options := tiltfile(t, fmt.Sprintf("read_file('/dev/fd/%d')", read.Fd()))
	options.Streams = NewStreams(true)
	_, err = Load(t.Context(), options)
	requireError(t, err, KindEvaluation, "is not a file that this process was started with")
}

// openPipe returns the path of an open pipe that has a text.
func openPipe(t *testing.T, text string) string {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return pathOf(t, read, write, text)
}

// openSocket returns the path of an open socket that gets a text.
func openSocket(t *testing.T, text string) string {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	return pathOf(t, os.NewFile(uintptr(pair[0]), "read"), os.NewFile(uintptr(pair[1]), "write"), text)
}

func pathOf(t *testing.T, read, write *os.File, text string) string {
	done := make(chan struct{})
	go func() {
		defer close(done)
		write.WriteString(text) // It fails where the reader stops early.
		write.Close()
	}()
	path := descriptorPath(t, read)
	t.Cleanup(func() {
		read.Close()
		<-done
	})
	return path
}

// openFile returns the path of a file that is opened.
func openFile(t *testing.T, path string) string {
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return descriptorPath(t, file)
}

// namedPipe returns the path of a pipe in a directory to which a text is written once.
func namedPipe(t *testing.T, dir, text string) string {
	path := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- os.WriteFile(path, []byte(text), 0o600) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return path
}

// link returns the path of a symbolic link.
func link(t *testing.T, dir, target string) string {
	path := filepath.Join(dir, "link")
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	return path
}
