// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/version"

	"tilt.dev/session/pkg/cli/command"
	"tilt.dev/session/pkg/cli/webpage"
	"tilt.dev/session/pkg/kube/cluster"
)

// checks are all checks, in the order in which they are printed. They read targets when they run.
func checks(targets *command.Targets) []check {
	return []check{
		{"docker", findDocker, "install and start Docker, or set DOCKER_HOST, for docker_build and docker_compose"},
		{"buildx", tool("docker", "buildx", "version"), "install the buildx plugin of docker for BuildKit in docker_build"},
		{"compose", findCompose, "install Docker Compose v2 for docker_compose, or set TILT_DOCKER_COMPOSE_CMD"},
		{
			"kubernetes", func(ctx context.Context) (string, error) { return findCluster(ctx, targets.Cluster) },
			"k8s_yaml and what deploys need a cluster",
		},
		{"kubectl", tool("kubectl", "version", "--client"), "install kubectl for extensions and scripts that call it"},
		{"helm", tool("helm", "version", "--short"), "install Helm 3 or later for helm()"},
		{"git", tool("git", "--version"), "install Git for load('ext://...')"},
		{"browser", findBrowser, `"tilt-session ui" prints the address of the web page instead of opening it`},
	}
}

// versionPattern matches the version in what a tool prints about itself.
var versionPattern = regexp.MustCompile(`\bv?(\d+\.\d+[-+.\w]*)`)

// tool returns the check of a program that prints its version.
func tool(argv ...string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := output(ctx, argv...)
		if err != nil {
			return "", err
		}
		found := versionPattern.FindStringSubmatch(out)
		if found == nil {
			return "", fmt.Errorf("%q printed no version: %s", strings.Join(argv, " "), out)
		}
		return found[1], nil
	}
}

// findDocker asks the engine: a client alone builds nothing.
func findDocker(ctx context.Context) (string, error) {
	found, err := tool("docker", "version", "--format", "{{.Server.Version}}")(ctx)
	if host := os.Getenv("DOCKER_HOST"); err == nil && host != "" {
		found += " at " + host
	}
	return found, err
}

// findCompose asks the Compose that TILT_DOCKER_COMPOSE_CMD names, as docker_compose does.
func findCompose(ctx context.Context) (string, error) {
	argv := []string{"docker", "compose", "version"}
	if program := os.Getenv("TILT_DOCKER_COMPOSE_CMD"); program != "" {
		argv = []string{program, "version"}
	}
	return tool(argv...)(ctx)
}

// findBrowser starts nothing.
func findBrowser(context.Context) (string, error) {
	browser, err := webpage.FindBrowser(os.Getenv)
	return browser.String(), err
}

// findCluster asks the cluster of the kubeconfig.
func findCluster(ctx context.Context, options cluster.Options) (found string, err error) {
	frozen := cluster.Freeze(options)
	defer func() { err = errors.Join(err, frozen.Close()) }()
	connection, err := frozen.Connection()
	if err != nil {
		return "", err
	}
	answer, err := connection.Core.RESTClient().Get().AbsPath("/version").DoRaw(ctx)
	if err != nil {
		return "", connection.Explain(err)
	}
	var info version.Info
	if err := json.Unmarshal(answer, &info); err != nil {
		return "", fmt.Errorf("read the version of the cluster at %s: %w", connection.Server, err)
	}
	return fmt.Sprintf("%s at %s, context %s, namespace %s", strings.TrimPrefix(info.GitVersion, "v"), connection.Server,
		connection.Cluster.Context, connection.Cluster.Namespace), nil
}

// output returns the first line that a program prints. The error of one that fails is its last words.
func output(ctx context.Context, argv ...string) (string, error) {
	program := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out, errOut bytes.Buffer
	program.Stdout, program.Stderr = &out, &errOut
	// Plugins are processes of their own.
	program.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	program.Cancel = func() error { return syscall.Kill(-program.Process.Pid, syscall.SIGKILL) }
	program.WaitDelay = time.Second
	err := program.Run()
	first, _, _ := strings.Cut(strings.TrimSpace(out.String()), "\n")
	switch {
	case err == nil:
		return first, nil
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("%s isn't on PATH", argv[0])
	case ctx.Err() != nil:
		return "", fmt.Errorf("%q gave no answer in %v", strings.Join(argv, " "), limit)
	}
	reason, _, _ := strings.Cut(strings.TrimSpace(errOut.String()), "\n")
	return "", fmt.Errorf("%q failed: %s", strings.Join(argv, " "), cmp.Or(reason, err.Error()))
}
