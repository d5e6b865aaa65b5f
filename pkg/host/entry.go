// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"k8s.io/client-go/tools/clientcmd"

	"tilt.dev/session/pkg/kubeconfig"
)

// enter adds the entry to the kubeconfig, and writes a file of its own if that's
// wanted. Both are removed at the end.
func (a *API) enter(ctx context.Context, ready func()) error {
	if err := a.location.Add(ctx, a.entry, a.Warn); err != nil {
		return apiError("add the API server to the kubeconfig: %w "+
			"(TILT_CONFIG in the environment names another file for it)", err)
	}
	defer func() {
		if err := a.location.Remove(context.WithoutCancel(ctx), a.entry); err != nil {
			a.Warn(fmt.Errorf("remove context %s from the kubeconfig: %w", a.entry.Name(), err))
		}
	}()
	if a.KubeconfigOut != "" {
		written, err := writeKubeconfig(a.KubeconfigOut, a.entry, a.Warn)
		if err != nil {
			return apiError("--kubeconfig-out: %w", err)
		}
		defer func() {
			if err := removeKubeconfig(a.KubeconfigOut, written); err != nil {
				a.Warn(err)
			}
		}()
	}
	ready()
	<-ctx.Done()
	return nil
}

// writeKubeconfig writes a file that holds only the entry, as its current context, and returns the file's path
// without symbolic links. It fails if the file holds anything else; an empty file, as mktemp makes it, is filled.
// For the warnings see kubeconfig.Replace.
func writeKubeconfig(path string, entry kubeconfig.Entry, warn func(error)) (written string, err error) {
	if err := CheckReplaceable(path); err != nil {
		return "", err
	}
	text, err := clientcmd.Write(*entry.Config())
	if err != nil {
		return "", err
	}
	if written, err = kubeconfig.Replace(path, text, warn); err != nil {
		// The file in the error is a temporary one.
		if of := new(fs.PathError); errors.As(err, &of) {
			err = of.Err
		}
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	return written, nil
}

// removeKubeconfig removes the file that was written for path, and path itself if
// it's a symbolic link: a dangling link would make the next start fail.
func removeKubeconfig(path, written string) error {
	err := os.Remove(written)
	if link := os.Remove(path); !errors.Is(link, fs.ErrNotExist) {
		err = errors.Join(err, link)
	}
	return err
}

// CheckReplaceable returns an error for a file that isn't a kubeconfig of an earlier start, nor empty or missing.
func CheckReplaceable(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return fmt.Errorf("%s is a directory; name a file in it", path)
	}
	if err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		return nil
	}
	present, err := clientcmd.LoadFromFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s exists and isn't a kubeconfig: %w", path, err)
	}
	if len(present.Contexts) > 1 || !strings.HasPrefix(present.CurrentContext, "tilt-") {
		return fmt.Errorf("%s exists and holds more than the kubeconfig of an earlier start; "+
			"remove it, or name another file", path)
	}
	return nil
}
