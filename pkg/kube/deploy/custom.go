// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"tilt.dev/session/pkg/engine"
	"tilt.dev/session/pkg/kube/manifest"
	"tilt.dev/session/pkg/logs"
	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/process"
)

const (
	// maxOutput limits the YAML that an apply command may print.
	maxOutput = 32 << 20
	// commandGrace is how long a command that took too long may take to end.
	commandGrace = 5 * time.Second
	// quotedOutput is how much of the output is part of an error.
	quotedOutput = 500
)

// runCommand runs the apply command of a custom deploy and reads the objects that it prints.
func (d *Deployer) runCommand(ctx context.Context, a *activity, deploy *model.Deploy,
	request engine.UpdateRequest) engine.End {
	d.mu.Lock()
	d.commands[deploy.Resource] = command{deploy, request.Environ}
	d.mu.Unlock()
	stdout := &limitedBuffer{}
	env := slices.Concat(request.Environ, deploy.Custom.Apply.Env, imageVariables(deploy, request.Images))
	request.Log.Append(logs.LevelInfo, "Running cmd: "+deploy.Custom.Apply.String())
	end, err := d.command(ctx, a.follow, deploy, deploy.Custom.Apply, env, stdout, request.Log)
	defer a.ending.Store(true)
	if err != nil {
		end.Error = "apply command " + err.Error() + quote(stdout.String())
		return end
	}
	objects, err := printedObjects(stdout)
	if err != nil {
		end.Error = "apply command " + err.Error()
		return end
	}
	end.Output = Applied{Objects: objects, At: time.Now()}
	return end
}

// runDelete runs the delete command of a custom deploy.
func (d *Deployer) runDelete(ctx context.Context, c command, log engine.Log) error {
	log.Append(logs.LevelInfo, "Running cmd: "+c.deploy.Custom.Delete.String())
	w := log.Writer()
	env := slices.Concat(c.environ, c.deploy.Custom.Delete.Env, imageVariables(c.deploy, nil))
	_, err := d.command(ctx, func(*process.Process) {}, c.deploy, c.deploy.Custom.Delete, env, w, log)
	if err := errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("delete command of %q %w", c.deploy.Resource, err)
	}
	return nil
}

// command runs a command until it ends, its time is over or ctx ends. The text of the error follows "command".
func (d *Deployer) command(ctx context.Context, begun func(*process.Process), deploy *model.Deploy, c model.Command,
	env []string, stdout io.Writer, log engine.Log) (engine.End, error) {
	stderr := log.Writer()
	defer func() { _ = stderr.Close() }()
	p, err := d.options.Start(process.Spec{Argv: c.Argv, Dir: c.Dir, Env: env, Output: stdout, Stderr: stderr})
	if err != nil {
		return engine.End{}, fmt.Errorf("failed: %w", err)
	}
	begun(p)
	var expired <-chan time.Time
	if deploy.Timeout > 0 {
		timer := time.NewTimer(deploy.Timeout)
		defer timer.Stop()
		expired = timer.C
	}
	late := false
	select {
	case <-p.Done():
	case <-expired:
		late = true
		p.Stop(commandGrace)
	case <-ctx.Done():
		p.Stop(commandGrace)
	}
	<-p.Done()
	exit := p.Exit()
	end := engine.End{Signal: exit.Signal}
	if exit.Signal == "" {
		end.Code = &exit.Code
	}
	switch {
	case late:
		return end, fmt.Errorf("timed out after %v; update_settings(k8s_upsert_timeout_secs=) sets the limit",
			deploy.Timeout)
	case exit.Signal != "":
		return end, fmt.Errorf("was ended by signal: %s", exit.Signal)
	case exit.Code != 0:
		return end, fmt.Errorf("exited with status %d", exit.Code)
	}
	return end, nil
}

// imageVariables are the variables that tell a command about the images and the cluster.
func imageVariables(deploy *model.Deploy, built map[string]model.BuiltImage) []string {
	var env []string
	for i, use := range deploy.Images {
		if image, ok := built[use.Image]; ok {
			n := strconv.Itoa(i)
			env = append(env, "TILT_IMAGE_MAP_"+n+"="+use.Image, "TILT_IMAGE_"+n+"="+image.ClusterRef)
		}
	}
	if deploy.Cluster != nil {
		env = append(env, "KUBECONFIG="+deploy.Cluster.Kubeconfig)
	}
	return env
}

// printedObjects reads the YAML of an apply command. Each object must be as the server has it.
func printedObjects(stdout *limitedBuffer) ([]unstructured.Unstructured, error) {
	if stdout.dropped {
		return nil, fmt.Errorf("printed more than %d MiB; it must print the YAML of the objects that it applied, "+
			"and logs on stderr", maxOutput>>20)
	}
	printed, err := manifest.Parse(stdout.Bytes())
	if err != nil {
		return nil, fmt.Errorf("printed malformed YAML: %w; it must print the objects that it applied, as `kubectl "+
			"apply -o yaml` does, and logs on stderr%s", err, quote(stdout.String()))
	}
	objects := make([]unstructured.Unstructured, len(printed))
	for i, o := range printed {
		objects[i].Object = o
		if objects[i].GetUID() == "" {
			return nil, fmt.Errorf("printed %v without metadata.uid; it must print objects as the server has them, "+
				"as `kubectl apply -o yaml` does", manifest.IDOf(o))
		}
		objects[i].SetManagedFields(nil)
	}
	return objects, nil
}

// secretKind matches the kind of a Secret in YAML or JSON.
var secretKind = regexp.MustCompile(`\bkind"?:\s*["']?Secret\b`)

// quote is a text as an addition to an error, without its middle if it is long.
func quote(text string) string {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return ""
	case secretKind.MatchString(text):
		return "\nstdout has a Secret and isn't shown"
	}
	if half := quotedOutput / 2; len(text) > quotedOutput {
		text = strings.ToValidUTF8(text[:half], "") + "\n... (output cut) ...\n" +
			strings.ToValidUTF8(text[len(text)-half:], "")
	}
	return "\nstdout:\n" + text
}

// limitedBuffer keeps the first maxOutput bytes.
type limitedBuffer struct {
	bytes.Buffer
	dropped bool
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if room := maxOutput - b.Len(); len(p) > room {
		b.dropped = true
		b.Buffer.Write(p[:room])
		return len(p), nil
	}
	return b.Buffer.Write(p)
}
