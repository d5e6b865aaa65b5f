// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/tools/clientcmd"
)

// afterKill is how long what a killed run left may take to be ended.
const afterKill = time.Minute

// left returns what a run that has ended left behind.
func (r *run) left() (found []string) {
	processes := r.processes()
	for deadline := time.Now().Add(afterKill); r.plan.killed() && len(processes) > 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
		processes = r.processes()
	}
	for _, pid := range processes {
		found = append(found, "left process "+describe(pid))
	}
	found = append(found, r.leftPorts()...)
	found = append(found, r.leftFiles()...)
	if !r.plan.killed() {
		found = append(found, r.leftEntries()...)
	}
	return found
}

// processes returns those that carry the marker and haven't ended.
func (r *run) processes() (pids []int) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	for _, dir := range dirs {
		// Those of a process that has ended and isn't reaped can't be read.
		environ, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !bytes.Contains(environ, []byte("\x00"+marker+"="+r.dir+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func describe(pid int) string {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return strconv.Itoa(pid)
	}
	return fmt.Sprintf("%d %q", pid, bytes.ReplaceAll(bytes.TrimRight(line, "\x00"), []byte{0}, []byte{' '}))
}

// killLeft ends what a run left, so that it doesn't stay.
func (r *run) killLeft() error {
	var errs []error
	for _, pid := range r.processes() {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// leftPorts returns those on which servers of this run listen. Once they have ended, the
// system may give their ports to whoever asks for one.
func (r *run) leftPorts() (found []string) {
	entries, err := os.ReadDir(r.path("ports"))
	if err != nil {
		return []string{err.Error()}
	}
	for _, entry := range entries {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+entry.Name(), time.Second)
		if err != nil {
			continue
		}
		_ = conn.SetReadDeadline(time.Now().Add(afterKill))
		run, _ := io.ReadAll(conn) // somebody else may say anything
		_ = conn.Close()
		if string(run) != r.path("ports") {
			continue
		}
		found = append(found, "left something that listens on port "+entry.Name())
	}
	return found
}

// ownName matches the link to the program that commands find by the name tilt.
var ownName = regexp.MustCompile(`^tilt-session-\d+-\d+/tilt$`)

// replacement matches the file that takes the place of the kubeconfig.
var replacement = regexp.MustCompile(`^\.tilt-dev/\.config\d+$`)

// leftFiles returns temporary files. Kubeconfig and lock are meant to stay.
func (r *run) leftFiles() (found []string) {
	for _, top := range []string{"tmp", "home"} {
		err := filepath.WalkDir(r.path(top), func(path string, entry fs.DirEntry, err error) error {
			name := strings.TrimPrefix(path, r.path(top)+"/")
			if err != nil || entry.IsDir() || top == "home" && (name == ".tilt-dev/config" || name == ".tilt-dev/config.lock") {
				return err
			}
			// The one that replaces the kubeconfig is cleared away by the next run.
			if r.plan.killed() && top == "home" && replacement.MatchString(name) {
				return nil
			}
			// So is the link by which commands find the program as tilt.
			if r.plan.killed() && top == "tmp" && ownName.MatchString(name) {
				return nil
			}
			found = append(found, "left file "+top+"/"+name)
			return nil
		})
		if err != nil {
			found = append(found, err.Error())
		}
	}
	return found
}

// leftEntries returns the contexts, clusters and users in the kubeconfig.
func (r *run) leftEntries() (found []string) {
	config, err := clientcmd.LoadFromFile(r.path("home", ".tilt-dev", "config"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return []string{err.Error()}
	}
	for name := range config.Contexts {
		found = append(found, "left context "+name+" in the kubeconfig")
	}
	for name := range config.Clusters {
		found = append(found, "left cluster "+name+" in the kubeconfig")
	}
	for name := range config.AuthInfos {
		found = append(found, "left user "+name+" in the kubeconfig")
	}
	return found
}
