// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"
)

// defaultPort is the port whose entry has a name without a number.
const defaultPort = 10350

// Entry is how clients reach an API server.
type Entry struct {
	// Port identifies the session and names the entry. The API server listens on another port.
	Port int
	// Server is the URL of the API server.
	Server string
	// CA is a bundle of PEM certificates by which clients verify the server.
	CA []byte
	// ServerName is the name for which clients request the server's certificate
	// and verify it. Empty means the host of the URL.
	ServerName string
	// Token is the bearer token. It is unique to this entry.
	Token string
	// Tiltfile is the absolute path of the Tiltfile that the server's process runs, empty for a server of many Sessions.
	Tiltfile string
}

// Name is the name of the entry's context, cluster and user.
func (e Entry) Name() string { return ContextName(e.Port) }

// ContextName is the name of the context for the session at port.
func ContextName(port int) string {
	if port == defaultPort {
		return "tilt-default"
	}
	return fmt.Sprintf("tilt-%d", port)
}

// Config is a kubeconfig that holds only the entry, as its current context.
func (e Entry) Config() *clientcmdapi.Config {
	config := clientcmdapi.NewConfig()
	e.put(config)
	config.CurrentContext = e.Name()
	return config
}

// put replaces everything in config that has the entry's name.
func (e Entry) put(config *clientcmdapi.Config) {
	name := e.Name()
	config.Clusters[name] = &clientcmdapi.Cluster{
		Server:                   e.Server,
		TLSServerName:            e.ServerName,
		CertificateAuthorityData: e.CA,
	}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: e.Token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
}

// has reports whether config holds any part of the entry called name.
func has(config *clientcmdapi.Config, name string) bool {
	return config.Contexts[name] != nil || config.Clusters[name] != nil || config.AuthInfos[name] != nil
}

// drop removes every part of the entry called name. If it is the current context, no context is current afterwards.
func drop(config *clientcmdapi.Config, name string) {
	delete(config.Clusters, name)
	delete(config.AuthInfos, name)
	delete(config.Contexts, name)
	if config.CurrentContext == name {
		config.CurrentContext = ""
	}
}

// Add writes the entry and makes this process its owner. It replaces an entry of the same name, unless a running
// process owns that one: then the error names the process. It drops the entries of processes that have ended. The
// current context doesn't change.
//
// Add calls warn with every way in which other users could or can access the file; see Replace. It waits for the
// lock until ctx is done, but at most ten seconds.
func (l Location) Add(ctx context.Context, entry Entry, warn func(error)) error {
	owner, err := self()
	if err != nil {
		return fmt.Errorf("identify this process: %w", err)
	}
	owner.Tiltfile = entry.Tiltfile
	name := entry.Name()
	return l.edit(ctx, name, warn, func(config *clientcmdapi.Config) (changed bool, err error) {
		if other, ok := ownerOf(name, config.Contexts[name]); ok && other != owner && other.alive() {
			return false, fmt.Errorf("context %s belongs to the running process %d; "+
				"stop it, or choose another port with --port", name, other.PID)
		}
		for stale, context := range config.Contexts {
			if owner, ok := ownerOf(stale, context); ok && stale != name && !owner.alive() {
				drop(config, stale)
			}
		}
		entry.put(config)
		return true, owner.own(config.Contexts[name])
	})
}

// Remove removes the entry from its file, unless another entry has taken its name since it was added. If it is the
// current context, no context is current afterwards. A missing entry is not an error.
//
// Remove waits for the lock until ctx is done, but at most ten seconds.
func (l Location) Remove(ctx context.Context, entry Entry) error {
	if !slices.ContainsFunc(l.Files, exists) {
		return nil
	}
	name := entry.Name()
	return l.edit(ctx, name, func(error) {}, func(config *clientcmdapi.Config) (changed bool, err error) {
		user := config.AuthInfos[name]
		if user == nil || user.Token != entry.Token {
			return false, nil
		}
		drop(config, name)
		return true, nil
	})
}

// edit changes the file that holds the entry called name, or File if none does,
// under the lock. It writes nothing when change fails or reports no change.
func (l Location) edit(ctx context.Context, name string, warn func(error),
	change func(*clientcmdapi.Config) (changed bool, err error)) (err error) {
	unlock, err := l.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()

	file, config, err := l.open(name)
	if err != nil {
		return err
	}
	changed, err := change(config)
	if err != nil {
		return fmt.Errorf("update %s: %w", file, err)
	}
	if !changed {
		return nil
	}
	clearAway(file)
	data, err := clientcmd.Write(*config)
	if err == nil {
		_, err = Replace(file, data, warn)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// clearAway removes what processes that were killed while they replaced a file have left of that. The caller holds the
// lock, so no other process replaces it now.
func clearAway(file string) {
	prefix := "." + filepath.Base(file)
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		return // What reads the file says so.
	}
	for _, entry := range entries {
		number, ok := strings.CutPrefix(entry.Name(), prefix)
		if ok && len(number) >= 12 && strings.Trim(number, "0123456789") == "" {
			_ = os.Remove(filepath.Join(filepath.Dir(file), entry.Name())) // It costs some bytes if that fails.
		}
	}
}

// open reads the first file that holds a part of the entry called name, or File.
func (l Location) open(name string) (string, *clientcmdapi.Config, error) {
	target := l.File()
	var found *clientcmdapi.Config
	for _, file := range l.Files {
		config, err := read(file)
		if err != nil {
			return "", nil, fmt.Errorf("read %s: %w", file, err)
		}
		if has(config, name) {
			return file, config, nil
		}
		if file == target {
			found = config
		}
	}
	return target, found, nil
}

// read parses a file. A missing file has no entries.
func read(file string) (*clientcmdapi.Config, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return clientcmdapi.NewConfig(), nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.LoadFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("not a kubeconfig: %w", err)
	}
	return config, checkWhole(data)
}

// checkWhole refuses a text of which client-go would read only a part: one of
// several documents, or the last of several values of one key.
func checkWhole(data []byte) error {
	if _, err := yaml.YAMLToJSONStrict(data); err != nil {
		return err
	}
	documents := 0
	for decoder := utilyaml.NewYAMLToJSONDecoder(bytes.NewReader(data)); ; {
		var document any
		if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if document == nil {
			continue
		}
		if documents++; documents > 1 {
			return errors.New("the file holds more than one YAML document")
		}
	}
}
