// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"path/filepath"
	"sync"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/homedir"

	"tilt.dev/session/pkg/model"
)

// Options say which cluster a run uses.
type Options struct {
	// Kubeconfig is the path of --kubeconfig. Empty means the files of the environment variable KUBECONFIG, or
	// ~/.kube/config without it.
	Kubeconfig string
	// Context is --context, empty for the current context of the kubeconfig.
	Context string
	// Namespace is --namespace, empty for that of the context, or "default".
	Namespace string
	// Directory is where the private directory for the copy of the kubeconfig is made, empty for the system's
	// directory of temporary files.
	Directory string
}

// Frozen is the cluster of a run as it was when the process started. Its methods are safe for concurrent use.
type Frozen struct {
	options Options
	sources []source

	once    sync.Once
	cluster *model.Cluster
	config  clientcmd.ClientConfig
	err     error

	connect    sync.Once
	connection *Connection
	connectErr error

	mu sync.Mutex
	// directory is the private one that was made, empty before that and once Frozen is closed.
	directory string
	closed    bool
}

// source is a kubeconfig file.
type source struct {
	path string
	data []byte
	// err is why the file couldn't be read. A missing file of KUBECONFIG is no error.
	err error
}

// Freeze notes the options and the content of the kubeconfig files. The caller must Close what it returns.
func Freeze(options Options) *Frozen {
	f := &Frozen{options: options}
	if options.Kubeconfig != "" {
		f.sources = []source{read(options.Kubeconfig)}
		return f
	}
	paths := filepath.SplitList(os.Getenv(clientcmd.RecommendedConfigPathEnvVar))
	if len(paths) == 0 {
		paths = []string{filepath.Join(homedir.HomeDir(), clientcmd.RecommendedHomeDir, clientcmd.RecommendedFileName)}
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		if s := read(path); !os.IsNotExist(s.err) {
			f.sources = append(f.sources, s)
		}
	}
	return f
}

func read(path string) source {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	data, err := os.ReadFile(path)
	return source{path: path, data: data, err: err}
}

// Cluster returns the cluster of the run, nil if no kubeconfig or no context is set. The first call parses the
// kubeconfig and writes the copy.
func (f *Frozen) Cluster() (*model.Cluster, error) {
	f.once.Do(func() { f.cluster, f.config, f.err = f.resolve() })
	return f.cluster, f.err
}

// Connection returns the clients for the cluster. It contacts nothing. Without a cluster it is an error.
func (f *Frozen) Connection() (*Connection, error) {
	f.connect.Do(func() { f.connection, f.connectErr = f.open() })
	return f.connection, f.connectErr
}

// Close removes the copy of the kubeconfig. Cluster fails from then on if it wasn't called before.
func (f *Frozen) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.directory == "" {
		return nil
	}
	directory := f.directory
	f.directory = ""
	return os.RemoveAll(directory)
}
