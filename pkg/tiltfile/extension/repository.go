// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package extension

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// DefaultURL is that of the repository that has the extensions without a definition.
const DefaultURL = "https://github.com/tilt-dev/tilt-extensions"

// Repository is a git repository on a server.
type Repository struct {
	// URL is that of git.
	URL string
	// Ref is the branch, tag or commit, empty for the default branch.
	Ref string
	// location is HOST/PATH.
	location string
}

var (
	host    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?$`)
	segment = regexp.MustCompile(`^[A-Za-z0-9_~][A-Za-z0-9._~+%-]*$`)
	ref     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./@+#-]*$`)
)

// schemes are the protocols of a repository's URL.
var schemes = []string{"https", "http", "ssh"}

// NewRepository returns the repository with a URL and a ref, which is empty for the default branch.
func NewRepository(address, at string) (Repository, error) {
	shown := redacted(address)
	if scheme, _, ok := strings.Cut(address, "://"); !ok || !slices.Contains(schemes, scheme) {
		return Repository{}, fmt.Errorf("the URL %q of an extension repository must begin with https://, http://, ssh:// "+
			"or file://, as in ssh://git@HOST/PATH", shown)
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return Repository{}, fmt.Errorf("the URL %q of an extension repository is invalid", shown)
	}
	path := strings.TrimSuffix(strings.TrimPrefix(parsed.EscapedPath(), "/"), "/")
	switch {
	case !host.MatchString(parsed.Host) || strings.HasPrefix(parsed.User.Username(), "-"):
		return Repository{}, fmt.Errorf("the URL %q of an extension repository has an invalid host", shown)
	case parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "":
		return Repository{}, fmt.Errorf("the URL %q of an extension repository must have no query and no fragment", shown)
	}
	for part := range strings.SplitSeq(path, "/") {
		if !segment.MatchString(part) {
			return Repository{}, fmt.Errorf("the URL %q of an extension repository has an invalid path", shown)
		}
	}
	if at == "HEAD" {
		at = ""
	}
	if at != "" && (!ref.MatchString(at) || strings.Contains(at, "..") || strings.Contains(at, "@{")) {
		return Repository{}, fmt.Errorf("invalid ref %q: want a branch, a tag or a commit", at)
	}
	return Repository{URL: address, Ref: at, location: parsed.Host + "/" + path}, nil
}

// password is what follows the name of a user in a URL, as far as it may go.
var password = regexp.MustCompile(`(://[^/@:]*):.*@`)

// redacted is a URL, valid or not, without a password.
func redacted(address string) string { return password.ReplaceAllString(address, "$1:xxxxx@") }

// ParseRepository returns the repository of a text such as "github.com/org/repository@v1", as String writes it, or of a
// whole URL with or without a ref.
func ParseRepository(text string) (Repository, error) {
	scheme, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		scheme, rest = "https", text
	}
	// The name of a user may precede the host.
	slash := strings.IndexByte(rest, '/')
	if slash < 0 {
		return Repository{}, fmt.Errorf("%q names no extension repository: want HOST/PATH or HOST/PATH@REF", text)
	}
	path, at, _ := strings.Cut(rest[slash:], "@")
	return NewRepository(scheme+"://"+rest[:slash]+path, at)
}

// String is HOST/PATH or HOST/PATH@REF.
func (r Repository) String() string {
	if r.Ref == "" {
		return r.location
	}
	return r.location + "@" + r.Ref
}

// directory is the place of the repository below a directory for clones.
func (r Repository) directory() string {
	if r.Ref == "" {
		return filepath.FromSlash(r.location)
	}
	return filepath.FromSlash(r.location) + "@" + url.PathEscape(r.Ref)
}

// fromDirectory returns the repository whose directory has a path.
func fromDirectory(path, origin string) (Repository, error) {
	location, escaped, _ := strings.Cut(filepath.ToSlash(path), "@")
	at, err := url.PathUnescape(escaped)
	if err != nil {
		return Repository{}, err
	}
	r, err := NewRepository(cmp.Or(origin, "https://"+location), at)
	if err == nil && r.directory() != path {
		err = fmt.Errorf("%s is a clone of %s", path, r)
	}
	return r, err
}

// isCommit returns whether the ref can be a commit, and whether it is the full name of one.
func (r Repository) isCommit() (possible, full bool) {
	possible = len(r.Ref) >= 4 && strings.Trim(r.Ref, "0123456789abcdef") == ""
	return possible, possible && (len(r.Ref) == 40 || len(r.Ref) == 64)
}

// CheckPath returns an error for a path within a repository that isn't one. An empty path is the repository itself.
func CheckPath(path string) error {
	switch {
	case path == "":
		return nil
	case strings.ContainsFunc(path, unicode.IsControl):
		return fmt.Errorf("the path %q has a control character", path)
	case !filepath.IsLocal(path):
		return fmt.Errorf("the path %q is not in its repository", path)
	}
	return nil
}
