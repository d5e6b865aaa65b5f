// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package extension

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// The environment variables of the user.
const (
	// ModeVariable is offline if repositories must not be fetched. The default is online.
	ModeVariable = "TILT_SESSION_EXTENSIONS"
	// MirrorVariable is the URL of a server from which repositories are fetched instead: that of
	// https://HOST/PATH is MIRROR/HOST/PATH.
	MirrorVariable = "TILT_SESSION_EXTENSIONS_MIRROR"
)

// modules is the name of a directory that has repositories.
const modules = "tilt_modules"

// Settings are what the environment says about extensions.
type Settings struct {
	// Root is the directory for clones, an absolute path. It needn't exist.
	Root string
	// Offline forbids the network.
	Offline bool
	// Mirror is a URL without a slash at its end, empty for none.
	Mirror string
}

// NewSettings returns the settings of an environment, whose last entry of a key counts.
func NewSettings(environ []string) (Settings, error) {
	variable := func(key string) string {
		for _, entry := range slices.Backward(environ) {
			if value, ok := strings.CutPrefix(entry, key+"="); ok {
				return value
			}
		}
		return ""
	}
	s := Settings{Mirror: strings.TrimRight(variable(MirrorVariable), "/")}
	switch mode := variable(ModeVariable); mode {
	case "", "online":
	case "offline":
		s.Offline = true
	default:
		return s, fmt.Errorf("%s=%q: want online or offline", ModeVariable, mode)
	}
	if s.Mirror != "" {
		parsed, err := url.Parse(s.Mirror)
		if err != nil || !slices.Contains(append(schemes, "file"), parsed.Scheme) ||
			parsed.Host != "" && !host.MatchString(parsed.Host) || strings.HasPrefix(parsed.User.Username(), "-") {
			return s, fmt.Errorf("%s must be a URL that begins with https://, http://, ssh:// or file://", MirrorVariable)
		}
	}
	data := variable("XDG_DATA_HOME")
	if !filepath.IsAbs(data) {
		home := variable("HOME")
		if !filepath.IsAbs(home) {
			return s, errors.New("find the directory for extensions: neither $HOME nor $XDG_DATA_HOME is an absolute path")
		}
		data = filepath.Join(home, ".local", "share")
		if runtime.GOOS == "darwin" {
			data = filepath.Join(home, "Library", "Application Support")
		}
	}
	s.Root = filepath.Join(data, "tilt-dev", modules)
	return s, nil
}

// source is the URL from which a repository is fetched.
func (s Settings) source(r Repository) string {
	if s.Mirror != "" {
		return s.Mirror + "/" + r.location
	}
	return r.URL
}
