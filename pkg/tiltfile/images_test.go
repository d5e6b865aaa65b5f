// Copyright The tilt-session Authors.
// SPDX-License-Identifier: Apache-2.0

package tiltfile

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"tilt.dev/session/pkg/model"
	"tilt.dev/session/pkg/tiltfile/images"
)

// TestImages evaluates the cases in testdata/images, which have the form of those of TestScripts. "args:" are the
// references in the objects of one Kubernetes resource. The model has its images and how it uses them.
func TestImages(t *testing.T) {
	paths, err := filepath.Glob("testdata/images/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			testArchive(t, path, evaluateImages)
		})
	}
}

func evaluateImages(t *testing.T, work string, options Options) map[string]string {
	log := record(work, &options)
	e := newEvaluation(t.Context(), options)
	err := e.run()
	if err == nil {
		err = e.images.Resolve()
	}
	var b strings.Builder
	if err == nil {
		err = dumpImages(&b, e)
	}
	got := map[string]string{
		"log":    log.String(),
		"inputs": strings.Join(e.Inputs, "\n") + "\n",
		"model":  b.String(),
	}
	if err != nil {
		got["error"], got["model"] = describeError(t, e.explain(err)), ""
	}
	for section, text := range got {
		got[section] = strings.ReplaceAll(text, work, "$WORK")
	}
	return got
}

// dumpImages describes what one resource with the references of the arguments makes of the builds.
func dumpImages(b *strings.Builder, e *evaluation) error {
	var used []string
	for _, ref := range e.Args {
		name, ok := e.images.Match(ref)
		if ok {
			used = append(used, name)
		}
		if name != ref {
			fmt.Fprintf(b, "%s: from %q\n", ref, name)
		}
	}
	uses, err := e.images.Uses("the-resource", used)
	if err != nil {
		return err
	}
	for _, image := range e.images.Project(images.Used{
		Deployed: used, Cluster: &model.Cluster{Context: "c"}, Configs: "Kubernetes",
	}) {
		dumpImage(b, image)
	}
	for _, l := range e.images.LiveUpdates(used) {
		dumpLiveUpdate(b, &l)
	}
	for _, use := range uses {
		fmt.Fprintf(b, "use of %s\n", use.Image)
		dumpFlag(b, "exactly", use.MatchExact)
		dumpFlag(b, "in the environment", use.MatchInEnvVars)
		dumpList(b, "command", use.Command)
		dumpList(b, "args", use.Args)
	}
	return nil
}

func dumpLiveUpdate(b *strings.Builder, l *model.LiveUpdate) {
	fmt.Fprintf(b, "live update of %s%s%s\n", l.Image, l.Repository, l.Container)
	dumpList(b, "files of", l.Sources)
	dumpList(b, "stops", l.StopPaths)
	for _, s := range l.Syncs {
		fmt.Fprintf(b, "  sync: %s to %s\n", s.Local, s.Remote)
	}
	for _, r := range l.Runs {
		fmt.Fprintf(b, "  run: %+v\n", r)
	}
	dumpFlag(b, "restart", l.Restart)
	dumpFlag(b, "initial sync", l.InitialSync)
}

func dumpImage(b *strings.Builder, image model.Image) {
	fmt.Fprintf(b, "%s\n", image.Name)
	dumpFlag(b, "for images only", !image.Build.Deployed)
	dumpList(b, "bases", image.Bases)
	if r := image.Build.Registry; r != nil {
		fmt.Fprintf(b, "  registry: %s %q %q\n", r.Host, r.HostFromCluster, r.SingleName)
	}
	if d := image.Build.Docker; d != nil {
		fmt.Fprintf(b, "  docker: %q with %q: %q\n", d.Context, d.Dockerfile, d.Contents)
		for _, i := range d.Ignores {
			fmt.Fprintf(b, "    without %s in %s (%s)\n", strings.Join(i.Patterns, ", "), i.Base, i.Source)
		}
		for _, s := range []struct {
			name string
			list []string
		}{
			{"build args", d.BuildArgs}, {"ssh", d.SSH}, {"secrets", d.Secrets}, {"tags", d.ExtraTags},
			{"cache from", d.CacheFrom}, {"hosts", d.ExtraHosts},
		} {
			dumpList(b, s.name, s.list)
		}
		dumpText(b, "target", d.Target)
		dumpText(b, "network", d.Network)
		dumpText(b, "platform", d.Platform)
		dumpFlag(b, "pull", d.Pull)
	}
	if c := image.Build.Custom; c != nil {
		fmt.Fprintf(b, "  custom: %q in %s with %q\n", c.Command.Argv, c.Command.Dir, c.Command.Env)
		dumpText(b, "tag", c.Tag)
		dumpFlag(b, "skips local docker", c.SkipsLocalDocker)
		dumpFlag(b, "disable push", c.DisablePush)
		dumpText(b, "writes its reference to", c.OutputsRefTo)
	}
	dumpList(b, "files", image.Deps)
	for _, i := range image.Ignores {
		fmt.Fprintf(b, "  except: %s in %s (%s)\n", strings.Join(i.Patterns, ", "), i.Base, i.Source)
	}
}

func dumpFlag(b *strings.Builder, name string, set bool) {
	if set {
		fmt.Fprintf(b, "  %s\n", name)
	}
}

func dumpText(b *strings.Builder, name, text string) {
	if text != "" {
		fmt.Fprintf(b, "  %s: %s\n", name, text)
	}
}

func dumpList(b *strings.Builder, name string, list []string) {
	if list != nil {
		fmt.Fprintf(b, "  %s: %q\n", name, list)
	}
}
