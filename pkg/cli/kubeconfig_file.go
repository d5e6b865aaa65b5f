// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/kubeconfig"
)

// notEntered is the error of a server that clients wouldn't find.
func notEntered(err error) error {
	return withCode(ExitAPI, "enter the API server into the kubeconfig: %w (TILT_CONFIG in the environment names another file for it)", err)
}

// writeKubeconfig makes a file that holds nothing but an entry, as its current
// context, and returns which one that is behind all symbolic links. A file that
// holds anything else is left alone; one that is empty, as mktemp makes it, is
// filled. See kubeconfig.Replace for what it warns of.
func writeKubeconfig(path string, entry kubeconfig.Entry, warn func(error)) (written string, err error) {
	if err := checkReplaceable(path); err != nil {
		return "", err
	}
	text, err := clientcmd.Write(*entry.Config())
	if err != nil {
		return "", err
	}
	if written, err = kubeconfig.Replace(path, text, warn); err != nil {
		// The file that it names is one that nobody has asked for.
		if of := new(fs.PathError); errors.As(err, &of) {
			err = of.Err
		}
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return written, nil
}

// removeKubeconfig removes the file that was written for path, and path if it's a
// symbolic link, which would be in the way of the next start.
func removeKubeconfig(path, written string) error {
	err := os.Remove(written)
	if link := os.Remove(path); !errors.Is(link, fs.ErrNotExist) {
		err = errors.Join(err, link)
	}
	return err
}

// checkReplaceable refuses a file that writeKubeconfig hasn't made.
func checkReplaceable(path string) error {
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory: name a file in it", path)
	}
	present, err := clientcmd.LoadFromFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s is there and isn't a kubeconfig: %w", path, err)
	}
	if len(present.Contexts) > 1 || !strings.HasPrefix(present.CurrentContext, "tilt-") {
		return fmt.Errorf("%s is there and holds more than the kubeconfig of an earlier start: remove it, or name another file", path)
	}
	return nil
}
